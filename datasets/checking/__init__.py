"""What is wrong with a dataset: pictures, labels, files, duplicates, leaks; and a picture of it."""
