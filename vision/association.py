"""Which detection belongs to which track: the pairs whose boxes overlap, and the best one-to-one choice among them.

People overlap few of the others, so that pairs are kept as lists and not as full tables.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_SMALL_TABLE: Final = 2500


class Pairs(NamedTuple):
    """Pairs of rows (k,) and columns (k,), with the intersection over union of their boxes (k,), above 0.

    ``vertical`` (k,) is the same of the boxes' vertical spans alone: people near one another in the picture differ in
    height before they differ in width.
    """

    row: Index
    column: Index
    iou: Array
    vertical: Array

    def only(self, allowed: NDArray[np.bool_]) -> Pairs:
        """The pairs that ``allowed`` (k,) says."""
        return Pairs(self.row[allowed], self.column[allowed], self.iou[allowed], self.vertical[allowed])


def overlapping(a: Array, b: Array, widen: float = 0.0) -> Pairs:
    """The pairs of boxes of ``a`` (n, 4) and ``b`` (m, 4), as corners, that overlap.

    ``widen`` first moves every edge outwards by that share of the box's size, so that boxes that only nearly touch
    still compare (the buffered IoU of Yang et al., "Hard to Track Objects with Irregular Motions", WACV 2023).
    """
    ax1, ay1, ax2, ay2 = (a @ _widening(widen)).T
    bx1, by1, bx2, by2 = (b @ _widening(widen)).T
    wide = np.minimum(ax2[:, None], bx2) - np.maximum(ax1[:, None], bx1)
    high = np.minimum(ay2[:, None], by2) - np.maximum(ay1[:, None], by1)
    row, column = np.nonzero((wide > 0) & (high > 0))
    tall_a, tall_b = ay2 - ay1, by2 - by1
    high = high[row, column]
    shared = wide[row, column] * high
    area = ((ax2 - ax1) * tall_a)[row] + ((bx2 - bx1) * tall_b)[column]
    return Pairs(row, column, shared / (area - shared), high / (tall_a[row] + tall_b[column] - high))


@lru_cache(maxsize=8)
def _widening(share: float) -> Array:
    """The map of corners (x1, y1, x2, y2) to those of the widened box."""
    matrix = np.eye(4) * (1 + share)
    matrix[[0, 1, 2, 3], [2, 3, 0, 1]] = -share
    return matrix


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

    Exact: solved as a table. Where that is large, a pair whose row and column have no other is taken at once.
    """
    if not len(row):
        return np.zeros(0, np.intp)
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    if rows * columns <= _SMALL_TABLE:
        return _solved(row, column, similarity, (rows, columns))
    alone = (np.bincount(row)[row] == 1) & (np.bincount(column)[column] == 1)
    rest = np.flatnonzero(~alone)
    if not len(rest):
        return np.flatnonzero(alone)
    r, c = _renumbered(row[rest], rows), _renumbered(column[rest], columns)
    solved = _solved(r, c, similarity[rest], (int(r.max()) + 1, int(c.max()) + 1))
    return np.concatenate([np.flatnonzero(alone), rest[solved]])


def _solved(row: Index, column: Index, similarity: Array, shape: tuple[int, int]) -> Index:
    gain = np.zeros(shape)
    gain[row, column] = similarity + 1.0
    place = np.full(shape, -1, np.intp)
    place[row, column] = np.arange(len(row))
    chosen = place[linear_sum_assignment(gain, maximize=True)]
    return np.asarray(chosen[chosen >= 0])


def _renumbered(index: Index, size: int) -> Index:
    used = np.zeros(size, np.intp)
    used[index] = 1
    return np.asarray((np.cumsum(used) - 1)[index])
