"""Many cameras at once: decoders and the networks in processes of their own, and one process that follows people."""
