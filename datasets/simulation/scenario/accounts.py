"""Who has what at any moment of a timeline, and who pays for it: whoever carries it out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from datasets.simulation.timeline import Actor, Item, Stay, Timeline
from store.events import BasketLine, ReceiptIssued

CARRIED = ("hand", "bag", "pocket")


@dataclass(frozen=True, slots=True)
class Move:
    """``item`` (number in ``Timeline.moved``) goes from stay ``before`` to stay ``after`` when that begins."""

    item: int
    before: Stay
    after: Stay

    @property
    def time_s(self) -> float:
        """When it goes."""
        return self.after.start_s


def moves(timeline: Timeline) -> list[Move]:
    """Every move of every package within the timeline, in order of time."""
    found = [
        Move(number, before, after)
        for number, item in enumerate(timeline.moved)
        for before, after in pairwise(item.stays)
        if after.start_s <= timeline.duration_s
    ]
    return sorted(found, key=lambda move: (move.time_s, move.item))


def stay_at(item: Item, time_s: float) -> Stay:
    """Where ``item`` is at ``time_s``."""
    now = item.stays[0]
    for stay in item.stays[1:]:
        if stay.start_s > time_s:
            break
        now = stay
    return now


def census(timeline: Timeline, time_s: float) -> dict[str, dict[str, int]]:
    """How many packages of each product are where at ``time_s``: product to place (``slot``, ``hand``, ``bag``,
    ``pocket``, ``floor``, ``crate``, ``gone``) to count. Places with none are left out.
    """
    found: dict[str, Counter[str]] = {}
    slots = {slot.id: slot.slot.product for slot in timeline.plan.slots()}
    for slot, poses in timeline.stock.items():
        if len(poses):
            found.setdefault(slots[slot], Counter())["slot"] += len(poses)
    for item, origin in zip(timeline.moved, timeline.from_stock, strict=True):
        places = found.setdefault(item.product, Counter())
        places["slot"] -= origin is not None
        places[stay_at(item, time_s).where] += 1
    return {product: {place: n for place, n in places.items() if n} for product, places in found.items()}


def stocked(timeline: Timeline) -> dict[str, int]:
    """How many packages of each product there are in all, the staff's crate included."""
    return {product: sum(places.values()) for product, places in census(timeline, 0.0).items()}


def session_of(actors: tuple[Actor, ...], stay: Stay) -> str | None:
    """Whose account a package is on: the session of who carries it."""
    return actors[stay.actor].session_id if stay.where in CARRIED and stay.actor is not None else None


def lines_of(timeline: Timeline, products: Counter[str]) -> tuple[BasketLine, ...]:
    """Basket lines, by GTIN, of a count of product ids."""
    known = {product.id: product for product in timeline.catalogue.products}
    lines = [
        BasketLine(gtin=known[id].gtin, quantity=n, unit_price=known[id].price) for id, n in products.items() if n > 0
    ]
    return tuple(sorted(lines, key=lambda line: line.gtin))


def receipts(timeline: Timeline) -> dict[str, tuple[BasketLine, ...]]:
    """What each session that has closed owes: session id to lines, those who bought nothing included."""
    return {event.session_id: event.lines for event in timeline.events if isinstance(event, ReceiptIssued)}


def unpaid(timeline: Timeline) -> dict[str, dict[str, int]]:
    """What people without a session carried out: track id to product to count. Staff's is not in it."""
    found: dict[str, Counter[str]] = {}
    for move in moves(timeline):
        if move.after.where == "gone" and move.after.actor is not None:
            actor = timeline.actors[move.after.actor]
            if actor.session_id is None and actor.role == "shopper":
                found.setdefault(actor.track_id, Counter())[timeline.moved[move.item].product] += 1
    return {track: dict(products) for track, products in found.items()}
