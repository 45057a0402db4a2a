"""Who passes which gate, from where people are on the floor.

Needs cameras that know the floor (``xy_m``). What sees gates otherwise may tell ``person.passed`` itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checkout.ids import derived_id
from store.events import Event, PersonLeft, PersonMoved, PersonPassed, Way
from store.layout import Gate, Plan
from store.views import Point


@dataclass(slots=True)
class _Walk:
    """The last place of a track that counts, whether it is inside, and the gates it passed."""

    time_s: float
    xy: Point
    inside: bool
    came_in: bool = False


class Passages:
    """Finds passages through the gates of a plan.

    A way from outside the floor to inside, or back, passes the gate that it crosses, whatever that is meant for.
    Cameras often see the inside alone: who is first seen within ``near_m`` of a gate that leads in came in there, and
    who was last seen so near to one that leads out, and is not followed any more, went out. Places closer to the
    gate's line than ``margin_m`` count as where one was, for feet are never seen exactly.
    """

    def __init__(self, plan: Plan | None, *, near_m: float = 1.2, margin_m: float = 0.15) -> None:
        self._gates: Sequence[Gate] = plan.gates if plan else ()
        self._floor = plan.floor.polygon if plan and plan.floor else ()
        self._near_m, self._margin_m = near_m, margin_m
        self._walks: dict[str, _Walk] = {}

    def take(self, event: Event) -> list[PersonPassed]:
        """The passages that an event shows, in order of time."""
        if isinstance(event, PersonMoved) and event.xy_m is not None and self._gates:
            rows = sorted(zip(event.time_s, event.track_id, event.xy_m, range(len(event.time_s)), strict=True))
            return [
                passed
                for time_s, track, xy, row in rows
                for passed in self._move(event, time_s, track, xy, event.rows_cameras(row))
            ]
        if isinstance(event, PersonLeft):
            return list(self._leave(event))
        return []

    def forget(self, before: float) -> None:
        """Forget tracks that were last seen before this time."""
        self._walks = {track: walk for track, walk in self._walks.items() if walk.time_s >= before}

    def _move(
        self, event: Event, time_s: float, track: str, xy: Point, cameras: tuple[str, ...]
    ) -> Iterable[PersonPassed]:
        inside = _contains(self._floor, xy)
        walk = self._walks.get(track)
        if walk is None:
            self._walks[track] = walk = _Walk(time_s, xy, inside)
            gate = self._near(xy, "in") if inside else None
            if gate is not None:
                walk.came_in = True
                yield self._passed(event, track, gate, "in", time_s, cameras)
            return
        if time_s <= walk.time_s:  # the floor tells it, and then each camera of its picture
            return
        if inside != walk.inside and self._distance(xy) > self._margin_m:
            gate = min(self._gates, key=lambda g: _crossing(g, walk.xy, xy))
            way: Way = "in" if inside else "out"
            if not (way == "in" and walk.came_in):
                yield self._passed(event, track, gate, way, time_s, cameras)
            walk.inside, walk.came_in = inside, inside
        walk.time_s, walk.xy = time_s, xy

    def _leave(self, event: PersonLeft) -> Iterable[PersonPassed]:
        walk = self._walks.pop(event.track_id, None)
        gate = self._near(walk.xy, "out") if walk is not None and walk.inside else None
        if gate is not None:
            yield self._passed(event, event.track_id, gate, "out", event.time, event.cameras)

    def _passed(
        self, event: Event, track: str, gate: Gate, way: Way, time_s: float, cameras: tuple[str, ...]
    ) -> PersonPassed:
        return PersonPassed(
            id=derived_id("passed", event.store, track, gate.name, way, time_s),
            store=event.store,
            time=time_s,
            cameras=cameras,
            track_id=track,
            gate=gate.name,
            way=way,
        )

    def _near(self, xy: Point, way: Way) -> Gate | None:
        fitting = [gate for gate in self._gates if gate.way in (way, "both")]
        nearest = min(fitting, key=lambda gate: _to_line(gate, xy), default=None)
        return nearest if nearest is not None and _to_line(nearest, xy) <= self._near_m else None

    def _distance(self, xy: Point) -> float:
        return min(_to_line(gate, xy) for gate in self._gates)


def _to_line(gate: Gate, xy: Point) -> float:
    """Metres from ``xy`` to the gate's opening."""
    (ax, ay), (bx, by), (x, y) = gate.a, gate.b, xy
    dx, dy = bx - ax, by - ay
    along = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - ax - along * dx, y - ay - along * dy)


def _crossing(gate: Gate, start: Point, end: Point) -> float:
    """How far the middle of a way is from the gate, metres: the least for the gate that it passed."""
    return _to_line(gate, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))


def _contains(polygon: Sequence[Point], xy: Point) -> bool:
    """Whether a point lies in a simple polygon: a ray to the right crosses its edges an odd number of times."""
    x, y = xy
    inside = False
    for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], *polygon[:1]), strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside
