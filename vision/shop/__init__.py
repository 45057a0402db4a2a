"""What shoppers do, from all cameras and weight plates of a shop: whose hand was in which slot, and what it took."""
