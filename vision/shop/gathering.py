"""Gathers what single cameras show, at times of their own, into moments of the whole shop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOST_WAITING: Final = 20_000  # of one camera: a recording that runs ahead of the others is not kept without end


@dataclass(frozen=True, slots=True, eq=False)
class Gathered(Generic[T]):
    """What cameras show at about ``time_s`` seconds, the mean of their own times: ``looks`` by camera.

    ``captured_at`` has each look's own time. Both are on the shop's clock: a camera's offset is taken off.
    """

    time_s: float
    looks: Mapping[str, T]
    captured_at: Mapping[str, float]


class MomentGatherer(Generic[T]):
    """Gathers looks into moments, each camera's newest one, at most one of a camera in each.

    A moment begins with the earliest look that waits and lasts until a camera that is in it shows the next one, but
    ``least_s`` at least, so that what is more frequent is thinned, and ``most_s`` at most. It is handed out when all
    cameras have told of its end, or when the newest look is ``patience_s`` past it: a late camera holds nobody up
    longer, and what it tells then of a moment that is over is dropped and counted in ``late``. With ``patience_s``
    infinite, which is for recordings, every look counts, whatever the order in which cameras are read.

    ``clock_offset_s`` has all cameras, and how far the clock of each is ahead. Moments come in order of time, and times
    rise. ``newest_s`` is the time of the newest look on the shop's clock, minus infinity before the first.
    """

    def __init__(
        self,
        clock_offset_s: Mapping[str, float],
        *,
        patience_s: float = 0.3,
        most_s: float = 0.2,
        least_s: float = 0.075,
    ) -> None:
        if not 0 < least_s <= most_s:
            raise ValueError(f"a moment lasts 0 < least_s <= most_s seconds, got {least_s} and {most_s}")
        self._offset_s = dict(clock_offset_s)
        self._patience_s, self._most_s, self._least_s = patience_s, most_s, least_s
        self.reset()

    def reset(self) -> None:
        """Forget all looks."""
        self._waiting: dict[str, deque[tuple[float, T]]] = {name: deque() for name in self._offset_s}
        self._newest = dict.fromkeys(self._offset_s, -math.inf)
        self.newest_s = self._over_s = -math.inf
        self.late = dict.fromkeys(self._offset_s, 0)

    def add(self, camera: str, captured_at: float, look: T) -> list[Gathered[T]]:
        """Take a look of ``camera`` at ``captured_at`` of its own clock; returns the moments that are due by it.

        Looks of one camera come in order of time; one that does not is dropped and counted. Raises ``KeyError`` for a
        camera that was not named.
        """
        time_s = captured_at - self._offset_s[camera]
        if time_s < self._over_s or time_s <= self._newest[camera]:
            self.late[camera] += 1
            return []
        self._newest[camera] = time_s
        self._waiting[camera].append((time_s, look))
        self.newest_s = max(self.newest_s, time_s)
        return self._due(self.newest_s)

    def due(self, now_s: float) -> list[Gathered[T]]:
        """The moments that are due at ``now_s`` of the shop's clock, where no look has told how late it is."""
        return self._due(max(now_s, self.newest_s))

    def end(self, camera: str) -> list[Gathered[T]]:
        """Nothing more comes from this camera, and it is not waited for; returns the moments that are due by that."""
        self._newest[camera] = math.inf
        return self._due(self.newest_s)

    def finish(self) -> list[Gathered[T]]:
        """All moments that are left, when footage ends."""
        return self._due(math.inf, all_of_them=True)

    def _due(self, now_s: float, *, all_of_them: bool = False) -> list[Gathered[T]]:
        found: list[Gathered[T]] = []
        while any(self._waiting.values()):
            looks, ends_s = self._next()
            told = min(self._newest.values()) >= ends_s
            full = max(map(len, self._waiting.values())) > _MOST_WAITING
            if not (all_of_them or told or full or now_s >= ends_s + self._patience_s):
                break
            for name, (time_s, _) in looks.items():
                waiting = self._waiting[name]
                while waiting and waiting[0][0] <= time_s:
                    waiting.popleft()
            self._over_s = ends_s
            times = {name: time_s for name, (time_s, _) in looks.items()}
            mean = sum(times.values()) / len(times)
            found.append(Gathered(mean, {name: look for name, (_, look) in looks.items()}, times))
        return found

    def _next(self) -> tuple[dict[str, tuple[float, T]], float]:
        """The looks of the next moment by all that waits, and the time at which it ends."""
        begins_s = min(waiting[0][0] for waiting in self._waiting.values() if waiting)
        ends_s = begins_s + self._most_s
        for waiting in self._waiting.values():
            # A camera's first look of this moment, and the first one that is enough later to be of the next.
            for n, (time_s, _) in enumerate(waiting):
                if time_s >= ends_s:
                    break
                if n and time_s >= begins_s + self._least_s:
                    ends_s = time_s
                    break
        looks: dict[str, tuple[float, T]] = {}
        for name, waiting in self._waiting.items():
            for time_s, look in waiting:
                if time_s >= ends_s:
                    break
                looks[name] = time_s, look
        return looks, ends_s
