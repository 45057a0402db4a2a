"""How well the areas that a thing hides of the floor go with the sizes of packages that may lie there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store.catalogue import Catalogue

Float = NDArray[np.float64]

_TURNS: Final = np.radians([0.0, 22.5, 45.0, 67.5])  # of a package about the vertical; the others look alike
_CORNERS: Final = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_SPREAD: Final = 0.4  # of the logarithm of an area, one camera's; cameras err together


class LyingSizes:
    """Compares with the upright packages of ``catalogue``."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._size = {product.id: np.array(product.size_m, np.float64) for product in catalogue.products}

    def logs(self, xy: Float, areas_m2: Mapping[str, float], eyes: Mapping[str, Float]) -> dict[str, float]:
        """The log likelihood of each product (id) to hide ``areas_m2`` of the floor from cameras at ``eyes`` (3,).

        ``xy`` (2,) is where it stands, metres.
        """
        off = {
            product: np.mean([self._off(xy, size, area, eyes[name]) for name, area in areas_m2.items()])
            for product, size in self._size.items()
        }
        return {product: -0.5 * (float(each) / _SPREAD) ** 2 for product, each in off.items()}

    @staticmethod
    def _off(xy: Float, size: Float, area_m2: float, eye: Float) -> float:
        """The logarithm of an area seen over the one that a package of ``size`` (width, depth, height) would hide."""
        hidden = [hidden_m2(xy, size, turn, eye) for turn in _TURNS]
        return math.log(area_m2 / float(np.mean(hidden)))


def hidden_m2(xy: Float, size: Float, turn: float, eye: Float) -> float:
    """How much of the floor a box (width, depth, height) at ``xy`` hides from ``eye`` (x, y, z), which is above it."""
    corners = _CORNERS * size
    cos, sin = math.cos(turn), math.sin(turn)
    flat = corners[:, :2] @ np.array([[cos, sin], [-sin, cos]]) + xy
    share = eye[2] / (eye[2] - corners[:, 2])  # along the ray from the eye to where it meets the floor
    shadow = eye[:2] + (flat - eye[:2]) * share[:, None]
    return float(cv2.contourArea(cv2.convexHull(shadow.astype(np.float32))))
