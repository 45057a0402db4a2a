"""Tracks with a little hindsight: gaps filled, beginnings added, the jitter of boxes smoothed away.

Facts are written about a second late anyhow, so that they may as well be written when more is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.detections import Tracks
from vision.tracking import Confirmation

SMOOTH_S: Final = 0.3
_REACH_S: Final = 2.5 * SMOOTH_S
_SETTLE_S: Final = 0.5
_ROWS, _COLUMNS = 32, 64


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The people in one frame: its ``index`` in the source, its time in seconds, and the confirmed tracks."""

    index: int
    time_s: float
    tracks: Tracks


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    index: int
    time_s: float


class Lookback:
    """Follows a tracker ``lag_s`` seconds behind and gives what could not be known at the time.

    That is the boxes from before a track was confirmed; for gaps of up to ``lag_s``, boxes on the straight line between
    the last before and the first after; and for every box the value of a line that is fitted to the track around it
    (weights fall off with a standard deviation of ``SMOOTH_S``; local linear regression, Fan 1992).
    """

    def __init__(self, lag_s: float = 1.5) -> None:
        self.lag_s = lag_s
        self._clear()

    def update(self, now: Tracks, confirmed: Sequence[Confirmation], time_s: float, index: int) -> list[Moment]:
        """Take in what the tracker gave for the next frame and whom it confirmed; returns the frames now settled.

        Call it once for every update of the tracker. Settled frames come oldest first, about half a second at once.
        """
        self._number += 1
        number = self._number
        self._frames.append(_Frame(number, index, time_s))
        self._open += 1
        if len(self._frames) > self._boxes.shape[1]:
            self._widen()
        column = number % self._boxes.shape[1]
        self._boxes[:, column] = np.nan
        self._times[column] = time_s
        for each in confirmed:
            (row,) = self._rows_of(np.array([each.track_id])).tolist()
            for frame, box, confidence in zip(each.frame.tolist(), each.xyxy, each.confidence.tolist(), strict=True):
                self._put(row, frame, box, confidence)
        if len(now):
            rows = self._rows_of(now.track_id)
            last = self._last.take(rows)
            for place in ((last > 0) & (last < number - 1)).nonzero()[0].tolist():
                self._fill(int(rows[place]), number, now.xyxy[place], float(now.confidence[place]))
            self._boxes[rows, column] = now.xyxy
            self._confidence[rows, column] = now.confidence
            self._last[rows] = number
        due = time_s - self.lag_s
        if self._frames[-self._open].time_s > due - _SETTLE_S:
            return []
        return self._settle(sum(frame.time_s <= due for frame in islice(self._frames, self._first_open(), None)))

    def finish(self) -> list[Moment]:
        """The frames that are still open, when the footage ends."""
        settled = self._settle(self._open) if self._open else []
        self._clear()
        return settled

    def _clear(self) -> None:
        self._number = 0
        # The frames that may still be asked for, oldest first; the last ``_open`` of them are not settled.
        self._frames: deque[_Frame] = deque()
        self._open = 0
        # A row a track, a column a frame: update ``number`` lies in column ``number`` modulo their count.
        self._ids, self._rows = np.zeros(0, np.int64), np.zeros(0, np.intp)  # sorted by id
        self._free = list(range(_ROWS))
        self._last = np.zeros(_ROWS, np.int64)
        self._boxes = np.full((_ROWS, _COLUMNS, 4), np.nan, np.float32)
        self._confidence = np.zeros((_ROWS, _COLUMNS), np.float32)
        self._times = np.zeros(_COLUMNS)

    def _rows_of(self, track_id: NDArray[np.int64]) -> NDArray[np.intp]:
        """The row of each track (k,); those that have none get one."""
        place = self._ids.searchsorted(track_id)
        if len(self._ids):
            known = self._ids.take(place, mode="clip") == track_id
            if np.count_nonzero(known) == len(track_id):
                return self._rows.take(place)
            track_id_new = track_id[~known]
        else:
            track_id_new = track_id
        while len(self._free) < len(track_id_new):
            self._heighten()
        rows = np.array([self._free.pop() for _ in track_id_new], np.intp)
        self._boxes[rows] = np.nan
        self._last[rows] = 0
        order = np.argsort(np.concatenate([self._ids, track_id_new]))
        self._rows = np.concatenate([self._rows, rows])[order]
        self._ids = np.concatenate([self._ids, track_id_new])[order]
        return self._rows.take(self._ids.searchsorted(track_id))

    def _put(self, row: int, number: int, box: NDArray[np.float32], confidence: float) -> None:
        """Note a box in an earlier update, and fill the gap before it."""
        if 0 < self._last[row] < number - 1:
            self._fill(row, number, box, confidence)
        if number >= self._frames[-self._open].number:
            column = number % self._boxes.shape[1]
            self._boxes[row, column] = box
            self._confidence[row, column] = confidence
        self._last[row] = number

    def _fill(self, row: int, number: int, box: NDArray[np.float32], confidence: float) -> None:
        """Draw the straight line from the row's last box to ``box`` in update ``number``, where no frame is settled."""
        before, columns = int(self._last[row]), self._boxes.shape[1]
        oldest = self._frames[-self._open].number
        if before < oldest - 1 or before < self._frames[0].number:
            return
        start = self._boxes[row, before % columns]
        for missing in range(max(before + 1, oldest), number):
            share = np.float32((missing - before) / (number - before))
            self._boxes[row, missing % columns] = start + (box - start) * share
            self._confidence[row, missing % columns] = confidence

    def _first_open(self) -> int:
        return len(self._frames) - self._open

    def _settle(self, count: int) -> list[Moment]:
        """Close the ``count`` oldest open frames, smoothed, and let go of what no frame needs any more."""
        closing = list(islice(self._frames, self._first_open(), self._first_open() + count))
        columns = self._boxes.shape[1]
        here = np.array([frame.number for frame in closing]) % columns
        reach = (closing[0].time_s - _REACH_S, closing[-1].time_s + _REACH_S)
        near = np.array([f.number for f in self._frames if reach[0] <= f.time_s <= reach[1]]) % columns
        ids, rows = self._ids, self._rows
        fitted = _fitted(self._boxes[rows[:, None], near], self._times[near], self._times[here])
        there = ~np.isnan(self._boxes[rows[:, None], here, 0])
        confidence = self._confidence[rows[:, None], here]
        moments = []
        for k, frame in enumerate(closing):
            kept = there[:, k].nonzero()[0]
            tracks = Tracks(ids.take(kept), fitted[:, k].take(kept, 0), confidence[:, k].take(kept))
            moments.append(Moment(frame.index, frame.time_s, tracks))
        self._open -= count
        self._let_go(closing[-1].time_s)
        return moments

    def _let_go(self, settled_s: float) -> None:
        while len(self._frames) > self._open and self._frames[0].time_s < settled_s - _REACH_S:
            self._frames.popleft()
        oldest = self._frames[0].number if self._frames else self._number + 1
        stays = self._last.take(self._rows) >= oldest
        if np.count_nonzero(stays) < len(stays):
            self._free += self._rows[~stays].tolist()
            self._ids, self._rows = self._ids[stays], self._rows[stays]

    def _heighten(self) -> None:
        rows = len(self._last)
        self._free += range(rows, 2 * rows)
        self._last = np.concatenate([self._last, np.zeros_like(self._last)])
        self._boxes = np.concatenate([self._boxes, np.full_like(self._boxes, np.nan)])
        self._confidence = np.concatenate([self._confidence, np.zeros_like(self._confidence)])

    def _widen(self) -> None:
        """Twice the columns; every frame but the newest moves to its new place."""
        old = self._boxes.shape[1]
        kept = np.array([frame.number for frame in islice(self._frames, len(self._frames) - 1)], np.intp)
        boxes, confidence, times = self._boxes, self._confidence, self._times
        self._boxes = np.full((len(boxes), 2 * old, 4), np.nan, np.float32)
        self._confidence = np.zeros((len(boxes), 2 * old), np.float32)
        self._times = np.zeros(2 * old)
        self._boxes[:, kept % (2 * old)] = boxes[:, kept % old]
        self._confidence[:, kept % (2 * old)] = confidence[:, kept % old]
        self._times[kept % (2 * old)] = times[kept % old]


def _fitted(boxes: NDArray[np.float32], times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each track's line at each of the ``wanted`` (w,) times: (n, w, 4), arbitrary where a track has no box near it.

    ``boxes`` (n, k, 4) at ``times`` (k,) seconds are NaN where there is none.
    """
    there = ~np.isnan(boxes[:, :, :1])
    values = np.concatenate([np.where(there, boxes, np.float32(0)), there], axis=2, dtype=np.float64)
    dt = times - wanted[:, None]
    weight = np.exp(np.square(dt / SMOOTH_S) / -2) * (np.abs(dt) <= _REACH_S)
    leaning = weight * dt
    # Products of many small matrices: too small for a BLAS to wake its threads, which would cost more than they save.
    mean, slope = weight @ values, leaning @ values
    s0, s1, s2 = mean[..., 4:], slope[..., 4:], (leaning * dt) @ values[..., 4:]
    spread = s0 * s2 - s1 * s1
    # One box alone, or all at one time, has no slope.
    line = spread > 1e-9 * s0 * s0
    fitted = (s2 * mean[..., :4] - s1 * slope[..., :4]) / np.where(line, spread, 1.0)
    return np.where(line, fitted, mean[..., :4] / np.maximum(s0, 1e-12)).astype(np.float32)
