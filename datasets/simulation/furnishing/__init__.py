"""What stands still in the simulated shop: the house, furniture, and what people bring to put things in."""
