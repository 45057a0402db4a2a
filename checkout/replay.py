"""Receipts of a period once more, from their events, by another policy, other prices or other product events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checkout.books import Books
from checkout.lines import NOTHING, baskets, owed
from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.recall import LONGEST_VISIT_S, facts_between
from checkout.sessions import Register
from store.events import BasketLine, Event, ProductEvent
from store.records import Records

_FOREVER = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """One receipt: the lines that it has, and those that it would have. ``closed_at`` in seconds."""

    session_id: str
    closed_at: float
    before: tuple[BasketLine, ...]
    after: tuple[BasketLine, ...]

    @property
    def difference(self) -> int:
        """How much more the shopper would pay, in the currency's smallest unit."""
        return sum(line.amount for line in self.after) - sum(line.amount for line in self.before)

    @property
    def changed(self) -> bool:
        """Whether products, quantities or prices differ."""
        return owed(self.before) != owed(self.after)


def replay(
    facts: Iterable[Event],
    start: float,
    end: float,
    prices: PriceBook,
    policy: Policy,
    products: Iterable[Event] | None = None,
) -> list[Replayed]:
    """The receipts of sessions that closed from ``start`` until before ``end``, as they are and as they would be.

    ``products`` are product events in place of those among ``facts``, as from cameras that were watched again with
    other weights: by the same track ids. A pure function: the same arguments give the same receipts.
    """
    kept = list(facts)
    register = Register()
    for event in kept:
        register.apply(event)
    books = Books(prices.at)
    books.add_all(event for event in kept if products is None or not isinstance(event, ProductEvent))
    books.add_all(products or ())
    found = baskets(books, register.roles(), policy)
    return [
        Replayed(session.id, session.closed_at, session.receipted, found.get(session.id, NOTHING).lines)
        for session in sorted(register, key=lambda session: (session.closed_at or 0.0, session.id))
        if session.closed_at is not None and start <= session.closed_at < end and session.receipted is not None
    ]


def replay_period(
    records: Records,
    store: str,
    start: float,
    end: float,
    prices: PriceBook,
    policy: Policy,
    products: Iterable[Event] | None = None,
) -> list[Replayed]:
    """``replay`` on what the records keep."""
    facts = facts_between(records, store, start - LONGEST_VISIT_S, end, settled_until=_FOREVER)
    return replay(facts, start, end, prices, policy, products)
