"""What `aisle simulate` does: datasets written, or the cameras of a simulated shop in real time."""
