"""Hand-overs: two people's hands meet, one held something before and the other does afterwards.

Two hands of different tracks meet while their wrists are within ``near_m`` of one another. What became of it is judged
once there was time to see both hands afterwards: that the first gave the second something, the other way round, or that
both hold what they held. Each of these has the probability of what was seen, given it, times what it is before anything
is seen (Bayes' rule).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.shop.evidence import HandOver
from vision.shop.wrists import Hands

Float = NDArray[np.float64]
Hand = tuple[int, int]
"""A track and its hand: 0 left, 1 right."""


@dataclass(frozen=True, slots=True)
class HandOverSettings:
    """Wrists within ``near_m`` meet; a meeting ends when they were ``apart_s`` farther away, or were not seen so long,
    and is judged ``span_s[1]`` after its last moment: ``span_s`` are the nearest and the farthest times before and
    after that tell what hands hold. ``usual`` is how often a meeting is a hand-over, ``least`` the least probability
    that is told.
    """

    near_m: float = 0.45
    apart_s: float = 0.6
    span_s: tuple[float, float] = (0.1, 1.4)
    usual: float = 0.3
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
    nearest_m: float = field(default=np.inf)


class HandOverFinder:
    """Follows hands that meet; ``watcher`` knows what they hold."""

    def __init__(self, watcher: Knows, settings: HandOverSettings | None = None) -> None:
        self.settings = settings or HandOverSettings()
        self._watcher = watcher
        self.reset()

    def reset(self) -> None:
        """Forget every meeting."""
        self._meetings: dict[tuple[Hand, Hand], _Meeting] = {}

    def update(self, hands: Hands, now_s: float) -> list[HandOver]:
        """The hand-overs that can be told by ``now_s`` (seconds, UTC), given where ``hands`` are.

        ``now_s`` is the time up to which the watcher has seen pictures.
        """
        for pair, apart in _pairs(hands):
            if apart <= self.settings.near_m:
                meeting = self._meetings.setdefault(pair, _Meeting(hands.time_s, hands.time_s, hands.time_s))
                meeting.last_s = hands.time_s
                if apart < meeting.nearest_m:
                    meeting.nearest_m, meeting.nearest_s = apart, hands.time_s
        wait = max(self.settings.apart_s, self.settings.span_s[1])
        over = [pair for pair, meeting in self._meetings.items() if now_s >= meeting.last_s + wait]
        told = [self._judged(pair, self._meetings.pop(pair)) for pair in over]
        return _once([each for each in told if each.probability >= self.settings.least])

    def _judged(self, pair: tuple[Hand, Hand], meeting: _Meeting) -> HandOver:
        near, far = self.settings.span_s
        before, after = [], []
        for track, hand in pair:
            before.append(self._watcher.held(track, hand, meeting.first_s - far, meeting.first_s - near))
            after.append(self._watcher.held(track, hand, meeting.last_s + near, meeting.last_s + far))
        there, back = given(before, after, self.settings.usual)
        one, other = pair[0][0], pair[1][0]
        giver, taker, probability = (one, other, there) if there >= back else (other, one, back)
        return HandOver(giver, taker, meeting.nearest_s, probability)


def given(before: list[float], after: list[float], usual: float) -> tuple[float, float]:
    """The probabilities that the first of two hands gave the second something, and the second the first.

    ``before`` and ``after`` are each hand's probabilities of holding something, ``usual`` that of either hand-over
    before anything is seen.
    """
    (a, b), (c, d) = before, after
    there = a * (1 - b) * (1 - c) * d * usual / 2
    back = (1 - a) * b * c * (1 - d) * usual / 2
    same = (a * c + (1 - a) * (1 - c)) * (b * d + (1 - b) * (1 - d)) * (1 - usual)
    # What is known before anything is seen: each hand holds something or not, as likely.
    same /= 4
    total = there + back + same
    return (there / total, back / total) if total > 0 else (0.0, 0.0)


def _pairs(hands: Hands) -> Iterator[tuple[tuple[Hand, Hand], float]]:
    """Every two hands of different people that are known, the smaller track first, and how far apart, metres."""
    order = np.argsort(hands.track_id, kind="stable").tolist()
    for one, other in combinations(order, 2):
        apart = np.linalg.norm(hands.wrist[one][:, None] - hands.wrist[other][None], axis=2)
        for left, right in zip(*np.nonzero(np.isfinite(apart)), strict=True):
            pair = (int(hands.track_id[one]), int(left)), (int(hands.track_id[other]), int(right))
            yield pair, float(apart[left, right])


def _once(told: list[HandOver]) -> list[HandOver]:
    """Of hand-overs between the same two people at one time the likeliest."""
    best: dict[frozenset[int], HandOver] = {}
    for each in told:
        people = frozenset((each.from_track, each.to_track))
        if people not in best or best[people].probability < each.probability:
            best[people] = each
    return list(best.values())
