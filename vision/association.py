"""Which detection belongs to which track: the pairs whose boxes overlap, and the best one-to-one choice among them.

People overlap few of the others, so that pairs are kept as lists and not as full tables. Here and in the tracker,
``take`` and ``nonzero`` stand where an index in brackets would do: with a few dozen people the call is what costs.
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
        index = allowed.nonzero()[0]
        return Pairs(self.row.take(index), self.column.take(index), self.iou.take(index), self.vertical.take(index))


def overlapping(a: Array, b: Array, widen: float = 0.0) -> Pairs:
    """The pairs of boxes of ``a`` (n, 4) and ``b`` (m, 4), as corners, that overlap.

    ``widen`` first moves every edge outwards by that share of the box's size, so that boxes that only nearly touch
    still compare (the buffered IoU of Yang et al., "Hard to Track Objects with Irregular Motions", WACV 2023).
    """
    a, b = _sides(a @ _widening(widen)), _sides(b @ _widening(widen))
    shared = _shared_sides(a, b)
    where = (np.minimum(shared[0], shared[1]) > 0).ravel().nonzero()[0]
    row, column = np.divmod(where, max(b.shape[1], 1))
    size_a, size_b = a[2:] - a[:2], b[2:] - b[:2]
    high = shared[1].ravel().take(where)
    overlap = shared[0].ravel().take(where) * high
    area = (size_a[0] * size_a[1]).take(row) + (size_b[0] * size_b[1]).take(column)
    span = size_a[1].take(row) + size_b[1].take(column) - high
    return Pairs(row, column, overlap / (area - overlap), high / span)


def _sides(boxes: Array) -> Array:
    """Corners (n, 4) as rows of x1, y1, x2, y2, (4, n), each in one piece of memory."""
    return boxes.T.copy()


def _shared_sides(a: Array, b: Array) -> Array:
    """Width and height (2, n, m) of what boxes (4, n) and (4, m) share; one is below 0 where they are apart."""
    return np.asarray(np.minimum(a[2:, :, None], b[2:, None]) - np.maximum(a[:2, :, None], b[:2, None]))


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
    sides = np.maximum(_shared_sides(_sides(a), _sides(b)), 0.0)
    shared = sides[0] * sides[1]
    if but_not is not None:
        shared[np.arange(len(a)), but_not] = 0.0
    return np.asarray(shared.max(axis=1) / np.maximum((a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]), 1e-9))


def assign(row: Index, column: Index, similarity: Array) -> tuple[Index, Index]:
    """The rows and columns of the pairs that make the most of ``similarity`` + 1, each row and column used once.

    Exact: what is in dispute is solved as a table. Where that would be large, a pair whose row and column have no other
    is taken out first. Every pair must be worth more than -1.
    """
    if not len(row):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    in_row, in_column = np.bincount(row), np.bincount(column)
    if not np.count_nonzero(in_row > 1) and not np.count_nonzero(in_column > 1):
        return row, column
    if len(in_row) * len(in_column) <= _SMALL_TABLE:
        return _solved(row, column, similarity, (len(in_row), len(in_column)))
    alone = (in_row[row] == 1) & (in_column[column] == 1)
    crowded = ~alone
    r, old_row = _renumbered(row[crowded], len(in_row))
    c, old_column = _renumbered(column[crowded], len(in_column))
    r, c = _solved(r, c, similarity[crowded], (len(old_row), len(old_column)))
    return np.concatenate([row[alone], old_row[r]]), np.concatenate([column[alone], old_column[c]])


def _solved(row: Index, column: Index, similarity: Array, shape: tuple[int, int]) -> tuple[Index, Index]:
    gain = np.zeros(shape)
    gain[row, column] = similarity + 1.0
    r, c = linear_sum_assignment(gain, maximize=True)
    paired = (gain[r, c] > 0).nonzero()[0]
    return r.take(paired), c.take(paired)


def _renumbered(index: Index, size: int) -> tuple[Index, Index]:
    """The same numbers without gaps, and the old number of each new one."""
    used = np.zeros(size, np.intp)
    used[index] = 1
    return np.asarray((np.cumsum(used) - 1)[index]), used.nonzero()[0]
