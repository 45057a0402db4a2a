"""Who came together: by when and where they came in, and whether they walk near one another.

People who belong together come in one behind the other; how telling that is depends on how many others come. Inside,
some stay together and some shop apart: walking together speaks for a group, being apart hardly against it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.tracks import FloorMoment

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

_COMPANIONS: Final = 0.4  # of them somebody has in the mean
_BEHIND_S: Final = 3.0  # by how much, in the mean, a companion comes in later
_ONE_GATE_M: Final = 2.0  # farther apart two came in elsewhere
_QUIET_S: Final = 60.0  # in which one comes, as long as nobody has come yet
_RECENT_S: Final = 300.0  # who came longer ago says nothing of how many come now
_NEAR_M: Final = 1.5
_NEAR: Final = (0.2, 0.7)  # the share of time that strangers, and companions who stay together, are near one another
_STAY: Final = 0.5  # of companions stay together
_LOOK_S: Final = 10.0  # in which one look at two people tells nothing that the last did not


class Groups:
    """Takes settled moments with ``update``; ``probability`` says of any two visits whether they came together."""

    def __init__(self) -> None:
        self._id = np.zeros(0, np.int64)
        self._came_s, self._came_xy = np.zeros(0), np.zeros((0, 2))
        self._both_s, self._near_s = np.zeros((0, 0)), np.zeros((0, 0))
        self._arrivals: list[float] = []
        self._began_s = self._time_s = 0.0

    def update(self, moment: FloorMoment) -> None:
        """The next moment; times must not fall."""
        tracks = moment.tracks
        if not len(self._id) and not self._arrivals:
            self._began_s = self._time_s = moment.time_s
        span_s, self._time_s = moment.time_s - self._time_s, moment.time_s
        self._add(tracks.track_id[~np.isin(tracks.track_id, self._id)], moment)
        row = np.searchsorted(self._id, tracks.track_id)
        apart = np.linalg.norm(tracks.xy[:, None] - tracks.xy[None], axis=2)
        self._both_s[np.ix_(row, row)] += span_s
        self._near_s[np.ix_(row, row)] += span_s * (apart <= _NEAR_M)

    def forget(self, alive: Collection[int]) -> None:
        """Of all others nothing more will come or be asked."""
        kept = np.isin(self._id, np.fromiter(alive, np.int64, len(alive)))
        self._id, self._came_s, self._came_xy = self._id[kept], self._came_s[kept], self._came_xy[kept]
        self._both_s, self._near_s = self._both_s[np.ix_(kept, kept)], self._near_s[np.ix_(kept, kept)]

    def with_(self, visit: int, least: float) -> dict[int, float]:
        """The others who came with ``visit`` at a probability of ``least`` or more; nobody where it was never seen."""
        if visit not in self._id:
            return {}
        chance = self.probability()[int(np.searchsorted(self._id, visit))]
        return {int(self._id[other]): float(chance[other]) for other in np.flatnonzero(chance >= least)}

    def probability(self) -> Float:
        """That two came together (n, n), of the visits by rising number; 0 of one with itself.

        Bayes' rule with two ways to have come: the companions of somebody come in after an exponential time, strangers
        at the rate of all others who came lately (a Poisson process).
        """
        later_s = np.abs(self._came_s[:, None] - self._came_s[None])
        rate = max(len(self._arrivals) - 1, 1) / (min(self._time_s - self._began_s, _RECENT_S) + _QUIET_S)
        came = np.log(_COMPANIONS / _BEHIND_S / rate) - later_s / _BEHIND_S
        one_gate = np.linalg.norm(self._came_xy[:, None] - self._came_xy[None], axis=2) <= _ONE_GATE_M
        looks, share = self._both_s / _LOOK_S, self._near_s / np.maximum(self._both_s, 1e-9)
        strangers, companions = _NEAR
        stay = looks * (
            share * np.log(companions / strangers) + (1 - share) * np.log((1 - companions) / (1 - strangers))
        )
        odds = came + np.logaddexp(np.log(1 - _STAY), np.log(_STAY) + stay)
        chance = np.where(one_gate, 1 / (1 + np.exp(-odds)), 0.0)
        np.fill_diagonal(chance, 0.0)
        return chance

    def _add(self, new: Ints, moment: FloorMoment) -> None:
        since = moment.time_s - _RECENT_S
        self._arrivals = [*(at for at in self._arrivals if at >= since), *([moment.time_s] * len(new))]
        xy = moment.tracks.xy[np.isin(moment.tracks.track_id, new)]
        order = np.argsort(np.concatenate([self._id, new]))
        self._id = np.concatenate([self._id, new])[order]
        self._came_s = np.concatenate([self._came_s, np.full(len(new), moment.time_s)])[order]
        self._came_xy = np.concatenate([self._came_xy, xy])[order]
        self._both_s, self._near_s = (
            np.pad(table, (0, len(new)))[np.ix_(order, order)] for table in (self._both_s, self._near_s)
        )
