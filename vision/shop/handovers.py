"""People who meet, and what their hands hold before they come together and after they part.

Hands that give hide one another, so that meetings are of people, and their hands are looked at before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vision.floor.tracks import FloorTracks
from vision.shop.evidence import Meeting, Pair

_HANDS = (0, 1)


@dataclass(frozen=True, slots=True)
class MeetingSettings:
    """People within ``near_m`` metres meet. ``before_s`` and ``after_s`` are the nearest and the farthest times, in
    seconds, before and after a meeting that tell what hands hold; it is over when they were farther away so long.
    """

    near_m: float = 1.0
    before_s: tuple[float, float] = (0.1, 1.6)
    after_s: tuple[float, float] = (0.3, 2.2)


class Knows(Protocol):
    """What ``vision.shop.hands.HandWatcher`` does."""

    def held(self, track_id: int, hand: int, from_s: float, to_s: float, /) -> float:
        """The probability that a hand held something over a span of time, .5 where nobody saw it."""
        ...


def hands_held(watcher: Knows, track_id: int, from_s: float, to_s: float) -> Pair:
    """The probabilities that a person's left and right hand held something from ``from_s`` to ``to_s`` (seconds)."""
    left, right = (watcher.held(track_id, hand, from_s, to_s) for hand in _HANDS)
    return left, right


@dataclass(slots=True)
class _Together:
    first_s: float
    last_s: float
    nearest_s: float
    nearest_m: float


class MeetingFinder:
    """Follows people who meet; ``watcher`` knows what their hands hold."""

    def __init__(self, watcher: Knows, settings: MeetingSettings | None = None) -> None:
        self.settings = settings or MeetingSettings()
        self._watcher = watcher
        self.reset()

    def reset(self) -> None:
        """Forget every meeting."""
        self._together: dict[tuple[int, int], _Together] = {}

    def update(self, tracks: FloorTracks, now_s: float) -> list[Meeting]:
        """The meetings that are over, their hands seen, by ``now_s`` (seconds, UTC), given where people are then."""
        apart = np.linalg.norm(tracks.xy[:, None] - tracks.xy[None], axis=2)
        for one, other in zip(*np.nonzero(np.triu(apart <= self.settings.near_m, 1)), strict=True):
            numbers = int(tracks.track_id[one]), int(tracks.track_id[other])
            near_m = float(apart[one, other])
            pair = (min(numbers), max(numbers))
            together = self._together.setdefault(pair, _Together(now_s, now_s, now_s, near_m))
            together.last_s = now_s
            if near_m < together.nearest_m:
                together.nearest_m, together.nearest_s = near_m, now_s
        wait_s = self.settings.after_s[1]
        over = [pair for pair, together in self._together.items() if now_s >= together.last_s + wait_s]
        return [self._met(pair, self._together.pop(pair)) for pair in over]

    def _met(self, pair: tuple[int, int], together: _Together) -> Meeting:
        first_s, last_s = together.first_s, together.last_s
        (near, far), (soon, late) = self.settings.before_s, self.settings.after_s
        one, other = pair
        earlier, later = (first_s - far, first_s - near), (last_s + soon, last_s + late)
        before = hands_held(self._watcher, one, *earlier), hands_held(self._watcher, other, *earlier)
        after = hands_held(self._watcher, one, *later), hands_held(self._watcher, other, *later)
        return Meeting(pair, first_s, last_s, together.nearest_s, before, after)
