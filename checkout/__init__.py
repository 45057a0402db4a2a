"""Facts to baskets: sessions, gates, receipts, payments and reviews. May import `store` only.

`fold`, `books` and `lines` make receipts of events and know nothing else; `shop` adds gates and sessions, `service` the
bus and the records; `board` is what gates ask, from memory.
"""
