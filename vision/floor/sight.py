"""How much of a body each camera sees past a shop's walls and furniture, by where the body stands.

Walls, the floor's own edges but for its gates, and the sides of furniture are upright rectangles. A point of a body is
hidden where its ray to the camera crosses one of them below its top. The shares are worked out once, for cells of the
floor and a little beyond its gates, where people are still seen through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan, footprint

Float = NDArray[np.float64]

_BODY: Final = np.array([0.1, 0.5, 0.9, 1.3, 1.65])  # heights of the points of a body, metres
_CELL_M: Final = 0.1
_BEYOND_M: Final = 1.5
_LEAST: Final = 0.1  # a plan is not that exact: who cannot be seen by it is seen now and then
_NEAR: Final = 1e-3  # of a ray at either end: what a camera or a body touches does not hide
_AT_ONCE: Final = 4096  # places, so that memory stays small in a large shop


class Sight:
    """What ``cameras`` see past the walls and the furniture of ``plan``, which has a floor."""

    def __init__(self, plan: Plan, cameras: Sequence[CameraModel]) -> None:
        if plan.floor is None:
            raise ValueError(f"the plan of {plan.store} has no floor")
        corners = np.array(plan.floor.polygon, np.float64)
        self._floor = shapely.Polygon(corners)
        shapely.prepare(self._floor)
        self._low = corners.min(axis=0) - _BEYOND_M
        size = np.ceil((corners.max(axis=0) + _BEYOND_M - self._low) / _CELL_M).astype(np.int64)
        self._size = size
        x, y = np.meshgrid(*(self._low[axis] + (np.arange(size[axis]) + 0.5) * _CELL_M for axis in (0, 1)))
        places = np.column_stack([x.ravel(), y.ravel()])
        sides, tops = screens(plan)
        eyes = np.array([camera.position for camera in cameras], np.float64).reshape(-1, 3)
        self._share = np.maximum(visible(eyes, places, sides, tops), _LEAST).astype(np.float32)

    @classmethod
    def of(cls, plan: Plan | None, cameras: Sequence[CameraModel]) -> Sight | None:
        """What ``cameras`` see, where the plan tells: None without one, or where it has no floor."""
        return None if plan is None or plan.floor is None else cls(plan, cameras)

    def outside(self, xy: Float) -> NDArray[np.bool_]:
        """Which places (n, 2), metres, are not on the floor."""
        return np.asarray(~shapely.intersects_xy(self._floor, xy))

    def share(self, xy: Float) -> Float:
        """The share (n, c) of bodies at ``xy`` (n, 2) metres that each camera sees, in [0, 1]; 1 far outside."""
        cell = np.floor((xy - self._low) / _CELL_M).astype(np.int64)
        inside = ((cell >= 0) & (cell < self._size)).all(axis=1)
        found = np.ones((len(xy), self._share.shape[1]))
        found[inside] = self._share[cell[inside, 1] * self._size[0] + cell[inside, 0]]
        return found


def visible(eyes: Float, places: Float, sides: Float, tops: Float, heights: Float = _BODY) -> Float:
    """The share (n, c) of upright bodies at ``places`` (n, 2) that ``eyes`` (c, 3) see past upright rectangles.

    ``sides`` (w, 2, 2) are their ends on the floor and ``tops`` (w,) their heights; ``heights`` (h,) are those of a
    body's points; metres.
    """
    parts = [places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE)]
    shares = [_visible(eyes, part, sides, tops, heights) for part in parts]
    return np.concatenate([np.zeros((0, len(eyes))), *shares])


def _visible(eyes: Float, places: Float, sides: Float, tops: Float, heights: Float) -> Float:
    hidden = np.zeros((len(places), len(eyes), len(heights)), np.bool_)
    way = places[:, None] - eyes[None, :, :2]
    for (start, end), top in zip(sides, tops, strict=True):
        along = end - start
        back = start - eyes[:, :2]
        cross = way[..., 0] * along[1] - way[..., 1] * along[0]
        cross = np.where(np.abs(cross) < 1e-12, 1e-12, cross)
        at = (back[:, 0] * along[1] - back[:, 1] * along[0]) / cross  # of the ray, from the eye on
        beside = (back[None, :, 0] * way[..., 1] - back[None, :, 1] * way[..., 0]) / cross  # of the rectangle
        meets = (at > _NEAR) & (at < 1 - _NEAR) & (beside >= 0) & (beside <= 1)
        height = eyes[:, 2, None] + at[..., None] * (heights - eyes[:, 2, None])
        hidden |= meets[..., None] & (height < top)
    return np.asarray(1.0 - hidden.mean(axis=2))


def screens(plan: Plan) -> tuple[Float, Float]:
    """The upright rectangles of a plan with a floor: sides (w, 2, 2) and tops (w,) in metres, infinite where they reach
    the ceiling.
    """
    assert plan.floor is not None
    corners = np.array(plan.floor.polygon, np.float64)
    gates = [np.array([gate.a, gate.b], np.float64) for gate in plan.gates]
    found: list[tuple[Float, float]] = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        found += [(part, np.inf) for part in _between(np.stack([start, end]), gates)]
    found += [(np.array([wall.a, wall.b], np.float64), wall.height_m or np.inf) for wall in plan.walls]
    for fixture in plan.fixtures:
        around = np.array(footprint(fixture), np.float64)
        found += [(side, fixture.height_m) for side in np.stack([around, np.roll(around, -1, axis=0)], axis=1)]
    return np.array([side for side, _ in found]).reshape(-1, 2, 2), np.array([top for _, top in found])


def _between(edge: Float, gates: Sequence[Float]) -> Iterator[Float]:
    """The parts of an ``edge`` (2, 2) of the floor that no gate opens."""
    along = edge[1] - edge[0]
    length = float(np.linalg.norm(along))
    along = along / length
    open_spans = []
    for gate in gates:
        way = gate - edge[0]
        aside = np.abs(way[:, 0] * along[1] - way[:, 1] * along[0])
        if aside.max() < 0.05:
            open_spans.append(sorted((way @ along).tolist()))
    at = 0.0
    for first, last in [*sorted(open_spans), [length, length]]:
        if first > at:
            yield edge[0] + along * np.array([[at], [first]])
        at = max(at, last)
