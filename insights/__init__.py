"""Facts to footfall, dwell, occupancy and heatmaps."""
