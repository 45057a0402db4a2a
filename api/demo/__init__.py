"""The demo: a short simulated run is filmed, played as a live shop, and its receipts are laid beside what is true."""
