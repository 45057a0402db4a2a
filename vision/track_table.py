"""The state of every track as parallel arrays, so that one numpy call serves them all."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.motion import Array, MotionNoise, MotionState, to_cxcywh

_COLUMNS: Final = ("track_id", "tally", "born_s", "since_s", "last_box", "first_box", "embedding")
HITS, MISSED, EVIDENCE, CONFIDENCE, SEEN_S = range(5)


class TrackTable:
    """One row a track; n rows.

    ``track_id`` int64 (n,), 0 while not confirmed. ``tally`` (n, 5) holds what changes with every sight, side by side
    so that it is read and written at once: ``HITS`` frames seen, ``MISSED`` updates since last seen, ``EVIDENCE`` the
    sum of confidences, ``CONFIDENCE`` the last, ``SEEN_S`` when. ``since_s`` the seconds since then, as ``predict``
    left them; ``born_s`` the time of the first sight. ``last_box`` and ``first_box`` (n, 4) detections as centre x,
    centre y, width, height; ``embedding`` (n, d), d = 0 without appearance; ``motion`` the filter. ``history`` holds,
    for unconfirmed tracks, (frame number, box as corners, confidence) of every frame so far.
    """

    def __init__(self, noise: MotionNoise) -> None:
        self.motion = MotionState(noise)
        self.track_id = np.zeros(0, np.int64)
        self.tally = np.zeros((0, 5))
        self.born_s = np.zeros(0)
        self.since_s = np.zeros(0)
        self.last_box = np.zeros((0, 4))
        self.first_box = np.zeros((0, 4))
        self.embedding: Array = np.zeros((0, 0))
        self.history: list[list[tuple[int, Array, float]]] = []

    @property
    def missed(self) -> Array:
        """(n,) updates since last seen."""
        column: Array = self.tally[:, MISSED]
        return column

    @property
    def seen_s(self) -> Array:
        """(n,) when last seen, seconds."""
        column: Array = self.tally[:, SEEN_S]
        return column

    def __len__(self) -> int:
        return len(self.track_id)

    def predict(self, now: float, dt: float, lost_damping_s: float) -> None:
        """Move every track ahead by ``dt`` seconds to ``now``; those not seen slow down."""
        self.since_s = now - self.seen_s
        lost = self.missed > 0
        if np.count_nonzero(lost):
            self.motion.velocity[lost] *= math.exp(-dt / lost_damping_s)
        self.motion.predict(dt)

    def append(self, frame: int, time_s: float, xyxy: Array, confidence: Array, embedding: Array) -> None:
        """Start a track at each box (k, 4)."""
        k = len(confidence)
        box = to_cxcywh(xyxy)
        if self.embedding.shape[1] != embedding.shape[1]:
            self.embedding = np.zeros((len(self), embedding.shape[1]))
        self.motion.start(box)
        tally = np.column_stack([np.ones(k), np.zeros(k), confidence, confidence, np.full(k, time_s)])
        new = {
            "track_id": np.zeros(k, np.int64), "tally": tally, "born_s": np.full(k, time_s), "since_s": np.zeros(k),
            "last_box": box, "first_box": box, "embedding": embedding,
        }  # fmt: skip
        for name in _COLUMNS:
            setattr(self, name, np.concatenate([getattr(self, name), new[name]]))
        self.history += [[(frame, corners, float(c))] for corners, c in zip(xyxy, confidence, strict=True)]

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the tracks outside ``mask`` (n,)."""
        if mask.all():
            return
        self.motion.keep(mask)
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[mask])
        self.history = [history for history, kept in zip(self.history, mask, strict=True) if kept]
