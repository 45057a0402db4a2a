"""Facts from the records, and a shop's checkout built again from them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import func, select

from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.shop import Shop
from checkout.writing import FACTS
from store.events import Event, ProductSettled, ReceiptDisputed, from_cloudevent
from store.records import Records
from store.tables import events, receipts

LONGEST_VISIT_S = 24 * 3600.0
_SETTLING = ("product.settled", "receipt.drafted", "receipt.issued", "receipt.corrected", "review.requested")


def facts_between(
    records: Records, store: str, start: float, end: float, *, settled_until: float | None = None
) -> Iterator[Event]:
    """The kept facts from ``start`` to ``end`` (seconds, both included), in order of time.

    With ``settled_until`` also the corrections and receipts that came until then, whatever they are about.
    """
    until = events.c.time <= end
    if settled_until is not None:
        until |= events.c.type.in_(_SETTLING) & (events.c.time <= settled_until)
    wanted = (
        select(events.c.body)
        .where(events.c.store == store, events.c.type.in_(FACTS), events.c.time >= start, until)
        .order_by(events.c.time, events.c.id)
    )
    with records.read() as connection:
        bodies = connection.execute(wanted).scalars().all()
    for body in bodies:
        yield from_cloudevent(json.loads(body))


def recalled(records: Records, store: str, prices: PriceBook, policy: Policy) -> Shop:
    """The checkout of a store as it was when its newest fact was kept."""
    newest = select(func.max(events.c.time)).where(events.c.store == store, events.c.type.in_(FACTS))
    with records.read() as connection:
        end = connection.execute(newest).scalar()
    shop = Shop(store, prices, policy)
    if end is not None:
        shop.remember(facts_between(records, store, end - LONGEST_VISIT_S, end))
    return shop


def recalled_around(records: Records, store: str, event: Event, prices: PriceBook, policy: Policy) -> Shop | None:
    """The checkout as it was around what a dispute or a correction is about; None where nothing is kept of that."""
    if isinstance(event, ReceiptDisputed):
        wanted = select(receipts.c.drafted_at).where(receipts.c.store == store, receipts.c.id == event.receipt_id)
    elif isinstance(event, ProductSettled):
        wanted = select(events.c.time).where(events.c.store == store, events.c.id == event.settles)
    else:
        return None
    with records.read() as connection:
        moment = connection.execute(wanted).scalar()
    if moment is None:
        return None
    shop = Shop(store, prices, policy)
    start, end = moment - LONGEST_VISIT_S, moment + LONGEST_VISIT_S
    shop.remember(facts_between(records, store, start, end, settled_until=event.time))
    return shop
