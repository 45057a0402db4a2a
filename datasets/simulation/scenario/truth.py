"""Every event of a timeline, as the events of the whole product, all certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from datasets.simulation.placement import capacity
from datasets.simulation.scenario.accounts import Move, lines_of, moves, session_of
from datasets.simulation.scenario.ledger import Reach
from datasets.simulation.scenario.roles import token
from datasets.simulation.scenario.sightings import sightings
from datasets.simulation.timeline import Actor, Timeline
from store.events import (
    BasketChanged,
    CameraDegraded,
    CameraRecovered,
    Event,
    PersonEntered,
    PersonLeft,
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductTaken,
    ReceiptDrafted,
    ReceiptIssued,
    SessionClosed,
    SessionOpened,
    ShelfLow,
    ShelfReached,
)
from store.layout import Gate

LOW_SHARE = 0.2  # of a full slot: fewer packages are few

Draft = tuple[type[Event], float, dict[str, Any]]


def true_events(timeline: Timeline, reaches: Sequence[Reach]) -> tuple[Event, ...]:
    """The facts of ``timeline`` (whose own ``events`` are not looked at), sorted by time; ids depend on the seed alone.

    ``person.moved`` tells of each person once in about half a second, by the first camera that sees their feet.
    """
    drafts = [
        *_visits(timeline),
        *_products(timeline, reaches),
        *_accounts(timeline),
        *_shelves(timeline),
        *_cameras(timeline),
        *sightings(timeline),
    ]
    kept = sorted((d for d in drafts if d[1] <= timeline.duration_s), key=lambda draft: draft[1])
    return tuple(
        kind(
            id=event_id(timeline, number, kind.type, time_s),
            store=timeline.plan.store,
            time=timeline.start + time_s,
            **fields,
        )
        for number, (kind, time_s, fields) in enumerate(kept)
    )


def event_id(timeline: Timeline, number: int, kind: str, time_s: float) -> str:
    """An id as ``store.events.new_event_id`` makes, whose random part depends on the timeline."""
    milliseconds = round((timeline.start + time_s) * 1000)
    return f"{milliseconds:012x}{token(timeline.seed, timeline.scenario, number, kind, length=20)}"


def _span(actor: Actor) -> tuple[float, float]:
    time_s = actor.performance.walk.time_s
    return float(time_s[0]), float(time_s[-1])


def through_gate(timeline: Timeline, actor: Actor) -> tuple[float, Gate]:
    """When ``actor`` first is inside, and the gate nearest to that place."""
    walk = actor.performance.walk
    assert timeline.plan.floor is not None
    inside = shapely.contains_xy(shapely.Polygon(timeline.plan.floor.polygon), walk.xy[:, 0], walk.xy[:, 1])
    first = int(np.argmax(inside)) if inside.any() else 0
    return float(walk.time_s[first]), _nearest(timeline, walk.xy[first])


def _nearest(timeline: Timeline, xy: np.ndarray[Any, Any]) -> Gate:
    point = shapely.Point(xy)
    return min(timeline.plan.gates, key=lambda gate: float(shapely.LineString([gate.a, gate.b]).distance(point)))


def _visits(timeline: Timeline) -> Iterator[Draft]:
    for actor in timeline.actors:
        first, last = _span(actor)
        yield PersonEntered, first, {"track_id": actor.track_id}
        yield PersonLeft, last, {"track_id": actor.track_id, "entered_at": timeline.start + first}


def _products(timeline: Timeline, reaches: Sequence[Reach]) -> Iterator[Draft]:
    for reach in reaches:
        actor = timeline.actors[reach.actor]
        yield ShelfReached, reach.contact_s, {"track_id": actor.track_id, "slot": reach.slot}
    own = {slot.id: slot.slot.product for slot in timeline.plan.slots()}
    gtin = {product.id: product.gtin for product in timeline.catalogue.products}
    for move in moves(timeline):
        product = timeline.moved[move.item].product
        fact = _fact(timeline, move, own, product)
        if fact is not None:
            kind, fields = fact
            yield kind, move.time_s, {"gtin": gtin[product], **fields}


def _fact(
    timeline: Timeline, move: Move, own: dict[str, str], product: str
) -> tuple[type[ProductEvent], dict[str, Any]] | None:
    """The product event that a move is, if it is one."""
    before, after = move.before, move.after
    if after.where == "hand" and after.actor is not None:
        track = timeline.actors[after.actor].track_id
        if before.where in ("slot", "floor"):
            return ProductTaken, {"track_id": track, "slot": before.slot}
        if before.where == "hand" and before.actor is not None and before.actor != after.actor:
            return ProductHandedOver, {"track_id": timeline.actors[before.actor].track_id, "to_track_id": track}
        return None
    if after.where in ("slot", "floor") and before.actor is not None:
        kind = ProductReturned if after.slot is not None and own[after.slot] == product else ProductMisplaced
        return kind, {"track_id": timeline.actors[before.actor].track_id, "slot": after.slot}
    return None


def _accounts(timeline: Timeline) -> Iterator[Draft]:
    """Sessions, baskets and receipts: a session opens with its first person and closes with its last."""
    baskets: dict[str, Counter[str]] = {}
    for session in dict.fromkeys(actor.session_id for actor in timeline.actors if actor.session_id is not None):
        members = [actor for actor in timeline.actors if actor.session_id == session]
        opened, gate = min((through_gate(timeline, actor) for actor in members), key=lambda pair: pair[0])
        last = max(members, key=lambda actor: _span(actor)[1])
        yield SessionOpened, opened, {"session_id": session, "gate": gate.name}
        out = _nearest(timeline, last.performance.walk.xy[-1])
        yield SessionClosed, _span(last)[1], {"session_id": session, "gate": out.name}
        baskets[session] = Counter()
    carried_out: dict[str, Counter[str]] = {session: Counter() for session in baskets}
    for move in moves(timeline):
        product = timeline.moved[move.item].product
        giver, taker = session_of(timeline.actors, move.before), session_of(timeline.actors, move.after)
        if move.after.where == "gone":
            if giver is not None:
                carried_out[giver][product] += 1
            continue
        if giver == taker:
            continue
        for account, change in ((giver, -1), (taker, 1)):
            if account is not None:
                baskets[account][product] += change
                lines = lines_of(timeline, baskets[account])
                yield BasketChanged, move.time_s, {"session_id": account, "lines": lines}
    for session, products in carried_out.items():
        members = [actor for actor in timeline.actors if actor.session_id == session]
        closed = max(_span(actor)[1] for actor in members)
        fields = {
            "session_id": session,
            "receipt_id": token(timeline.seed, timeline.scenario, "receipt", session),
            "lines": lines_of(timeline, products),
        }
        yield ReceiptDrafted, closed, fields
        yield ReceiptIssued, closed, fields


def _shelves(timeline: Timeline) -> Iterator[Draft]:
    """A slot becomes low when fewer than ``LOW_SHARE`` of what fits are left of its own product."""
    slots = {slot.id: slot for slot in timeline.plan.slots()}
    left = {id: len(poses) for id, poses in timeline.stock.items()}
    for move in moves(timeline):
        product = timeline.moved[move.item].product
        for stay, change in ((move.before, -1), (move.after, 1)):
            if stay.where != "slot" or stay.slot is None or slots[stay.slot].slot.product != product:
                continue
            was = left[stay.slot]
            left[stay.slot] += change
            full = capacity(slots[stay.slot], timeline.catalogue.product(product))
            few = LOW_SHARE * full[0] * full[1] * full[2]
            if left[stay.slot] < few <= was:
                gtin = timeline.catalogue.product(product).gtin
                yield ShelfLow, move.time_s, {"slot": stay.slot, "gtin": gtin, "remaining": left[stay.slot]}


def _cameras(timeline: Timeline) -> Iterator[Draft]:
    for outage in timeline.outages:
        yield CameraDegraded, outage.start_s, {"cameras": (outage.camera,), "reason": "no picture"}
        yield CameraRecovered, outage.end_s, {"cameras": (outage.camera,)}
