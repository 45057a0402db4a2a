"""Floor, walls, doors and posters of a shop, as pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from shapely import Point as Place
from shapely import Polygon

from datasets.simulation.furnishing.blocks import PILLAR, POSTER, ROOM, Frame, Paint, Piece, paint
from datasets.simulation.meshes import FLOOR_TILES, WALL_PAINT
from store.layout import Floor, Gate, Plan, footprint

WALL_M = 0.12  # thickness of the outer walls, which stand outside the floor
DOOR_M = 2.2  # height of a door
_ON_EDGE_M = 0.01
_FLOORS = ("#f3f1ec", "#e9e4da", "#dfe2e4", "#efe6d8", "#d9d5cf")
_WALLS = ("#f4f2ec", "#eeeae0", "#e6ebec", "#f3ecdc", "#e4ebe2", "#e9e6ec")
_STRIPES = ("#b3202c", "#1f4f9c", "#2c7a3d", "#d2761b", "#4a4f57", "#6c2f76")


def building(plan: Plan, rng: np.random.Generator, posters: Sequence[int]) -> Iterator[Piece]:
    """Everything that belongs to the house; nothing for a plan without a floor. ``posters``: layers to hang up."""
    if plan.floor is None:
        return
    wall = paint(str(rng.choice(_WALLS)), 0.08, WALL_PAINT)
    stripe = paint(str(rng.choice(_STRIPES)), 0.1)
    tiles = paint(str(rng.choice(_FLOORS)), 0.3, FLOOR_TILES)
    yield from _ground(plan.floor, tiles)
    for frame, length, before, after in _edges(plan.floor):
        doors = sorted(door for door in (_door(frame, length, gate) for gate in plan.gates) if door is not None)
        yield from _outer_wall(frame, (-before, length + after), doors, plan.floor.height_m, wall, stripe)
        yield from _hung(frame, length, doors, plan, posters, rng)
    for inner in plan.walls:
        frame, length = Frame.between(inner.a, inner.b)
        half = inner.thickness_m / 2
        yield frame.piece((0.0, length), (-half, half), (0.0, inner.height_m or plan.floor.height_m), wall)
    for gate in plan.gates:
        yield from _gate(gate, plan.floor)


def _ground(floor: Floor, tiles: Paint) -> Iterator[Piece]:
    xs, ys = zip(*floor.polygon, strict=True)
    (x0, x1), (y0, y1) = (min(xs), max(xs)), (min(ys), max(ys))
    yield ROOM.piece((x0 - WALL_M, x1 + WALL_M), (-y1 - WALL_M, -y0 + WALL_M), (-0.1, 0.0), tiles)
    far, street, house = 5.0, paint("#8d8b87", 0.02), paint("#d8dde2", 0.02)
    yield ROOM.piece((x0 - far, x1 + far), (-y1 - far, -y0 + far), (-0.2, -0.02), street)
    # The houses across the street: what a camera sees through a door.
    for x in (x0 - far, x1 + far):
        yield ROOM.piece((x - 0.1, x + 0.1), (-y1 - far, -y0 + far), (-0.2, 7.0), house)
    for y in (y0 - far, y1 + far):
        yield ROOM.piece((x0 - far, x1 + far), (-y - 0.1, -y + 0.1), (-0.2, 7.0), house)


def _edges(floor: Floor) -> Iterator[tuple[Frame, float, float, float]]:
    """The floor's edges: a frame whose normal looks into the shop, the length, and how far a wall goes on before and
    after it to close an outer corner.
    """
    ring = [(float(x), float(y)) for x, y in floor.polygon]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, ring[0]]))
    if area > 0:
        ring.reverse()  # clockwise: the inside is to the right of each edge
    n = len(ring)
    for i in range(n):
        frame, length = Frame.between(ring[i], ring[(i + 1) % n])
        ends = []
        for corner in (i, (i + 1) % n):
            a, b, c = ring[corner - 1], ring[corner], ring[(corner + 1) % n]
            turn = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
            ends.append(WALL_M if turn < 0 else 0.0)
        yield frame, length, ends[0], ends[1]


def _door(frame: Frame, length: float, gate: Gate) -> tuple[float, float] | None:
    """The gate's span on an edge, if it lies on it."""
    spots = []
    for end in (gate.a, gate.b):
        x, y = end[0] - frame.origin[0], end[1] - frame.origin[1]
        along = x * frame.along[0] + y * frame.along[1]
        out = x * frame.normal[0] + y * frame.normal[1]
        if abs(out) > _ON_EDGE_M or not -_ON_EDGE_M <= along <= length + _ON_EDGE_M:
            return None
        spots.append(min(max(along, 0.0), length))
    return min(spots), max(spots)


def _outer_wall(
    frame: Frame,
    span: tuple[float, float],
    doors: Sequence[tuple[float, float]],
    height: float,
    wall: Paint,
    stripe: Paint,
) -> Iterator[Piece]:
    """Wall beside the doors and above them, a skirting board, a coloured stripe under the ceiling."""
    out = (-WALL_M, 0.0)
    edges = [span[0], *(side for door in doors for side in door), span[1]]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start > 1e-6:
            yield frame.piece((start, end), out, (0.0, height), wall)
            yield frame.piece(
                (max(start, 0.0), min(end, span[1] - WALL_M)), (0.0, 0.004), (0.0, 0.09), paint("#55565a"), 0.8
            )
    for start, end in doors:
        if height > DOOR_M:
            yield frame.piece((start, end), out, (DOOR_M, height), wall)
    if height > 2.6:
        yield frame.piece((0.0, span[1] - WALL_M), (0.0, 0.003), (height - 0.3, height - 0.12), stripe)


def _gate(gate: Gate, floor: Floor) -> Iterator[Piece]:
    """A door frame in the wall, a mat, and a slim post with a light at either side, clear of the opening."""
    frame, width = Frame.between(gate.a, gate.b)
    room = Polygon(floor.polygon)
    if not room.buffer(0.02).contains(Place(frame.point(width / 2, 0.05))):
        frame, width = Frame.between(gate.b, gate.a)
    metal, dark = paint("#3f4349", 0.4), paint("#2b2c2e", 0.05)
    light = {"in": paint("#38c172", 0.3), "out": paint("#3a8fe0", 0.3), "both": paint("#e8b021", 0.3)}[gate.way]
    for start in (-0.03, width - 0.03):
        yield frame.piece((start, start + 0.06), (-WALL_M - 0.01, 0.01), (0.0, DOOR_M), metal)
    yield frame.piece((0.03, width - 0.03), (-WALL_M - 0.01, 0.01), (DOOR_M - 0.06, DOOR_M), metal)
    yield frame.piece((0.05, width - 0.05), (0.02, 0.75), (0.0, 0.002), dark)
    for middle in (-0.1, width + 0.1):
        if not room.contains(Place(frame.point(middle, 0.06)).buffer(0.055)):
            continue
        yield frame.piece((middle - 0.05, middle + 0.05), (0.012, 0.112), (0.0, 0.98), metal, mesh=PILLAR)
        yield frame.piece((middle - 0.052, middle + 0.052), (0.01, 0.114), (0.98, 1.02), light, mesh=PILLAR)


def _hung(
    frame: Frame,
    length: float,
    doors: Sequence[tuple[float, float]],
    plan: Plan,
    posters: Sequence[int],
    rng: np.random.Generator,
) -> Iterator[Piece]:
    """Posters on a wall, where it is free of doors and high furniture."""
    assert plan.floor is not None
    low = min(2.05, plan.floor.height_m - 1.0)
    count = int(length // 1.9) if posters and plan.floor.height_m > 2.6 else 0
    high = [fixture for fixture in plan.fixtures if fixture.height_m > low - 0.05]
    for number in range(count):
        middle = (number + 0.5) * length / count + rng.uniform(-0.2, 0.2)
        layer, wanted = int(rng.choice(posters)), rng.random() < 0.6
        spot = Place(frame.point(middle, 0.02)).buffer(0.35)
        blocked = any(Polygon(footprint(f)).intersects(spot) for f in high)
        if not wanted or blocked or any(a - 0.4 < middle < b + 0.4 for a, b in doors):
            continue
        width, height = 0.42, 0.56
        back = frame.piece(
            (middle - width / 2 - 0.02, middle + width / 2 + 0.02),
            (0.0, 0.01),
            (low, low + height + 0.04),
            paint("#2c2d31", 0.3),
        )
        yield back
        span = (middle - width / 2, middle + width / 2)
        yield frame.piece(
            span, (0.01, 0.014), (low + 0.02, low + 0.02 + height), Paint(0.9, 0.9, 0.9, 0.35, layer), mesh=POSTER
        )
