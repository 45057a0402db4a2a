"""Reading and writing datasets in standard formats."""
