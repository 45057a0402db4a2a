"""The HTTP interface, the pages and the `aisle` command."""
