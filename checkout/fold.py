"""What each event does to what people hold. Pure functions; the order of events is the caller's affair.

A package is in one place, but which is not always known: it is kept as stakes, possibilities with a probability each.
Goods come from shelves only: nobody ever gives back, puts down or hands over what they are not known to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from checkout.prices import Price
from store.events import (
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductTaken,
    ReviewRequested,
)

NEGLIGIBLE = 1e-9
"""A possibility less likely than this is none."""


@dataclass(frozen=True, slots=True)
class Stake:
    """The possibility that one package is with somebody.

    ``unit`` names the package by the event that took it and its number in it; ``hands`` are the tracks through whose
    hands it went, the picker first, the holder last.
    """

    unit: tuple[str, int]
    gtin: str
    hands: tuple[str, ...]
    probability: float
    price: Price
    taken_at: float

    @property
    def holder(self) -> str:
        """Who holds it, if this is so."""
        return self.hands[-1]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``quantity`` packages that ``track_id`` let go of by event ``event_id`` without being known to hold them."""

    event_id: str
    track_id: str
    gtin: str
    quantity: int
    probability: float


@dataclass(frozen=True)
class Holdings:
    """Who holds what: stakes by track, and what did not fit. Never changed; a step makes a new one."""

    stakes: Mapping[str, tuple[Stake, ...]]
    contradictions: tuple[Contradiction, ...] = ()


EMPTY = Holdings({})
PriceAt = Callable[[str, float], Price]


def step(held: Holdings, event: ProductEvent, price_at: PriceAt) -> Holdings:
    """What is held after ``event``; events that move nothing leave it as it was."""
    match event:
        case ProductTaken():
            return _take(held, event, price_at)
        case ProductReturned() | ProductMisplaced():
            return _let_go(held, event, None)
        case ProductHandedOver():
            return _let_go(held, event, event.to_track_id)
        case _:
            return held


def possibilities(event: ProductEvent | ReviewRequested) -> Iterator[tuple[str, str, float]]:
    """(track, GTIN, probability) of all that an event may have been; they exclude each other."""
    who = [(c.id, c.probability) for c in event.who] or [(event.track_id, 1.0)]
    what = [(c.id, c.probability) for c in event.what] or [(event.gtin, 1.0)]
    for track, p_track in who:
        for gtin, p_gtin in what:
            probability = event.confidence * p_track * p_gtin
            if probability > NEGLIGIBLE:
                yield track, gtin, probability


def _take(held: Holdings, event: ProductTaken, price_at: PriceAt) -> Holdings:
    stakes = dict(held.stakes)
    for track, gtin, probability in possibilities(event):
        price = price_at(gtin, event.time)
        stakes[track] = (
            *stakes.get(track, ()),
            *(Stake((event.id, i), gtin, (track,), probability, price, event.time) for i in range(event.quantity)),
        )
    return Holdings(stakes, held.contradictions)


def _let_go(held: Holdings, event: ProductEvent, to: str | None) -> Holdings:
    """Packages leave hands; with ``to`` they come into that person's."""
    stakes = dict(held.stakes)
    received: list[Stake] = []
    contradictions = list(held.contradictions)
    for track, gtin, probability in possibilities(event):
        if track == to:
            continue
        # The likeliest packages go, of those the newest; several of one event in the order of their numbers.
        own = stakes.get(track, ())
        mine = sorted((s for s in own if s.gtin == gtin), key=lambda s: (-s.probability, -s.taken_at, s.unit))
        going = mine[: event.quantity]
        gone = {id(stake) for stake in going}
        kept = [stake for stake in own if id(stake) not in gone]
        for stake in going:
            left = stake.probability * (1 - probability)
            if left > NEGLIGIBLE:
                kept.append(replace(stake, probability=left))
            if to is not None:
                received.append(replace(stake, hands=(*stake.hands, to), probability=stake.probability * probability))
        stakes[track] = tuple(kept)
        if len(going) < event.quantity:
            missing = event.quantity - len(going)
            contradictions.append(Contradiction(event.id, track, gtin, missing, probability))
    if to is not None and received:
        stakes[to] = (*stakes.get(to, ()), *(s for s in received if s.probability > NEGLIGIBLE))
    return Holdings(stakes, tuple(contradictions))
