"""Hand-overs: two people stand together, one held something before and the other does afterwards.

Hands that give hide one another, so that meetings are of people, and hands are looked at before people come together
and after they part. What became of a meeting is judged then: that a hand of one gave a hand of the other something, or
that every hand holds what it held. Each of these has the probability of what was seen, given it, times what it is
before anything is seen (Bayes' rule).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.floor.tracks import FloorTracks
from vision.shop.evidence import HandOver, Reach

Float = NDArray[np.float64]
_HANDS = (0, 1)
_AROUND_S = 1.0  # a reach so shortly before or after a meeting counts as one meanwhile


@dataclass(frozen=True, slots=True)
class HandOverSettings:
    """People within ``near_m`` metres meet. ``before_s`` and ``after_s`` are the nearest and the farthest times, in
    seconds, before and after a meeting that tell what hands hold; it is over when they were farther away so long.

    ``usual`` is how often a meeting is a hand-over, ``usual_beside`` when one of them reached into a shelf meanwhile,
    ``changes`` how often a hand holds something else afterwards for other reasons (the other hand, a bag), ``reaches``
    the same of who reached into a shelf meanwhile; ``least`` is the least probability that is told.
    """

    near_m: float = 1.0
    before_s: tuple[float, float] = (0.1, 1.6)
    after_s: tuple[float, float] = (0.3, 2.2)
    usual: float = 0.25
    usual_beside: float = 0.08
    changes: float = 0.06
    reaches: float = 0.5
    least: float = 0.3


class Knows(Protocol):
    """What ``vision.shop.hands.HandWatcher`` does."""

    def held(self, track_id: int, hand: int, from_s: float, to_s: float, /) -> float:
        """The probability that a hand held something over a span of time, .5 where nobody saw it."""
        ...


@dataclass(slots=True)
class _Meeting:
    first_s: float
    last_s: float
    nearest_s: float
    nearest_m: float


class HandOverFinder:
    """Follows people who meet; ``watcher`` knows what their hands hold."""

    def __init__(self, watcher: Knows, settings: HandOverSettings | None = None) -> None:
        self.settings = settings or HandOverSettings()
        self._watcher = watcher
        self.reset()

    def reset(self) -> None:
        """Forget every meeting."""
        self._meetings: dict[tuple[int, int], _Meeting] = {}

    def update(self, tracks: FloorTracks, now_s: float, reaches: Collection[Reach] = ()) -> list[HandOver]:
        """The hand-overs that can be told by ``now_s`` (seconds, UTC), given where people are then.

        ``reaches`` are those of the last half minute, by the same tracks.
        """
        apart = np.linalg.norm(tracks.xy[:, None] - tracks.xy[None], axis=2)
        for one, other in zip(*np.nonzero(np.triu(apart <= self.settings.near_m, 1)), strict=True):
            numbers = int(tracks.track_id[one]), int(tracks.track_id[other])
            near_m = float(apart[one, other])
            pair = (min(numbers), max(numbers))
            meeting = self._meetings.setdefault(pair, _Meeting(now_s, now_s, now_s, near_m))
            meeting.last_s = now_s
            if near_m < meeting.nearest_m:
                meeting.nearest_m, meeting.nearest_s = near_m, now_s
        wait_s = self.settings.after_s[1]
        over = [pair for pair, meeting in self._meetings.items() if now_s >= meeting.last_s + wait_s]
        told = [self._judged(pair, self._meetings.pop(pair), reaches) for pair in over]
        return [each for each in told if each.probability >= self.settings.least]

    def _judged(self, pair: tuple[int, int], meeting: _Meeting, reaches: Collection[Reach]) -> HandOver:
        settings = self.settings
        first_s, last_s = meeting.first_s - _AROUND_S, meeting.last_s + _AROUND_S
        busy = {reach.track_id for reach in reaches if reach.end_s >= first_s and reach.start_s <= last_s}
        changes = np.array([settings.reaches if track in busy else settings.changes for track in pair])
        before, after = np.zeros((2, 2)), np.zeros((2, 2))
        for row, track in enumerate(pair):
            for hand in _HANDS:
                near, far = settings.before_s
                before[row, hand] = self._watcher.held(track, hand, meeting.first_s - far, meeting.first_s - near)
                near, far = settings.after_s
                after[row, hand] = self._watcher.held(track, hand, meeting.last_s + near, meeting.last_s + far)
        usual = settings.usual if busy.isdisjoint(pair) else settings.usual_beside
        there, back = given(before, after, changes, usual)
        giver, taker, probability = (*pair, there) if there >= back else (*pair[::-1], back)
        return HandOver(giver, taker, meeting.nearest_s, probability)


def given(before: Float, after: Float, changes: Float, usual: float) -> tuple[float, float]:
    """The probabilities that the first of two people gave the second something, and the second the first.

    ``before`` and ``after`` (people, hands) are each hand's probabilities of holding something, ``changes`` (people,)
    how often a hand's holding changes without a hand-over, ``usual`` how often a meeting is one.
    """
    same = before * after + (1 - before) * (1 - after)
    kept = (1 - changes[:, None]) * same + changes[:, None] * (1 - same)
    gave, got = before * (1 - after), (1 - before) * after
    found = []
    for giver, taker in ((0, 1), (1, 0)):
        # The mean over pairs of hands, relative to all four being as they were; a hand holds something or not, as
        # likely, before anything is seen: one of two patterns if it stays, the only one if it gives or takes.
        ways = np.outer(2 * gave[giver] / kept[giver], 2 * got[taker] / kept[taker])
        found.append(usual / 2 * float(ways.mean()))
    total = sum(found) + 1 - usual
    return found[0] / total, found[1] / total
