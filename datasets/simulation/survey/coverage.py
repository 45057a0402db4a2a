"""How many cameras see each place of the floor and each slot: through their lenses, and past furniture and walls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.survey.obstacles import STOCK_M, Boxes
from store.layout import PlacedSlot, Plan, footprint
from store.views import PlanError

Float = NDArray[np.float64]

SEEN_SHARE = 0.5  # of a slot's front that a camera must see for the slot to count as seen
GRAZING_DEG = 10.0  # a front that is looked at along itself, nearer than this, shows nothing
_BEFORE_M = 0.02  # how far before a slot's front it is looked for: the goods' own fronts shall not hide it


@dataclass(frozen=True, eq=False)
class FloorCoverage:
    """Cameras per cell of the floor.

    ``cameras`` int (rows, columns): how many see the cell's middle, -1 where nobody can stand (outside, in furniture,
    in walls). Row 0 lies at the smallest y. ``origin`` (x, y) is the outer corner of cell (0, 0); cells are squares of
    ``cell_m``.
    """

    cameras: NDArray[np.int64]
    origin: tuple[float, float]
    cell_m: float

    @property
    def free(self) -> NDArray[np.bool_]:
        """Where one can stand, (rows, columns)."""
        return self.cameras >= 0

    def share(self, at_least: int) -> float:
        """The share of the free floor that ``at_least`` so many cameras see, 0..1."""
        free = self.cameras[self.free]
        return float((free >= at_least).mean()) if len(free) else 0.0


def floor_coverage(plan: Plan, cell_m: float = 0.1, height_m: float = 0.0) -> FloorCoverage:
    """The number of cameras that see each cell of the floor, or what is ``height_m`` above it.

    Cameras without lens and pose see nothing. Raises ``PlanError`` where the plan has no floor.
    """
    if plan.floor is None:
        raise PlanError(f"the plan of {plan.store} has no `floor`")
    from shapely import contains_xy

    corners = np.array(plan.floor.polygon)
    low, high = corners.min(axis=0), corners.max(axis=0)
    columns, rows = np.maximum(1, np.ceil((high - low) / cell_m - 1e-9).astype(np.int64))
    x, y = np.meshgrid(low[0] + (np.arange(columns) + 0.5) * cell_m, low[1] + (np.arange(rows) + 0.5) * cell_m)
    free = contains_xy(free_floor(plan), x, y)
    points = np.column_stack([x[free], y[free], np.full(free.sum(), height_m)])
    cameras = np.full((rows, columns), -1, np.int64)
    cameras[free] = visibility(plan, points).sum(axis=0)
    return FloorCoverage(cameras, (float(low[0]), float(low[1])), cell_m)


def slot_coverage(plan: Plan) -> NDArray[np.int64]:
    """The number of cameras that see at least ``SEEN_SHARE`` of each slot's front: (slots,), in the plan's order.

    Cameras without lens and pose see nothing.
    """
    return np.asarray((slot_visibility(plan) >= SEEN_SHARE).sum(axis=0))


def slot_visibility(plan: Plan) -> Float:
    """The share of each slot's front that each camera sees, 0..1: (cameras, slots) in the plan's order.

    What a camera sees from behind, or at less than ``GRAZING_DEG`` to the front, does not count.
    """
    slots = plan.slots()
    if not slots:
        return np.zeros((len(plan.cameras), 0))
    points = np.array([_front(slot) for slot in slots])
    seen = visibility(plan, points.reshape(-1, 3)).reshape(len(plan.cameras), *points.shape[:2])
    normals = np.array([slot.normal for slot in slots])
    for row, view in zip(seen, plan.cameras, strict=True):
        if view.pose is not None:
            look = np.array(view.pose.position) - points
            out = (look[..., :2] * normals[:, None]).sum(axis=-1)
            row &= out > np.linalg.norm(look, axis=-1) * math.sin(math.radians(GRAZING_DEG))
    return np.asarray(seen.mean(axis=2))


def visibility(plan: Plan, points: Float) -> NDArray[np.bool_]:
    """Which camera sees which of ``points`` (n, 3): (cameras, n)."""
    boxes = Boxes.of(plan)
    seen = np.zeros((len(plan.cameras), len(points)), np.bool_)
    for row, view in zip(seen, plan.cameras, strict=True):
        if view.lens is None or view.pose is None:
            continue
        camera = CameraModel.of(view)
        row[:] = in_picture(camera, points)
        row[row] = ~boxes.hide(camera.position, points[row])
    return seen


def in_picture(camera: CameraModel, points: Float) -> NDArray[np.bool_]:
    """Which of ``points`` (n, 3) lie before the camera and within its picture: (n,)."""
    pixels = camera.project(points)
    with np.errstate(invalid="ignore"):  # behind the camera: NaN, which is in no picture
        return np.asarray(((pixels >= 0) & (pixels < camera.size)).all(axis=-1))


def free_floor(plan: Plan) -> Any:
    """The floor without furniture and walls: a shapely (multi)polygon."""
    from shapely import LineString, Polygon, union_all

    assert plan.floor is not None
    taken = [Polygon(footprint(fixture)) for fixture in plan.fixtures]
    taken += [LineString([wall.a, wall.b]).buffer(wall.thickness_m / 2, cap_style="flat") for wall in plan.walls]
    return Polygon(plan.floor.polygon).difference(union_all(taken))


def _front(slot: PlacedSlot) -> list[list[float]]:
    height = min(slot.headroom_m, STOCK_M)
    return [
        [
            slot.corner[0] + slot.along[0] * aside * slot.width_m + slot.normal[0] * _BEFORE_M,
            slot.corner[1] + slot.along[1] * aside * slot.width_m + slot.normal[1] * _BEFORE_M,
            slot.corner[2] + up * height,
        ]
        for aside in (0.1, 0.5, 0.9)
        for up in (0.1, 0.5, 0.9)
    ]
