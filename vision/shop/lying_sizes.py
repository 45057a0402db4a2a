"""How well the areas that a thing hides of the floor go with the sizes of packages that may lie there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store.catalogue import Catalogue
from vision.shop.floor_views import CELL_M, FloorChart, FloorView

Float = NDArray[np.float64]

_TURNS: Final = np.radians([0.0, 45.0])  # of a package about the vertical
_CORNERS: Final = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_FEWEST: Final = 0.4  # of the cells that a package hides look changed: parts of it may look like the floor
_SPREAD: Final = 0.4  # of the logarithm of an area, one camera's; cameras err together


class LyingSizes:
    """Compares with the upright packages of ``catalogue`` on the floor of ``chart``."""

    def __init__(self, catalogue: Catalogue, chart: FloorChart) -> None:
        self._chart = chart
        self._size = {product.id: tuple(product.size_m) for product in catalogue.products}

    def logs(self, xy: Float, cells: Mapping[str, int], views: Mapping[str, FloorView]) -> dict[str, float]:
        """The log likelihood of each product (id) to hide so many ``cells`` of the floor from each camera.

        ``xy`` (2,) is where it stands, metres; ``views`` has what each of these cameras sees.
        """
        off: dict[tuple[float, ...], float] = {}
        for size in set(self._size.values()):
            hidden = {name: self._hidden(xy, np.array(size), views[name]) for name in cells}
            off[size] = float(np.mean([math.log(cells[name] / hidden[name]) for name in cells]))
        # What is missing may look like the floor; what is too much is no part of the package.
        wrong = {size: max(each, math.log(_FEWEST) - each, 0.0) for size, each in off.items()}
        return {product: -0.5 * (wrong[size] / _SPREAD) ** 2 for product, size in self._size.items()}

    def _hidden(self, xy: Float, size: Float, view: FloorView) -> float:
        """How many of the cells that a camera sees a box hides, on average over its turns."""
        hulls = [hidden_hull(xy, size, turn, view.camera.position) for turn in _TURNS]
        return max(float(np.mean([self._count(hull, view) for hull in hulls])), 1.0)

    def _count(self, hull: Float, view: FloorView) -> int:
        """The cells of a view within a convex ``hull`` (n, 2), metres."""
        corners = np.round((hull - self._chart.low) / CELL_M - 0.5).astype(np.int32)
        low = np.maximum(corners.min(axis=0), 0)
        high = np.minimum(corners.max(axis=0) + 1, self._chart.shape[::-1])
        if (high <= low).any():
            return 0
        within = np.zeros((high - low)[::-1], np.uint8)
        cv2.fillConvexPoly(within, corners - low, 1)
        return int((within.astype(np.bool_) & view.seen[low[1] : high[1], low[0] : high[0]]).sum())


def hidden_hull(xy: Float, size: Float, turn: float, eye: Float) -> Float:
    """The corners (n, 2) of what a box hides of the floor from ``eye`` (x, y, z), which is above it, all in metres.

    The box has the ``size`` (width, depth, height), stands upright with its middle over ``xy`` (2,) and is turned by
    ``turn`` radians.
    """
    corners = _CORNERS * size
    cos, sin = math.cos(turn), math.sin(turn)
    flat = corners[:, :2] @ np.array([[cos, sin], [-sin, cos]]) + xy
    share = eye[2] / (eye[2] - corners[:, 2])  # along the ray from the eye to where it meets the floor
    shadow = eye[:2] + (flat - eye[:2]) * share[:, None]
    return np.asarray(cv2.convexHull(shadow.astype(np.float32))[:, 0], np.float64)
