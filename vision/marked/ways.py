"""Which of two looks at a place shows the package: the one that its outline, its print and its colours stand out in.

What lies behind a package goes on beyond it, so that in the look without the package there is no edge along the outline
of what changed (Spagnolo et al., An Abandoned/Removed Objects Detection Algorithm, 2006). Print and colours make the
look with the package richer.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Look = NDArray[np.float32]
Mask = NDArray[np.bool_]

WEIGHTS: Final = (2.0, 1.0, 0.5)
"""Of the logarithms of how many times stronger the outline, the edges within and the colours are before than after."""
_NOISE: Final = 4.0  # grey values to the pixel, that every edge and colour has
_KERNEL: Final = np.ones((3, 3), np.uint8)


def contrasts(before: Look, after: Look, changed: Mask) -> NDArray[np.float64]:
    """How many times stronger, as logarithms (3,), the outline of ``changed``, the edges within it and its colours are
    ``before`` than ``after``; looks are (h, w, 3) BGR, ``changed`` is (h, w).
    """
    mask = changed.astype(np.uint8)
    grown, shrunk = cv2.dilate(mask, _KERNEL) > 0, cv2.erode(mask, _KERNEL) > 0
    within = shrunk if shrunk.any() else changed
    found = []
    for look in (before, after):
        found_edges = edges(look)
        colour = look.max(axis=2) - look.min(axis=2)
        parts = (found_edges[grown & ~shrunk], found_edges[within], colour[changed])
        found.append([np.log(float(part.mean()) + _NOISE) for part in parts])
    return np.asarray(found[0], np.float64) - np.asarray(found[1], np.float64)


def taken(before: Look, after: Look, changed: Mask) -> float:
    """The probability that what changed was taken, and not put there; see ``contrasts``."""
    return float(1 / (1 + np.exp(-np.dot(WEIGHTS, contrasts(before, after, changed)))))


def edges(look: Look) -> NDArray[np.float32]:
    """How strong the edges (h, w) of a look (h, w, 3) are, grey values to the pixel."""
    across, down = (cv2.Sobel(look, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down).max(axis=2))
