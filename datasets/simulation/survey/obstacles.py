"""What stands in the way of a look: furniture with its stock, and walls, as upright boxes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.layout import BOARD_M, PANEL_M, Fixture, Plan, Side, shelf_frame

Float = NDArray[np.float64]

STOCK_M = 0.22  # how high goods stand on a board that has none above it
_EDGE_WALL_M = 0.02  # half of it stands inside the floor
_RAYS = 200_000  # ray-box pairs at once, which bounds the memory


@dataclass(frozen=True, eq=False)
class Boxes:
    """n upright boxes: ``middle`` (n, 2), ``along`` (n, 2) the unit vector of the first side, ``half`` (n, 2) half of
    each side's length, ``z`` (n, 2) from and to; metres.
    """

    middle: Float
    along: Float
    half: Float
    z: Float

    @classmethod
    def of(cls, plan: Plan) -> Boxes:
        """The boxes of a plan's fixtures and walls, with the floor's edges where one can look round a corner."""
        rows = [row for fixture in plan.fixtures for row in _fixture_boxes(fixture)]
        ceiling = plan.floor.height_m if plan.floor is not None else 10.0
        rows += [_wall_box(wall.a, wall.b, wall.thickness_m, wall.height_m or ceiling) for wall in plan.walls]
        if plan.floor is not None and not _is_convex(plan.floor.polygon):
            corners = plan.floor.polygon
            for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
                rows.append(_wall_box(a, b, _EDGE_WALL_M, ceiling))
        values = np.array(rows, np.float64).reshape(-1, 8)
        return cls(values[:, 0:2], values[:, 2:4], values[:, 4:6], values[:, 6:8])

    def hide(self, eye: Float, points: Float) -> NDArray[np.bool_]:
        """Which of ``points`` (m, 3) a box hides from ``eye`` (3,). A box around the eye hides nothing.

        Kay, Kajiya: Ray Tracing Complex Scenes (1986): a ray meets a box where it is within all pairs of its planes.
        """
        across = np.stack([-self.along[:, 1], self.along[:, 0]], axis=-1)
        frames = np.zeros((len(self.middle), 3, 3))
        frames[:, 0, :2], frames[:, 1, :2], frames[:, 2, 2] = self.along, across, 1.0
        half = np.column_stack([self.half, np.diff(self.z) / 2])
        middle = np.column_stack([self.middle, self.z.mean(axis=1)])
        start = np.einsum("nij,nj->ni", frames, eye - middle)
        open_to = ~(np.abs(start) < half).all(axis=1)
        frames, half, start = frames[open_to], half[open_to], start[open_to]
        hidden = np.zeros(len(points), np.bool_)
        size = max(1, _RAYS // max(1, len(half)))
        for first in range(0, len(points), size):
            way = np.einsum("nij,mj->mni", frames, points[first : first + size] - eye)
            way = np.where(np.abs(way) < 1e-12, 1e-12, way)
            one, two = (-half - start) / way, (half - start) / way
            enters, leaves = np.minimum(one, two).max(axis=-1), np.maximum(one, two).min(axis=-1)
            hidden[first : first + size] = ((enters < leaves) & (enters < 1.0 - 1e-9) & (leaves > 0.0)).any(axis=1)
        return hidden


def _fixture_boxes(fixture: Fixture) -> Iterator[list[float]]:
    """Rows of middle, along, half and z: the panel, and a side's boards with their goods."""
    turn = math.radians(fixture.heading_deg)
    ahead = (math.cos(turn), math.sin(turn))
    if fixture.kind == "table":
        top = max([fixture.height_m, *(shelf.z_m + STOCK_M for shelf in fixture.shelves)])
        yield _row(fixture.xy, ahead, fixture.depth_m, fixture.length_m, 0.0, top)
        return
    back = 0.0 if fixture.two_sided else (PANEL_M - fixture.depth_m) / 2
    panel = (fixture.xy[0] + ahead[0] * back, fixture.xy[1] + ahead[1] * back)
    yield _row(panel, ahead, PANEL_M, fixture.length_m, 0.0, fixture.height_m)
    for side in ("front", "back"):
        yield from _side_boxes(fixture, side)
    if fixture.kind == "fridge":
        aside = (-ahead[1], ahead[0])
        for end in (-1.0, 1.0):
            reach = end * (fixture.length_m - PANEL_M) / 2
            cheek = (fixture.xy[0] + aside[0] * reach, fixture.xy[1] + aside[1] * reach)
            yield _row(cheek, ahead, fixture.depth_m, PANEL_M, 0.0, fixture.height_m)
        yield _row(
            fixture.xy, ahead, fixture.depth_m, fixture.length_m, fixture.height_m - 2 * BOARD_M, fixture.height_m
        )


def _side_boxes(fixture: Fixture, side: Side) -> Iterator[list[float]]:
    shelves = sorted((shelf for shelf in fixture.shelves if shelf.side == side), key=lambda shelf: shelf.z_m)
    (x, y), along, normal = shelf_frame(fixture, side)
    bottom = 0.0
    for index, shelf in enumerate(shelves):
        above = shelves[index + 1].z_m - BOARD_M if index + 1 < len(shelves) else shelf.z_m + STOCK_M
        if index + 1 < len(shelves) and shelves[index + 1].depth_m == shelf.depth_m:
            continue  # one box with the next
        out, half = shelf.depth_m / 2, fixture.length_m / 2
        middle = (x + along[0] * half + normal[0] * out, y + along[1] * half + normal[1] * out)
        yield _row(middle, normal, shelf.depth_m, fixture.length_m, bottom, above)
        bottom = above


def _wall_box(a: tuple[float, float], b: tuple[float, float], thickness: float, height: float) -> list[float]:
    length = math.dist(a, b)
    along = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
    return _row(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), along, length, thickness, 0.0, height)


def _row(
    middle: tuple[float, float], along: tuple[float, float], first: float, second: float, low: float, high: float
) -> list[float]:
    return [*middle, *along, first / 2, second / 2, low, high]


def _is_convex(polygon: tuple[tuple[float, float], ...]) -> bool:
    from shapely import Polygon

    shape = Polygon(polygon)
    return bool(shape.convex_hull.area - shape.area < 1e-6 * shape.area)
