"""`aisle worker`: the cameras of a shop watched for days, facts onto the bus, an account of where time goes."""
