"""The few vertices of a body that bound all of them in any pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

_DIRECTIONS = 60


def outline(positions: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Vertex numbers (p,), rising: the extremes of what each bone moves, seen from all sides.

    A vertex belongs to every bone that has a third of its weight. Of a bone's convex hull, those are kept that are
    furthest in one of ``_DIRECTIONS`` directions spread evenly over the sphere.
    """
    k = np.arange(_DIRECTIONS) + 0.5
    # The Fibonacci sphere.
    polar, around = np.arccos(1.0 - 2.0 * k / _DIRECTIONS), np.pi * (1.0 + 5.0**0.5) * k
    directions = np.column_stack([np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)])
    chosen: list[NDArray[np.int64]] = []
    for bone in range(weights.shape[1]):
        rows = np.flatnonzero(weights[:, bone] > 0.33)
        if len(rows) > 8:
            try:
                rows = rows[ConvexHull(positions[rows]).vertices]
            except QhullError:
                continue
        if len(rows):
            chosen.append(rows[np.argmax(positions[rows] @ directions.T, axis=0)])
    return np.unique(np.concatenate(chosen)).astype(np.int64)
