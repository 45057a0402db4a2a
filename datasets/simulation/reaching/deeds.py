"""What hands did in a timeline, and the moments worth a clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.performance import Motion
from datasets.simulation.timeline import Timeline
from store.layout import PlacedSlot

STANDS: Final = ("slot", "floor")
NEAR_M: Final = 0.9  # from a shelf: who stands nearer is worth a look
LONG_REST_S: Final = 1.6


@dataclass(frozen=True, slots=True)
class Deed:
    """A package changed its place by a hand: ``actor`` in the timeline, ``hand`` 0 left, 1 right, at ``time_s``.

    ``slot`` None is the floor.
    """

    kind: Literal["take", "return"]
    actor: int
    hand: int
    time_s: float
    slot: str | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment to film: ``what`` is the motion, ``rest`` (long on a package before it is lifted) or ``idle``."""

    what: str
    actor: int
    hand: int
    time_s: float
    slot: str | None


def deeds(timeline: Timeline) -> list[Deed]:
    """Every take and return, by time."""
    found = []
    for item in timeline.moved:
        for before, after in pairwise(item.stays):
            if before.where in STANDS and after.where == "hand" and after.actor is not None:
                found.append(Deed("take", after.actor, after.hand or 0, after.start_s, before.slot))
            elif after.where in STANDS and before.where == "hand" and before.actor is not None:
                found.append(Deed("return", before.actor, before.hand or 0, after.start_s, after.slot))
    return sorted(found, key=lambda deed: deed.time_s)


def anchors(timeline: Timeline, done: list[Deed], rng: np.random.Generator, *, idle: float = 0.3) -> list[Anchor]:
    """The moments to film, by time: every gesture, long rests, and idle hands near shelves (``idle`` for a gesture)."""
    slot_of = {(deed.actor, deed.hand, round(deed.time_s, 3)): deed.slot for deed in done}
    found: list[Anchor] = []
    for number, actor in enumerate(timeline.actors):
        for gesture in actor.performance.gestures:
            slot = slot_of.get((number, gesture.hand, round(gesture.release_s, 3)))
            if slot is None and gesture.motion is Motion.TOUCH and gesture.target is not None:
                slot = nearest_slot(timeline.plan.slots(), np.array(gesture.target))
            # Off the very moment, so that pictures fall at any time before and after it.
            moment = gesture.release_s + float(rng.uniform(-0.1, 0.1))
            found.append(Anchor(gesture.motion.value, number, gesture.hand, moment, slot))
            if gesture.release_s - gesture.contact_s > LONG_REST_S:
                resting = float(rng.uniform(gesture.contact_s + 0.3, gesture.release_s - 1.0))
                found.append(Anchor("rest", number, gesture.hand, resting, slot))
    count = round(idle * len(found))
    found += list(_idle(timeline, rng, count)) if count else []
    return sorted(found, key=lambda anchor: (anchor.time_s, anchor.actor, anchor.hand))


def _idle(timeline: Timeline, rng: np.random.Generator, count: int) -> Iterator[Anchor]:
    """Moments at which somebody is near a shelf and neither hand moves to do anything."""
    slots = timeline.plan.slots()
    fronts = np.array([np.array(s.corner[:2]) + np.array(s.along) * s.width_m / 2 for s in slots])
    for _ in range(count * 20):
        if not count:
            return
        number = int(rng.integers(len(timeline.actors)))
        performance = timeline.actors[number].performance
        walk = performance.walk
        time_s = float(rng.uniform(walk.time_s[0], walk.time_s[-1]))
        if any(gesture.start_s - 0.5 < time_s < gesture.end_s + 0.5 for gesture in performance.gestures):
            continue
        xy = np.array([np.interp(time_s, walk.time_s, walk.xy[:, axis]) for axis in (0, 1)])
        away = np.linalg.norm(fronts - xy, axis=1)
        if away.min() < NEAR_M:
            count -= 1
            yield Anchor("idle", number, int(rng.integers(2)), time_s, slots[int(away.argmin())].id)


def nearest_slot(slots: tuple[PlacedSlot, ...], point: NDArray[np.float64]) -> str:
    """The slot whose middle is nearest to ``point`` (3,)."""
    return min(slots, key=lambda slot: float(np.linalg.norm(slot_middle(slot) - point))).id


def slot_middle(slot: PlacedSlot) -> NDArray[np.float64]:
    """The middle (3,) of what the slot shows to the front, in metres; an open top counts as 0.3 m."""
    x, y = np.array(slot.corner[:2]) + np.array(slot.along) * slot.width_m / 2
    return np.array([x, y, slot.corner[2] + min(slot.headroom_m, 0.3) / 2])


def slot_front(slot: PlacedSlot) -> NDArray[np.float64]:
    """The four corners (4, 3) of the slot's front, in metres."""
    left = np.array(slot.corner)
    right = left + np.array([*slot.along, 0.0]) * slot.width_m
    up = np.array([0.0, 0.0, min(slot.headroom_m, 0.3)])
    return np.array([left, right, right + up, left + up])
