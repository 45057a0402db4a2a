"""Simulated people: bodies from MakeHuman's CC0 data, clothes and hair cut from the same mesh, painted by program."""
