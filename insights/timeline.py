"""How many people at every moment, out of the intervals in which each was present."""

from __future__ import annotations

import numpy as np

from insights.sightings import Float, Int


class Timeline:
    """Counts overlapping half-open intervals [start, end) that come about in order of time.

    Intervals that touch make no gap and no overlap. What is settled is handed out and forgotten.
    """

    def __init__(self) -> None:
        self._count = 0
        self._times: Float = np.zeros(0)
        self._changes: Int = np.zeros(0, np.int64)

    @property
    def count(self) -> int:
        """How many there were at the end of what was handed out."""
        return self._count

    def add(self, starts: Float, ends: Float) -> None:
        """Add intervals, (n,) seconds each; those without length are left out."""
        real = ends > starts
        ones = np.ones(int(real.sum()), np.int64)
        self._times = np.concatenate([self._times, starts[real], ends[real]])
        self._changes = np.concatenate([self._changes, ones, -ones])

    def advance(self, until: float) -> tuple[Float, Int]:
        """The times (n,) up to ``until`` at which the count could change, in order, and the count from each on (n,)."""
        settled = self._times <= until
        times, where = np.unique(self._times[settled], return_inverse=True)
        changes = np.zeros(len(times), np.int64)
        np.add.at(changes, where, self._changes[settled])
        self._times, self._changes = self._times[~settled], self._changes[~settled]
        counts = self._count + np.cumsum(changes)
        self._count = int(counts[-1]) if len(counts) else self._count
        return times, counts
