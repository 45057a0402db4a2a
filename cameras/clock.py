"""When a frame was captured, from the stream's own timestamps."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

_DISORDER_S = 0.5
_TICK_S = 0.001


def in_seconds(ticks: int, time_base: Fraction) -> float:
    """``ticks`` of a stream's clock in seconds: as a product of fractions, which takes ten times as long."""
    return ticks * time_base.numerator / time_base.denominator


class FootageClock:
    """Times of the frames of recorded footage: ``start`` + timestamp - the first timestamp, always increasing.

    With ``by_index`` the timestamps are ignored: ``start`` + index / ``frame_rate``. A frame without a timestamp comes
    one frame interval after the one before. Timestamps that step back by half a second or more are a splice: the
    footage goes on one interval later; smaller disorder moves the single frame a millisecond after its neighbour.
    """

    def __init__(self, start: float, frame_rate: float, *, by_index: bool = False) -> None:
        self._origin = start
        self._frame_rate = frame_rate
        self._by_index = by_index
        self._start = start
        self._first_pts_s: float | None = None
        self._last: float | None = None

    def captured_at(self, index: int, pts_s: float | None) -> float:
        """Seconds since 1970 of the frame ``index``, whose stream timestamp is ``pts_s`` seconds."""
        if self._by_index:
            return self._start + index / self._frame_rate
        following = self._origin if self._last is None else self._last + 1.0 / self._frame_rate
        if pts_s is None:
            self._last = following
            return following
        if self._first_pts_s is None:
            self._first_pts_s = pts_s - (following - self._origin)
        moment = self._origin + (pts_s - self._first_pts_s)
        if self._last is not None and moment <= self._last:
            if self._last - moment >= _DISORDER_S:
                self._origin += following - moment
                moment = following
            else:
                moment = self._last + _TICK_S
        self._last = moment
        return moment

    def rewind(self, duration_s: float | None = None) -> None:
        """The footage begins anew; its last frame lasted ``duration_s`` seconds, by default one frame interval."""
        if self._last is not None:
            self._origin = self._last + (duration_s or 1.0 / self._frame_rate)
        self._last = None
        self._first_pts_s = None


class LiveClock:
    """Times of the frames of a live stream, on this machine's clock in UTC.

    A live timestamp says how far apart two frames are, not when they were. The frame that came through fastest
    ties the two clocks together: captured = timestamp + min(arrival - timestamp) over the last half to whole
    minute. So jitter of arrival does not show, slow drift of the camera's clock is followed, and no time lies after
    the frame's arrival. Times always increase, over reconnections too.

    What piled up while the stream was opened arrives at once, and says nothing about how old it is: until frames come
    at their own pace ``settled`` is False. Timestamps that step back tie the clocks anew.
    """

    _BUCKET_S = 30.0
    _JUMP_S = 1.0
    _PATIENCE_S = 2.0

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.monotonic = monotonic
        self._wall = wall
        self._base = wall() - monotonic()
        self._last = float("-inf")
        self.restart()

    def restart(self) -> None:
        """A new connection: its timestamps have nothing to do with those before."""
        self.settled = False
        self._connected: float | None = None
        self._tie_anew()

    def _tie_anew(self) -> None:
        self._best = self._best_before = float("inf")
        self._bucket_began = float("-inf")
        self._pts_s: float | None = None

    def now(self) -> float:
        """Seconds since 1970 in UTC, never stepping back; a clock that is set forward is followed."""
        moment = self.monotonic()
        if self._wall() - (moment + self._base) > self._JUMP_S:
            self._base = self._wall() - moment
        return moment + self._base

    def captured_at(self, pts_s: float | None, arrived: float) -> float:
        """When the frame was captured: ``pts_s`` is its timestamp, ``arrived`` when its packet came (``monotonic``)."""
        self.now()
        moment = arrived if pts_s is None else pts_s + self._offset(pts_s, arrived)
        if self._connected is None:
            self._connected = arrived
        self.settled = self.settled or arrived - self._connected > self._PATIENCE_S
        self._last = max(moment + self._base, self._last + 1e-6)
        return self._last

    def _offset(self, pts_s: float, arrived: float) -> float:
        if self._pts_s is not None:
            step = pts_s - self._pts_s
            if step < 0:
                self._tie_anew()
            elif arrived - pts_s >= self._best - 0.1 * step:
                self.settled = True
        if arrived - self._bucket_began > self._BUCKET_S:
            self._best_before, self._best, self._bucket_began = self._best, float("inf"), arrived
        self._best = min(self._best, arrived - pts_s)
        self._pts_s = pts_s
        return min(self._best, self._best_before)
