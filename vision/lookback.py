"""Tracks with a little hindsight: what a person did before being confirmed or while hidden is filled in.

Facts are written about a second late anyhow, so that they may as well be written when more is known.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vision.detections import Detections, Tracks
from vision.tracking import PersonTracker


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The people in one frame: its ``index`` in the source, its time in seconds, and the confirmed tracks."""

    index: int
    time_s: float
    tracks: Tracks


@dataclass(slots=True, eq=False)
class _Open:
    """A frame that may still gain boxes."""

    index: int
    time_s: float
    track_id: list[int] = field(default_factory=list)
    xyxy: list[NDArray[np.float32]] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def close(self) -> Moment:
        tracks = Tracks.empty()
        if self.track_id:
            tracks = Tracks(
                np.array(self.track_id, np.int64), np.stack(self.xyxy), np.array(self.confidence, np.float32)
            )
        return Moment(self.index, self.time_s, tracks)


class Lookback:
    """Runs a tracker ``lag_s`` seconds behind and fills in boxes that it could not give at the time.

    These are the boxes from before a track was confirmed, and, for gaps of up to ``lag_s``, boxes on the straight
    line between the last before and the first after. ``now`` holds what the tracker said of the newest frame.
    """

    def __init__(self, tracker: PersonTracker, lag_s: float = 1.5) -> None:
        self.tracker = tracker
        self.lag_s = lag_s
        self.now = Tracks.empty()
        self._open: deque[_Open] = deque()
        self._last: dict[int, tuple[int, NDArray[np.float32]]] = {}

    def update(self, detections: Detections, time_s: float, index: int) -> list[Moment]:
        """Take in the next frame; returns the frames, oldest first, that are now settled."""
        self.now = self.tracker.update(detections, time_s)
        number = self.tracker.frame
        self._open.append(_Open(index, time_s))
        for confirmation in self.tracker.confirmed:
            for frame, box, confidence in zip(
                confirmation.frame.tolist(), confirmation.xyxy, confirmation.confidence.tolist(), strict=True
            ):
                self._seen(confirmation.track_id, frame, number, box, confidence)
        for track_id, box, confidence in zip(
            self.now.track_id.tolist(), self.now.xyxy, self.now.confidence.tolist(), strict=True
        ):
            self._seen(track_id, number, number, box, confidence)
        settled = []
        while self._open and self._open[0].time_s <= time_s - self.lag_s:
            settled.append(self._open.popleft().close())
        self._last = {i: seen for i, seen in self._last.items() if number - seen[0] <= len(self._open)}
        return settled

    def finish(self) -> list[Moment]:
        """The frames that are still open, when the footage ends."""
        settled = [frame.close() for frame in self._open]
        self._open.clear()
        self._last.clear()
        return settled

    def _seen(self, track_id: int, frame: int, number: int, box: NDArray[np.float32], confidence: float) -> None:
        """Note a box in update ``frame``, and fill the gap since the track's last one; ``number`` is the newest."""
        oldest = number - len(self._open) + 1
        last = self._last.get(track_id)
        self._last[track_id] = (frame, box)
        if last is not None and last[0] >= oldest - 1:
            for missing in range(max(last[0] + 1, oldest), frame):
                share = np.float32((missing - last[0]) / (frame - last[0]))
                self._put(missing - oldest, track_id, last[1] + (box - last[1]) * share, confidence)
        if frame >= oldest:
            self._put(frame - oldest, track_id, box, confidence)

    def _put(self, position: int, track_id: int, box: NDArray[np.float32], confidence: float) -> None:
        frame = self._open[position]
        frame.track_id.append(track_id)
        frame.xyxy.append(box)
        frame.confidence.append(confidence)
