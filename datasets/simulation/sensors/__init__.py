"""When cameras expose and what their clocks say; what weight plates read."""
