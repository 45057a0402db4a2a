"""Follows the people in a fixed camera's picture: detections in, confirmed tracks out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.association import Index, Pairs, assign, largest_cover, overlapping
from vision.detections import Detections, Tracks
from vision.motion import Array, to_cxcywh, to_xyxy
from vision.relinking import relink
from vision.similarity import appearance_difference, first_look
from vision.track_table import CONFIDENCE, EVIDENCE, HITS, MISSED, SEEN_S, TrackTable
from vision.tracker_settings import TrackerSettings

_SOLID = 0.3  # from this confidence on a detection hides what is behind it


@dataclass(frozen=True, slots=True, eq=False)
class Confirmation:
    """Where a track was before it was confirmed: ``frame`` (k,) numbers of updates from 1, ``xyxy`` (k, 4) pixels."""

    track_id: int
    frame: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The frame's detections in double precision: ``embedding`` (m, 0) where they have none."""

    box: Array
    confidence: Array
    embedding: Array

    @classmethod
    def of(cls, detections: Detections) -> _Seen:
        looks = np.zeros((len(detections), 0)) if detections.embedding is None else detections.embedding
        return cls(
            detections.xyxy.astype(np.float64), detections.confidence.astype(np.float64), looks.astype(np.float64)
        )


class PersonTracker:
    """A tracker for one fixed camera; every array operation serves all tracks at once.

    ``update`` takes one frame's detections and gives the confirmed people that it sees in this frame. People who are
    not confirmed yet are never given out; when one is, ``confirmed`` tells where they were in the updates before.
    Identities count from 1 in each instance and are never used again.

    Tracks that do not match anything wait, first where their motion leads, later to be re-linked when a new track
    looks like their continuation. Without embeddings, motion and overlap decide alone.
    """

    def __init__(self, frame_rate: float = 30.0, settings: TrackerSettings | None = None) -> None:
        if not frame_rate > 0:
            raise ValueError(f"frame_rate must be above 0, got {frame_rate}")
        self.frame_rate = frame_rate
        self.settings = settings or TrackerSettings()
        self.reset()

    def reset(self) -> None:
        """Forget everyone, for other footage."""
        self._table = TrackTable(self.settings.noise)
        self._next_id = 1
        self._time_s: float | None = None
        self.frame = 0
        self.confirmed: list[Confirmation] = []

    def update(self, detections: Detections, time_s: float | None = None) -> Tracks:
        """Take in the next frame, at ``time_s`` seconds (one frame interval after the last where None).

        Raises ``ValueError`` when the time does not advance.
        """
        s = self.settings
        dt = 1 / self.frame_rate
        if self._time_s is not None:
            dt = dt if time_s is None else time_s - self._time_s
            if dt <= 0:
                raise ValueError(f"time must advance between updates: {self._time_s} s, then {time_s} s")
        now = (self._time_s or 0.0) + dt if time_s is None else time_s
        self._time_s = now
        self.frame += 1

        heard = detections.confidence >= s.weak
        if np.count_nonzero(heard) < len(heard):
            detections = detections[heard]
        seen = _Seen.of(detections)
        self._table.predict(now, dt, s.lost_damping_s)
        rows, columns = self._match(seen, dt)
        self._correct(rows, columns, seen, now)
        self._forget()
        self._start(columns, seen, now)
        self._confirm()
        t = self._table
        here = ((t.track_id > 0) & (t.missed == 0)).nonzero()[0]
        boxes = to_xyxy(t.motion.value.take(here, 0)).astype(np.float32)
        return Tracks(t.track_id.take(here), boxes, t.tally[:, CONFIDENCE].take(here).astype(np.float32))

    def _match(self, seen: _Seen, dt: float) -> tuple[Index, Index]:
        """Which track (rows) each detection (columns) belongs to, in three looks."""
        s, t = self.settings, self._table
        if not len(t) or not len(seen.confidence):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        predicted = to_xyxy(t.motion.value)
        strong = seen.confidence >= s.strong
        confirmed = t.track_id > 0
        rows, columns = (confirmed & (t.since_s <= s.keep_lost_s + dt)).nonzero()[0], strong.nonzero()[0]
        box, certain, looks = seen.box.take(columns, 0), seen.confidence.take(columns), seen.embedding.take(columns, 0)
        pairs, similarity = first_look(t, rows, predicted.take(rows, 0), box, certain, looks, s.first_look)
        first = _chosen(rows, columns, pairs, similarity)
        weak, tentative = len(columns) < len(strong), np.count_nonzero(confirmed) < len(confirmed)
        if not weak and not tentative:
            return first

        found = [first]
        used_track, used_box = np.zeros(len(t), bool), np.zeros(len(strong), bool)
        used_track[first[0]] = True
        used_box[first[1]] = True
        if weak:
            rows, columns = (~used_track & confirmed & (t.missed == 0)).nonzero()[0], (~strong).nonzero()[0]
            pairs = overlapping(predicted.take(rows, 0), seen.box.take(columns, 0))
            pairs = pairs.only(pairs.iou > s.weak_gate)
            differs = appearance_difference(t, rows.take(pairs.row), seen.embedding, columns.take(pairs.column))
            if differs is not None:
                pairs = pairs.only(differs < s.first_look.appearance_gate)
            found.append(_chosen(rows, columns, pairs, pairs.iou))
        if tentative:
            rows, columns = (~confirmed).nonzero()[0], (strong & ~used_box).nonzero()[0]
            pairs = overlapping(predicted.take(rows, 0), seen.box.take(columns, 0), s.first_look.widen)
            pairs = pairs.only(pairs.iou > s.tentative_gate)
            found.append(_chosen(rows, columns, pairs, pairs.iou))
        return np.concatenate([r for r, _ in found]), np.concatenate([c for _, c in found])

    def _correct(self, rows: Index, columns: Index, seen: _Seen, now: float) -> None:
        t = self._table
        t.tally[:, MISSED] += 1
        if not len(rows):
            return
        measured, certain = to_cxcywh(seen.box.take(columns, 0)), seen.confidence.take(columns)
        t.motion.correct(rows, measured, self._noise_scale(certain))
        tally = t.tally.take(rows, 0)
        tally[:, MISSED] = 0
        tally[:, HITS] += 1
        tally[:, EVIDENCE] += certain
        tally[:, CONFIDENCE] = certain
        tally[:, SEEN_S] = now
        t.tally[rows] = tally
        t.last_box[rows] = measured
        if seen.embedding.shape[1] and t.embedding.shape[1] == seen.embedding.shape[1]:
            self._remember_looks(rows, columns, seen)
        tentative = (t.track_id.take(rows) == 0).nonzero()[0]
        for row, column in zip(rows[tentative].tolist(), columns[tentative].tolist(), strict=True):
            t.history[row].append((self.frame, seen.box[column], float(seen.confidence[column])))

    def _noise_scale(self, confidence: Array) -> Array:
        """1 for sure detections to ``weak_noise`` for weak ones; half-way at ``strong``."""
        s = self.settings
        slope = (s.weak_noise - 1) / max(s.strong - s.weak, 1e-6)
        top = 1 + (s.weak_noise - 1) / 2 + slope * s.strong
        return np.minimum(np.maximum(top - slope * confidence, 1), s.weak_noise)

    def _remember_looks(self, rows: Index, columns: Index, seen: _Seen) -> None:
        s, t = self.settings, self._table
        covered = largest_cover(
            seen.box[columns], np.where(seen.confidence[:, None] >= _SOLID, seen.box, -1.0), columns
        )
        clean = covered < s.clean_cover
        rate = np.where(clean & (seen.confidence[columns] >= s.strong), s.appearance_rate, 0.01)
        rate = np.where(clean, np.maximum(rate, 1 / t.tally[rows, HITS]), rate)[:, None]
        mixed = (1 - rate) * t.embedding[rows] + rate * seen.embedding[columns]
        t.embedding[rows] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)

    def _start(self, matched: Index, seen: _Seen, now: float) -> None:
        s = self.settings
        if len(matched) == len(seen.confidence):
            return
        free = seen.confidence >= s.birth
        free[matched] = False
        new = np.flatnonzero(free)
        if len(new) and len(matched):
            box, others = seen.box[new], seen.box[matched]
            pairs = overlapping(box, others)
            double = largest_cover(box, others) >= s.duplicate_cover
            double[pairs.row[pairs.iou >= s.duplicate_iou]] = True
            new = new[~double]
        if len(new) > 1:
            new = new[np.argsort(-seen.confidence[new], kind="stable")]
            pairs = overlapping(seen.box[new], seen.box[new])
            weaker = np.zeros(len(new), bool)
            weaker[pairs.row[(pairs.iou >= s.duplicate_iou) & (pairs.column < pairs.row)]] = True
            new = np.sort(new[~weaker])
        if len(new):
            self._table.append(self.frame, now, seen.box[new], seen.confidence[new], seen.embedding[new])

    def _confirm(self) -> None:
        s, t = self.settings, self._table
        self.confirmed = []
        ready = (t.track_id == 0).nonzero()[0]
        if len(ready):
            ready = ready[(t.tally[ready, HITS] >= s.confirm_hits) & (t.tally[ready, EVIDENCE] >= s.confirm_evidence)]
        if not len(ready):
            return
        continued = relink(t, ready, np.flatnonzero((t.track_id > 0) & (t.missed > 0)), s.relink)
        for row in ready.tolist():
            if row in continued:
                t.track_id[row] = t.track_id[continued[row]]
            else:
                t.track_id[row] = self._next_id
                self._next_id += 1
            frames, boxes, confidences = (
                zip(*t.history[row][:-1], strict=True) if len(t.history[row]) > 1 else ((),) * 3
            )
            self.confirmed.append(
                Confirmation(
                    int(t.track_id[row]),
                    np.array(frames, np.int64),
                    np.array(boxes, np.float32).reshape(-1, 4),
                    np.array(confidences, np.float32),
                )
            )
            t.history[row] = []
        replaced = np.ones(len(t), bool)
        replaced[list(continued.values())] = False
        t.keep(replaced)

    def _forget(self) -> None:
        """Drop the unconfirmed at the first miss, and the confirmed when nobody waits for them any more."""
        s, t = self.settings, self._table
        gone = t.missed > 0
        gone &= (t.track_id == 0) | (t.since_s > max(s.keep_lost_s, s.relink.longest_s))
        if np.count_nonzero(gone):
            t.keep(~gone)


def _chosen(rows: Index, columns: Index, pairs: Pairs, similarity: Array) -> tuple[Index, Index]:
    """The best assignment among pairs of places in ``rows`` and ``columns``, as tracks and detections."""
    i, j = assign(pairs.row, pairs.column, similarity)
    return rows.take(i), columns.take(j)
