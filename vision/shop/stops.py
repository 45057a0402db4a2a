"""Stops before shelves, and what hands held when people came and when they went on.

While somebody reaches, their hands are hidden and near products; while they walk, cameras all around see what they
carry. So hands are looked at before a stop and after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.furniture import PlacedSlot
from vision.floor.tracks import FloorTracks
from vision.shop.evidence import Stop
from vision.shop.handovers import Knows, hands_held
from vision.shop.slot_views import front_of, stand_before

Float = NDArray[np.float64]

NEAR_M: Final = 1.0
"""From the front of a slot, before which somebody stands."""
SLOW_M_S: Final = 0.35
"""Who is slower stands."""
SHORTEST_S: Final = 0.8  # who stands for less walks by
APART_S: Final = 1.2  # between two stops
LOOKED_S: Final = 2.0
"""Hands are looked at so long before and after."""
_SPEED_S: Final = 0.6  # over which speed is told


@dataclass(slots=True, eq=False)
class _Walk:
    """Somebody's last places (time, x, y), and the stop that goes on: its places, and when the one before ended."""

    places: deque[tuple[float, float, float]] = field(default_factory=deque)
    stood: list[tuple[float, float, float]] = field(default_factory=list)
    before_s: float = -np.inf


class StopFinder:
    """Follows people past ``slots``; ``watcher`` knows what their hands hold."""

    def __init__(self, slots: Sequence[PlacedSlot], watcher: Knows) -> None:
        self._front = np.array([front_of(slot)[:2] for slot in slots], np.float64).reshape(-1, 2)
        self._normal = np.array([slot.normal for slot in slots], np.float64).reshape(-1, 2)
        self._watcher = watcher
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._walks: dict[int, _Walk] = {}

    def update(self, tracks: FloorTracks, now_s: float) -> list[Stop]:
        """The stops that are over and whose hands were seen afterwards, given who is where at ``now_s`` (seconds)."""
        before = np.asarray(stand_before(tracks.xy, self._front, self._normal, NEAR_M).any(axis=1))
        found = []
        for number, (x, y), near in zip(tracks.track_id.tolist(), tracks.xy.tolist(), before.tolist(), strict=True):
            walk = self._walks.setdefault(number, _Walk())
            walk.places.append((now_s, x, y))
            while walk.places[0][0] < now_s - _SPEED_S - 1e-6:
                walk.places.popleft()
            first_s, first_x, first_y = walk.places[0]
            slow = np.hypot(x - first_x, y - first_y) < SLOW_M_S * (now_s - first_s)
            if near and slow:
                # Speed is that of the middle between the two places.
                at_s = (first_s + now_s) / 2
                if walk.stood and at_s - walk.stood[-1][0] > APART_S:
                    found += self._over(number, walk, at_s)
                walk.stood.append((at_s, x, y))
        for number, walk in list(self._walks.items()):
            if walk.stood and now_s - walk.stood[-1][0] > LOOKED_S:
                found += self._over(number, walk, np.inf)
            if now_s - walk.places[-1][0] > LOOKED_S + _SPEED_S and not walk.stood:
                del self._walks[number]
        return found

    def _over(self, number: int, walk: _Walk, next_s: float) -> list[Stop]:
        """The stop that is over, unless it was a short one; ``next_s`` is when the next one began."""
        stood, walk.stood = walk.stood, []
        start_s, end_s = stood[0][0], stood[-1][0]
        if end_s - start_s < SHORTEST_S:
            return []
        before_s, walk.before_s = walk.before_s, end_s
        middle = np.mean([place[1:] for place in stood], axis=0)
        before = hands_held(self._watcher, number, max(before_s, start_s - LOOKED_S), start_s)
        after = hands_held(self._watcher, number, end_s, min(end_s + LOOKED_S, next_s))
        return [Stop(number, start_s, end_s, (float(middle[0]), float(middle[1])), before, after)]
