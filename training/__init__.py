"""One script per model, and every evaluation."""
