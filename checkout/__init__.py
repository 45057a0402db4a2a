"""Facts to baskets: sessions, gates, receipts, payments and reviews. May import `store` only."""
