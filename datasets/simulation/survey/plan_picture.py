"""A plan from above with what its cameras see, for the eyes of a shop owner."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.survey.coverage import FloorCoverage
from datasets.simulation.survey.drawing import INK, PAPER, Canvas, Colour, Image, hatch
from datasets.simulation.survey.plan_legend import COVERAGE, GATE, UNSEEN, with_legend
from store.layout import Fixture, PlacedSlot, Plan, Side, footprint, shelf_frame
from store.views import CameraView, PlanError, Point

_WALL: Colour = (92, 84, 78)
_BODY: Colour = (233, 230, 228)
_VIEW: Colour = (60, 45, 40)
_MARGIN_M = 0.9


def draw_plan(plan: Plan, floor: FloorCoverage, slot_cameras: NDArray[np.int64]) -> Image:
    """A BGR picture, uint8 (height, width, 3), of some 1,200 pixels width, with a legend.

    ``floor`` is the plan's ``floor_coverage``, ``slot_cameras`` its ``slot_coverage``. Raises ``PlanError`` where the
    plan has no floor.
    """
    if plan.floor is None:
        raise PlanError(f"the plan of {plan.store} has no `floor`")
    corners = np.array(plan.floor.polygon)
    low, high = corners.min(axis=0) - _MARGIN_M, corners.max(axis=0) + _MARGIN_M
    px_per_m = float(np.clip(1200 / max(high - low), 24, 120))
    canvas = Canvas((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), px_per_m)
    _paint_floor(canvas, plan, floor)
    counts = dict(zip((slot.id for slot in plan.slots()), slot_cameras.tolist(), strict=True))
    for fixture in plan.fixtures:
        _paint_fixture(canvas, fixture, [slot for slot in plan.slots() if slot.fixture == fixture.name], counts)
    _paint_walls(canvas, plan)
    views = [view for view in plan.cameras if view.lens is not None and view.pose is not None]
    for view in views:
        _paint_view(canvas, view)
    for view in views:
        _paint_camera(canvas, view)
    _name_all(canvas, plan, views)
    return with_legend(canvas, plan, floor, slot_cameras)


def _paint_floor(canvas: Canvas, plan: Plan, floor: FloorCoverage) -> None:
    assert plan.floor is not None
    height, width = canvas.image.shape[:2]
    # The cell of each pixel; cells that nobody can stand in take the count beside them, under the furniture's edge.
    x = canvas.low[0] + (np.arange(width) + 0.5) / canvas.px_per_m
    y = canvas.high[1] - (np.arange(height) + 0.5) / canvas.px_per_m
    rows, columns = floor.cameras.shape
    column = np.clip(((x - floor.origin[0]) / floor.cell_m).astype(int), 0, columns - 1)
    row = np.clip(((y - floor.origin[1]) / floor.cell_m).astype(int), 0, rows - 1)
    cells = floor.cameras.astype(np.int16)
    grown = cv2.dilate(cells, np.ones((3, 3), np.uint8))
    count = np.where(cells < 0, grown, cells)[row[:, None], column[None]]
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [canvas.px(plan.floor.polygon).round().astype(np.int32)], 1)
    palette = np.array(COVERAGE, np.uint8)
    seen = (inside > 0) & (count >= 0)
    canvas.image[seen] = palette[np.minimum(count[seen], len(COVERAGE) - 1)]
    hatch(canvas.image, seen & (count == 0), COVERAGE[0], UNSEEN)


def _paint_fixture(canvas: Canvas, fixture: Fixture, slots: list[PlacedSlot], counts: dict[str, int]) -> None:
    """Its body, and in it the boards of each side as rows, the lowest in front, slots coloured by their cameras."""
    canvas.area(footprint(fixture), _BODY)
    for side in ("front", "back"):
        mine = [slot for slot in slots if slot.side == side]
        heights = sorted({slot.corner[2] for slot in mine})
        for slot in mine:
            _paint_slot(canvas, fixture, slot, heights.index(slot.corner[2]), len(heights), counts[slot.id])
        if any(shelf.side == side for shelf in fixture.shelves):
            _paint_front(canvas, fixture, side)
    canvas.line([*footprint(fixture), footprint(fixture)[0]], INK)
    canvas.keep_clear(footprint(fixture))


def _paint_slot(canvas: Canvas, fixture: Fixture, slot: PlacedSlot, board: int, boards: int, count: int) -> None:
    (x, y), along, normal = shelf_frame(fixture, slot.side)
    deep = fixture.board_depth_m / max(boards, 1)
    near = fixture.board_depth_m - board * deep
    far = near - deep * 0.86
    left = math.dist((x, y), (slot.corner[0] - normal[0] * slot.depth_m, slot.corner[1] - normal[1] * slot.depth_m))
    right = left + slot.width_m
    corners = [
        (x + along[0] * a + normal[0] * b, y + along[1] * a + normal[1] * b)
        for a, b in ((left, near), (right, near), (right, far), (left, far))
    ]
    colour = COVERAGE[min(count, len(COVERAGE) - 1)] if count else UNSEEN
    canvas.area(corners, colour, _BODY)


def _paint_front(canvas: Canvas, fixture: Fixture, side: Side) -> None:
    """A bold line along the front and a small arrow out of it."""
    (x, y), along, normal = shelf_frame(fixture, side)
    depth = fixture.board_depth_m
    a, m, b = (
        (x + along[0] * s + normal[0] * depth, y + along[1] * s + normal[1] * depth)
        for s in (0.0, fixture.length_m / 2, fixture.length_m)
    )
    canvas.line([a, b], INK, 3)
    size = 7 / canvas.px_per_m
    tip = (m[0] + normal[0] * size * 1.3, m[1] + normal[1] * size * 1.3)
    base = [(m[0] + along[0] * s, m[1] + along[1] * s) for s in (-size, size)]
    canvas.area([*base, tip], INK)


def _paint_walls(canvas: Canvas, plan: Plan) -> None:
    assert plan.floor is not None
    width = max(3, round(0.08 * canvas.px_per_m))
    canvas.line([*plan.floor.polygon, plan.floor.polygon[0]], _WALL, width)
    for wall in plan.walls:
        canvas.line([wall.a, wall.b], _WALL, max(2, round(wall.thickness_m * canvas.px_per_m)))
    for gate in plan.gates:
        canvas.line([gate.a, gate.b], PAPER, width + 2)
        canvas.line([gate.a, gate.b], GATE[gate.way], max(2, width // 2))
        inward, middle = _inward(plan, gate.a, gate.b)
        ends = [(middle[0] + inward[0] * d, middle[1] + inward[1] * d) for d in (-0.4, 0.3)]
        if gate.way != "out":
            canvas.arrow(ends[0], ends[1], GATE[gate.way])
        if gate.way != "in":
            canvas.arrow(ends[1], ends[0], GATE[gate.way])
        canvas.keep_clear([gate.a, gate.b], width)
        canvas.keep_clear(ends, 6)


def _inward(plan: Plan, a: Point, b: Point) -> tuple[Point, Point]:
    """The unit vector through a gate into the shop, and the gate's middle."""
    from shapely import Polygon, contains_xy

    assert plan.floor is not None
    length = math.dist(a, b)
    normal = (-(b[1] - a[1]) / length, (b[0] - a[0]) / length)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    step = (middle[0] + normal[0] * 0.05, middle[1] + normal[1] * 0.05)
    inside = contains_xy(Polygon(plan.floor.polygon), *step)
    return (normal if inside else (-normal[0], -normal[1])), middle


def _paint_view(canvas: Canvas, view: CameraView) -> None:
    """A fan in the direction of the view, as wide as the picture; cameras that look straight down have none."""
    model = CameraModel.of(view)
    if _looks_down(model):
        return
    width, height = model.size
    across = np.column_stack([np.linspace(0, width - 1, 9), np.full(9, height * 0.6)])
    rays = model.rays(across)[:, :2]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    tip = model.position[:2]
    canvas.glaze([tip.tolist(), *(tip + rays * 60 / canvas.px_per_m).tolist()], _VIEW, 0.4)


def _paint_camera(canvas: Canvas, view: CameraView) -> None:
    model = CameraModel.of(view)
    at = model.position[:2].tolist()
    if _looks_down(model):
        canvas.dot(at, 11, PAPER, INK, 2)
    canvas.dot(at, 6, INK, PAPER, 1)
    canvas.keep_clear([at], 10)


def _looks_down(model: CameraModel) -> bool:
    return bool(np.linalg.norm(model.rotation[2, :2]) < 0.2)


def _name_all(canvas: Canvas, plan: Plan, views: list[CameraView]) -> None:
    for gate in plan.gates:
        (xa, ya), (xb, yb) = gate.a, gate.b
        inward, _ = _inward(plan, gate.a, gate.b)
        outside = ((xa + xb) / 2 - inward[0] * 0.62, (ya + yb) / 2 - inward[1] * 0.62)
        canvas.label_on(gate.name, outside, 17)
    for wall in plan.walls:
        canvas.label(wall.name, ((wall.a[0] + wall.b[0]) / 2, (wall.a[1] + wall.b[1]) / 2), 13, away=8)
    for fixture in plan.fixtures:
        (left, top), (right, bottom) = (
            canvas.px(footprint(fixture)).min(axis=0),
            canvas.px(footprint(fixture)).max(axis=0),
        )
        canvas.label_on(fixture.name, fixture.xy, 15, upright=bool(bottom - top > 1.5 * (right - left)))
    for view in views:
        assert view.pose is not None
        canvas.label(view.camera, view.pose.position[:2], 14)
