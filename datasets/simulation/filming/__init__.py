"""From a recipe to footage with its truth on disk, or live."""
