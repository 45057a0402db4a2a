"""What a plan is worth before it is built: what overlaps, cannot be reached or is not seen, and its picture."""
