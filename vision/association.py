"""Which detection belongs to which track: the pairs whose boxes overlap, and the best one-to-one choice among them.

People overlap few of the others, so that pairs are kept as lists and not as full tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Pairs(NamedTuple):
    """Pairs of rows (k,) and columns (k,) with the intersection over union of their boxes (k,), above 0."""

    row: Index
    column: Index
    iou: Array


def overlapping(a: Array, b: Array, widen: float = 0.0) -> Pairs:
    """The pairs of boxes of ``a`` (n, 4) and ``b`` (m, 4), as corners, that overlap.

    ``widen`` first moves every edge outwards by that share of the box's size, so that boxes that only nearly touch
    still compare (the buffered IoU of Yang et al., "Hard to Track Objects with Irregular Motions", WACV 2023).
    """
    ax1, ay1, ax2, ay2 = _widened(a, widen)
    bx1, by1, bx2, by2 = _widened(b, widen)
    wide = np.minimum(ax2[:, None], bx2) - np.maximum(ax1[:, None], bx1)
    high = np.minimum(ay2[:, None], by2) - np.maximum(ay1[:, None], by1)
    row, column = np.nonzero((wide > 0) & (high > 0))
    shared = wide[row, column] * high[row, column]
    area_a, area_b = (ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1)
    return Pairs(row, column, shared / (area_a[row] + area_b[column] - shared))


def height_overlap(a: Array, b: Array) -> Array:
    """Intersection over union of the vertical spans of ``a`` (k, 4) and ``b`` (k, 4), row by row: (k,) in [0, 1].

    People near one another in the picture differ in height before they differ in width.
    """
    shared = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    span = np.maximum(a[:, 3], b[:, 3]) - np.minimum(a[:, 1], b[:, 1])
    return np.asarray(np.maximum(shared, 0.0) / np.maximum(span, 1e-9))


def largest_cover(a: Array, b: Array, but_not: Index | None = None) -> Array:
    """The largest share of each box of ``a`` (n, 4) that lies inside one of ``b`` (m, 4): (n,) in [0, 1].

    ``but_not`` (n,) names for each box of ``a`` the one of ``b`` that is itself.
    """
    if not len(b):
        return np.zeros(len(a))
    wide = np.minimum(a[:, 2, None], b[:, 2]) - np.maximum(a[:, 0, None], b[:, 0])
    high = np.minimum(a[:, 3, None], b[:, 3]) - np.maximum(a[:, 1, None], b[:, 1])
    shared = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    if but_not is not None:
        shared[np.arange(len(a)), but_not] = 0.0
    return np.asarray(shared.max(axis=1) / np.maximum((a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]), 1e-9))


def assign(row: Index, column: Index, similarity: Array) -> Index:
    """The pairs (positions in the lists) that make the most of ``similarity`` + 1, each row and column used once.

    A pair whose row and column have no other is taken at once; the rest are solved together, exactly.
    """
    if not len(row):
        return np.zeros(0, np.intp)
    rows, columns = np.bincount(row), np.bincount(column)
    alone = (rows[row] == 1) & (columns[column] == 1)
    if alone.all():
        return np.flatnonzero(alone)
    rest = np.flatnonzero(~alone)
    r, c = _renumbered(row[rest], len(rows)), _renumbered(column[rest], len(columns))
    shape = (int(r.max()) + 1, int(c.max()) + 1)
    gain = np.zeros(shape)
    gain[r, c] = similarity[rest] + 1.0
    which = np.full(shape, -1, np.intp)
    which[r, c] = rest
    solved = which[linear_sum_assignment(gain, maximize=True)]
    return np.concatenate([np.flatnonzero(alone), solved[solved >= 0]])


def _renumbered(index: Index, size: int) -> Index:
    used = np.zeros(size, np.intp)
    used[index] = 1
    return np.asarray((np.cumsum(used) - 1)[index])


def _widened(boxes: Array, share: float) -> tuple[Array, Array, Array, Array]:
    x1, y1, x2, y2 = boxes.T
    if not share:
        return x1, y1, x2, y2
    dx, dy = (x2 - x1) * share, (y2 - y1) * share
    return x1 - dx, y1 - dy, x2 + dx, y2 + dy
