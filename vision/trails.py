"""Where people walked in the last seconds, for drawing only: it is never stored."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vision.detections import Float, Tracks, foot_points


class Trails:
    """Foot points of the last ``seconds`` of footage by track id."""

    def __init__(self, seconds: float = 3.0) -> None:
        self.seconds = seconds
        self._points: dict[int, deque[tuple[float, float, float]]] = {}
        self._now = -np.inf

    def update(self, tracks: Tracks, time_s: float) -> None:
        """Add where everybody stands at ``time_s`` seconds, and forget what is too old."""
        if time_s < self._now:
            self.reset()
        self._now = time_s
        for track_id, point in zip(tracks.track_id.tolist(), foot_points(tracks.xyxy), strict=True):
            self._points.setdefault(track_id, deque()).append((time_s, float(point[0]), float(point[1])))
        for track_id, points in list(self._points.items()):
            while points and points[0][0] < time_s - self.seconds:
                points.popleft()
            if not points:
                del self._points[track_id]

    def paths(self) -> dict[int, tuple[Float, NDArray[np.float32]]]:
        """By track id: foot points (n, 2) in pixels from old to new, and how fresh each is, (n,), 0 to 1 for now."""
        found = {}
        for track_id, points in self._points.items():
            rows = np.array(points, np.float64)
            fresh = 1 - (self._now - rows[:, 0]) / self.seconds
            found[track_id] = rows[:, 1:].astype(np.float32), fresh.astype(np.float32)
        return found

    def reset(self) -> None:
        """Forget everybody."""
        self._points = {}
        self._now = -np.inf
