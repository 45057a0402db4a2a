"""A page that plays all cameras of a dataset in step with their truth; it needs no server and no network."""
