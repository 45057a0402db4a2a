"""What the simulated shop sells: products by seed, printed labels, packages, catalogue photos."""
