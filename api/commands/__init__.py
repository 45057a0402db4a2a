"""One module per command of `aisle`; each imports what it needs when it runs, so that `aisle --help` stays quick."""
