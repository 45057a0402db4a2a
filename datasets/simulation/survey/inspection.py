"""What is wrong with a shop that can be read: what overlaps, cannot be reached, is not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, box, union_all
from shapely.affinity import rotate, translate

from cameras.geometry import CameraModel, largest_radius, undistort
from datasets.simulation.placement import capacity
from datasets.simulation.shop import product_faults
from datasets.simulation.survey.coverage import FloorCoverage, free_floor
from store.catalogue import Catalogue
from store.faults import Loc
from store.layout import Gate, PlacedSlot, Plan, footprint

HIGHEST_M = 2.0  # boards above are out of reach
BODY_M = 0.25  # radius of the room that a person needs
PASSAGE_M = 0.6  # what must be free behind a gate
_REACH_M = 0.75  # how far before a slot one can stand and still take from it
_TOUCH_M = 0.005  # furniture that lies into one another by less only touches


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at ``loc`` in the plan: an error where the shop cannot be as planned, else a warning."""

    level: Literal["error", "warning"]
    loc: Loc
    message: str


def inspect(
    plan: Plan, catalogue: Catalogue, floor: FloorCoverage | None, slot_cameras: NDArray[np.int64]
) -> tuple[Problem, ...]:
    """All problems of a plan with these products.

    ``floor`` is its ``floor_coverage`` (None where it has no floor), ``slot_cameras`` its ``slot_coverage``.
    """
    found = [Problem("error", loc, message) for loc, message in product_faults(plan, catalogue)]
    found += _crowded_slots(plan, catalogue)
    found += _plates(plan)
    found += _cameras(plan)
    found += _unseen(plan, floor, slot_cameras)
    if plan.floor is None:
        found.append(Problem("error", (), "the plan has no `floor`: nothing can stand or walk in this shop"))
    else:
        found += _standing(plan)
        found += _reach(plan)
    return tuple(found)


def _standing(plan: Plan) -> Iterator[Problem]:
    """What lies in one another, outside the floor, above the ceiling or in the way of a gate."""
    assert plan.floor is not None
    ground = Polygon(plan.floor.polygon)
    bodies: list[tuple[Loc, str, Any]] = [
        (("fixtures", i), fixture.name, Polygon(footprint(fixture))) for i, fixture in enumerate(plan.fixtures)
    ]
    for (loc, name, shape), fixture in zip(bodies, plan.fixtures, strict=True):
        if shape.buffer(-_TOUCH_M).difference(ground).area > 0:
            yield Problem("error", (*loc, "xy"), f"{name} stands outside the floor or in its edge")
        if fixture.height_m > plan.floor.height_m:
            what = f"{name} is {fixture.height_m:g} m high, the ceiling {plan.floor.height_m:g} m"
            yield Problem("error", (*loc, "height_m"), what)
    for i, wall in enumerate(plan.walls):
        shape = LineString([wall.a, wall.b]).buffer(wall.thickness_m / 2, cap_style="flat")
        if not ground.buffer(wall.thickness_m).covers(shape):
            yield Problem("error", ("walls", i), f"wall {wall.name} leaves the floor")
        bodies.append((("walls", i), f"wall {wall.name}", shape))
    for (loc, name, shape), (other_loc, other, its) in combinations(bodies, 2):
        both_walls = loc[0] == other_loc[0] == "walls"  # walls meet in corners
        if not both_walls and shape.buffer(-_TOUCH_M).intersects(its.buffer(-_TOUCH_M)):
            where = loc if other_loc[0] == "walls" else other_loc
            yield Problem("error", where, f"{name} and {other} stand in one place")
    for i, gate in enumerate(plan.gates):
        passage = _before(plan, gate, PASSAGE_M)
        for _, name, shape in bodies:
            if shape.buffer(-_TOUCH_M).intersects(passage):
                what = f"gate {gate.name} is blocked by {name}: the {PASSAGE_M:g} m behind it must be free"
                yield Problem("error", ("gates", i), what)


def _reach(plan: Plan) -> Iterator[Problem]:
    """Slots before which nobody can stand who came in by a gate, and boards too high."""
    for i, fixture in enumerate(plan.fixtures):
        for j, shelf in enumerate(fixture.shelves):
            if shelf.z_m > HIGHEST_M:
                what = f"a shelf of {fixture.name} at {shelf.z_m:g} m cannot be reached: at most {HIGHEST_M:g} m"
                yield Problem("error", ("fixtures", i, "shelves", j, "z_m"), what)
    if not plan.gates:
        yield Problem("warning", ("floor",), "the shop has no gate: nobody can come in")
        return
    room = free_floor(plan).union(_outside(plan)).buffer(-BODY_M)
    areas = list(getattr(room, "geoms", [room]))
    entered = [area for gate in plan.gates if gate.way != "out" for area in areas if area.intersects(_mouth(gate))]
    if not entered:
        yield Problem("error", ("gates", 0), f"nobody can come in: no gate is {2 * BODY_M:g} m wide and leads in")
        return
    for i, gate in enumerate(plan.gates):
        if not any(area.intersects(_mouth(gate)) for area in entered):
            yield Problem("error", ("gates", i), f"there is no way on the floor from an entry to gate {gate.name}")
    unreached = [slot for slot in plan.slots() if not any(area.intersects(_standing_place(slot)) for area in entered)]
    for _, group in groupby(unreached, key=lambda slot: (slot.fixture, slot.side)):
        slots = list(group)
        what = f"nobody can stand before {_listed([slot.id for slot in slots])}"
        yield Problem("error", slots[0].loc, f"{what}: no free place of {2 * BODY_M:g} m that a gate leads to")


def _unseen(plan: Plan, floor: FloorCoverage | None, slot_cameras: NDArray[np.int64]) -> Iterator[Problem]:
    blind = [slot for slot, count in zip(plan.slots(), slot_cameras, strict=True) if count == 0]
    for _, group in groupby(blind, key=lambda slot: slot.loc[:4]):
        slots = list(group)
        yield Problem("warning", slots[0].loc, f"no camera sees {_listed([slot.id for slot in slots])}")
    if floor is not None and floor.share(1) < 0.995:
        what = f"no camera sees {1 - floor.share(1):.0%} of the free floor"
        yield Problem("warning", ("floor",), what)


def _crowded_slots(plan: Plan, catalogue: Catalogue) -> Iterator[Problem]:
    products = {product.id: product for product in catalogue.products}
    for placed in plan.slots():
        product, slot = products.get(placed.slot.product), placed.slot
        if product is None:
            continue
        asked, fits = (slot.facings, slot.rows, slot.layers), capacity(placed, product)
        if 0 not in fits and asked != fits:
            said = " x ".join(map(str, asked)), " x ".join(map(str, fits))
            what = f"slot {placed.id} asks for {said[0]} {product.id} (facings x rows x layers), {said[1]} fit"
            yield Problem("warning", placed.loc, what)


def _plates(plan: Plan) -> Iterator[Problem]:
    under: dict[str, set[Loc]] = {plate.name: set() for plate in plan.plates}
    for slot in plan.slots():
        if slot.slot.plate is not None:
            under[slot.slot.plate].add(slot.loc[:4])
    for i, (name, shelves) in enumerate(under.items()):
        if not shelves:
            yield Problem("warning", ("plates", i), f"plate {name} lies under no slot")
        if len(shelves) > 1:
            yield Problem("error", ("plates", i), f"plate {name} lies under {len(shelves)} shelves: it can under one")


def _cameras(plan: Plan) -> Iterator[Problem]:
    for i, view in enumerate(plan.cameras):
        if view.lens is None or view.pose is None:
            what = f"camera {view.camera} has no {'lens' if view.lens is None else 'pose'}: what it sees is unknown"
            yield Problem("warning", ("cameras", i), what)
            continue
        if _folds(CameraModel.of(view)):
            what = f"the lens of camera {view.camera} folds back within its picture; with a larger k2 it would not"
            yield Problem("warning", ("cameras", i, "lens", "distortion"), what)
        if plan.floor is not None:
            x, y, z = view.pose.position
            where = ("cameras", i, "pose", "position")
            if z > plan.floor.height_m or z <= 0:
                what = f"camera {view.camera} hangs at {z:g} m, the ceiling is {plan.floor.height_m:g} m high"
                yield Problem("error", where, what)
            if not Polygon(plan.floor.polygon).buffer(_TOUCH_M).covers(Point(x, y)):
                yield Problem("warning", where, f"camera {view.camera} hangs outside the floor")


def _folds(camera: CameraModel) -> bool:
    """Whether the picture reaches beyond what the lens maps to one place each."""
    width, height = camera.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    plane = (corners - camera.matrix[:2, 2]) / np.diag(camera.matrix)[:2]
    limit = largest_radius(camera.distortion)
    return bool(np.linalg.norm(undistort(plane, camera.distortion), axis=1).max() > limit)


def _before(plan: Plan, gate: Gate, depth: float) -> Any:
    """The ``depth`` of floor behind a gate, as wide as it."""
    assert plan.floor is not None
    strip = LineString([gate.a, gate.b]).buffer(depth, cap_style="flat")
    return strip.intersection(Polygon(plan.floor.polygon))


def _outside(plan: Plan) -> Any:
    """Where people stand who are about to come in."""
    assert plan.floor is not None
    strips = union_all([LineString([gate.a, gate.b]).buffer(2 * PASSAGE_M, cap_style="flat") for gate in plan.gates])
    # A hair into the floor, so that the two make one area.
    return strips.difference(Polygon(plan.floor.polygon).buffer(-_TOUCH_M))


def _mouth(gate: Gate) -> Any:
    return LineString([gate.a, gate.b]).buffer(0.05, cap_style="flat")


def _standing_place(slot: PlacedSlot) -> Any:
    """Where the middle of a person may be who takes from a slot."""
    place = box(BODY_M, 0.0, _REACH_M, slot.width_m)
    turn = float(np.degrees(np.arctan2(slot.normal[1], slot.normal[0])))
    return translate(rotate(place, turn, origin=(0, 0)), slot.corner[0], slot.corner[1])


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more there"
