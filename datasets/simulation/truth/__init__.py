"""What is true of a simulated shop, in standard formats: per picture, on the floor, and of the whole run."""
