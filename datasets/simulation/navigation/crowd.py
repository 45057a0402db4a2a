"""What is settled so far about where everybody is, tick by tick, and who comes too near to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Ticks = NDArray[np.int64]

RATE_HZ = 20
TICK_S = 1.0 / RATE_HZ
NEAREST_M = 0.5  # between the middles of any two people
LYING_M = 0.26  # from anybody's middle to that of what lies on the floor
SLACK_M = 0.005  # kept on top of that at ticks, for what happens between them
_AWAY_M = 1e6  # where somebody is who is not in the shop


class Track:
    """The settled part of one person's walk: a position and heading for each tick from ``first`` to ``last``.

    From ``last`` on the person stands still until more is added, or is out of the shop once ``ended``.
    """

    def __init__(self, radius_m: float, first: int, xy: tuple[float, float], heading: float) -> None:
        self.radius_m = radius_m
        self.first = first
        self.xy: Float = np.array([xy], np.float64)
        self.heading: Float = np.array([heading], np.float64)
        self.ended = False

    @property
    def last(self) -> int:
        """The last settled tick."""
        return self.first + len(self.xy) - 1

    def stand(self, tick: int) -> None:
        """Stay where the settled part ends until ``tick``."""
        more = tick - self.last
        if more > 0:
            self.add(np.repeat(self.xy[-1:], more, axis=0), np.repeat(self.heading[-1:], more))

    def add(self, xy: Float, heading: Float) -> None:
        """Append positions (n, 2) and headings (n,) at the next n ticks."""
        self.xy = np.concatenate([self.xy, xy])
        self.heading = np.concatenate([self.heading, heading])

    def at(self, ticks: Ticks) -> Float:
        """Positions (n, 2) at ``ticks``; far away before the person comes and after they left."""
        found = self.xy[np.clip(ticks - self.first, 0, len(self.xy) - 1)]
        gone = ticks < self.first
        if self.ended:
            gone = gone | (ticks > self.last)
        found[gone] = _AWAY_M
        return found


@dataclass(frozen=True, eq=False)
class Others:
    """Everybody but the one who plans. ``apart_m`` (k,) is how far the one's middle stays from each of theirs."""

    tracks: tuple[Track, ...]
    apart_m: Float

    @classmethod
    def of(cls, tracks: list[Track], radius_m: float, tick: int, lying: Sequence[Track] = ()) -> Others:
        """``tracks`` as seen from ``tick`` on by a person who needs ``radius_m``, and what is ``lying`` there."""
        present = [track for track in tracks if not (track.ended and track.last < tick)]
        things = [track for track in lying if not (track.ended and track.last < tick)]
        apart = [max(NEAREST_M, radius_m + track.radius_m) for track in present]
        return cls((*present, *things), np.array([*apart, *(LYING_M for _ in things)]))

    @property
    def horizon(self) -> int:
        """The last tick at which anybody is known to move."""
        return max((track.last for track in self.tracks), default=0)

    def at(self, ticks: Ticks) -> Float:
        """Positions (k, n, 2) at ``ticks`` (n,)."""
        if not self.tracks:
            return np.zeros((0, len(ticks), 2))
        return np.stack([track.at(ticks) for track in self.tracks])

    def room(self, xy: Float, ticks: Ticks) -> Float:
        """How much nearer than needed others are to ``xy`` (n, 2) at ``ticks``: the smallest surplus (n,) in metres."""
        if not self.tracks:
            return np.full(len(ticks), np.inf)
        apart = np.linalg.norm(self.at(ticks) - xy, axis=-1)
        return np.asarray((apart - self.apart_m[:, None]).min(axis=0))

    def clear(self, xy: Float, first: int, stays: bool) -> bool:
        """Whether a walk over ``xy`` (n, 2) from tick ``first`` keeps its distance, and standing at its end if it
        ``stays``.
        """
        ticks = np.arange(first, first + len(xy))
        if not bool((self.room(xy, ticks) >= SLACK_M).all()):
            return False
        return not stays or self.free_from(xy[-1], first + len(xy) - 1) <= first + len(xy) - 1

    def free_from(self, xy: Float, tick: int) -> float:
        """The first tick from ``tick`` on from which one can stand at ``xy`` for good, infinite where there is none."""
        ticks = np.arange(tick, max(self.horizon, tick) + 2)
        near = np.flatnonzero(self.room(np.broadcast_to(xy, (len(ticks), 2)), ticks) < SLACK_M)
        if not len(near):
            return float(tick)
        return np.inf if near[-1] == len(ticks) - 1 else float(ticks[near[-1]] + 1)
