"""Places of a shop where people come in, go out, meet, or look at the shelves."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.errors import ScenarioError
from datasets.simulation.navigation.ground import CELL_M, Ground, outward
from store.layout import Plan

Float = NDArray[np.float64]
Place = tuple[tuple[float, float], float]  # (x, y) in metres, heading in radians

OUTSIDE_M = 1.0
BROWSE_M = 0.55  # from a shelf's front edge: arms at rest
BROWSE_STEP_M = 0.7
MEETING_ROOM_M = 0.35  # from somebody in a meeting to furniture


@lru_cache(maxsize=8)
def ground_of(plan: Plan) -> Ground:
    """The free ground of ``plan``, kept for the plans of late. Raises ``ScenarioError`` for a plan without a floor."""
    return Ground(plan)


def outside(plan: Plan, gate: str, aside_m: float = 0.0) -> Place:
    """The place 1 m before a gate's middle, ``aside_m`` to the right of who comes in, and the heading inwards.

    Raises ``ScenarioError`` naming the gates that there are.
    """
    for candidate in plan.gates:
        if candidate.name == gate:
            out = outward(plan, candidate)
            middle = (np.array(candidate.a) + np.array(candidate.b)) / 2
            x, y = middle + out * OUTSIDE_M + np.array([-out[1], out[0]]) * aside_m
            return (float(x), float(y)), math.atan2(-out[1], -out[0])
    known = ", ".join(candidate.name for candidate in plan.gates) or "none"
    raise ScenarioError(f"no gate {gate!r} in the plan of {plan.store}; there are: {known}")


def browse_places(plan: Plan) -> list[Place]:
    """Places before the shelves, 0.55 m from their edges and 0.7 m apart, with the headings that face them."""
    ground = ground_of(plan)
    found: list[Place] = []
    fronts: dict[tuple[str, str], list[Float]] = {}
    normals: dict[tuple[str, str], Float] = {}
    for slot in plan.slots():
        side = (slot.fixture, str(slot.side))
        left = np.array(slot.corner[:2])
        fronts.setdefault(side, []).extend([left, left + np.array(slot.along) * slot.width_m])
        normals[side] = np.array(slot.normal)
    for name, corners in fronts.items():
        normal = normals[name]
        along = np.array([-normal[1], normal[0]])
        points = np.array(corners)
        reach, front = points @ along, float((points @ normal).max())
        count = max(int((reach.max() - reach.min()) / BROWSE_STEP_M), 1)
        middles = reach.min() + (np.arange(count) + 0.5) * (reach.max() - reach.min()) / count
        places = middles[:, None] * along + (front + BROWSE_M) * normal
        room = ground.clearance(places) >= 0.25
        heading = math.atan2(-normal[1], -normal[0])
        found.extend(((float(x), float(y)), heading) for x, y in places[room])
    return found


def meeting_place(plan: Plan, near: tuple[float, float], count: int = 2, spacing_m: float = 0.75) -> list[Place]:
    """Places around a point near ``near`` where ``count`` people face one another, neighbours ``spacing_m`` apart.

    It has room, lies off the ways from the gates to the shelves and off the gates where it can. Raises
    ``ScenarioError`` where the shop has no such place.
    """
    ground = ground_of(plan)
    radius = 0.0 if count == 1 else spacing_m / (2 * math.sin(math.pi / count))
    cells = ground.cells().reshape(-1, 2)
    away = np.linalg.norm(cells - np.array(near), axis=1)
    reachable = np.isfinite(ground.distances(near).ravel())
    cost = away + 0.8 * (_traffic(plan).ravel() < radius + 0.4) + 2.0 * (ground.from_gates(cells) < radius + 0.8)
    turns = np.arange(0, 180, 15) * math.pi / 180 if count == 2 else np.arange(0, 360, 30) * math.pi / (180 * count)
    for number in np.argsort(cost, kind="stable"):
        if not reachable[number] or cost[number] > 8.0:
            continue
        for turn in turns:
            angles = turn + np.arange(count) * math.tau / count
            places = cells[number] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            if float(ground.clearance(places).min()) >= MEETING_ROOM_M and _inside(plan, ground, places):
                return [
                    ((float(x), float(y)), math.remainder(angle + math.pi, math.tau))
                    for (x, y), angle in zip(places, angles, strict=True)
                ]
    raise ScenarioError(
        f"no place near ({near[0]:.2f}, {near[1]:.2f}) in {plan.store} where {count} people could meet "
        f"{spacing_m:.2f} m apart: make room or name another place"
    )


def _inside(plan: Plan, ground: Ground, places: Float) -> bool:
    from shapely import Polygon, contains_xy

    assert plan.floor is not None
    return bool(contains_xy(Polygon(plan.floor.polygon), places[:, 0], places[:, 1]).all())


@lru_cache(maxsize=8)
def _traffic(plan: Plan) -> Float:
    """Metres from each cell (rows, columns) of the ground to the shortest ways between gates and shelves."""
    from scipy.ndimage import distance_transform_edt

    ground = ground_of(plan)
    used = np.zeros(ground.cells().shape[:2], bool)
    shelves = [xy for xy, _ in browse_places(plan)]
    for gate in plan.gates:
        from_gate = ground.distances(outside(plan, gate.name)[0])
        for xy in shelves:
            detour = from_gate + ground.distances(xy)
            if np.isfinite(detour.min()):
                used |= detour <= detour.min() + 0.02
    if not used.any():
        return np.full(used.shape, np.inf)
    return np.asarray(distance_transform_edt(~used) * CELL_M)
