"""`aisle watch`: footage through the whole of Aisle in one process, with a report at the end and pages meanwhile."""
