"""Measuring: our results and those of public trackers against truth, by one command and one set of metrics."""
