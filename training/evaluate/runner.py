"""Runs trackers side by side over the same detections and measures the CPU time of their updates alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

import numpy as np

from datasets.formats.mot import MotBoxes
from vision.detections import Detections, Tracks
from vision.lookback import Lookback, Moment
from vision.pipeline import LAG_S
from vision.tracking import Confirmation, PersonTracker

CHUNK = 25


Numbered = list[tuple[int, Tracks]]


class Follower(Protocol):
    """A tracker under test. Only ``update`` is timed: the others convert between its types and ours."""

    def prepare(self, detections: Detections, number: int) -> Any:
        """The detections of frame ``number`` in the tracker's own type."""
        ...

    def update(self, prepared: Any) -> Any:
        """One frame."""
        ...

    def tracks(self, answer: Any, number: int) -> Numbered:
        """The confirmed people in what ``update`` gave for frame ``number``, with the frames they are of."""
        ...

    def finish(self) -> Numbered:
        """What the tracker has held back until the footage ended."""
        ...


class OurFollower:
    """Our own tracker at ``frame_rate`` frames a second; its tracks pass through the look back that facts rest on."""

    def __init__(self, frame_rate: float) -> None:
        self._frame_rate = frame_rate
        self._tracker = PersonTracker(frame_rate)
        self._lookback = Lookback(LAG_S)

    def prepare(self, detections: Detections, number: int) -> Detections:
        """Nothing to convert."""
        return detections

    def update(self, prepared: Detections) -> tuple[Tracks, list[Confirmation]]:
        """One frame."""
        return self._tracker.update(prepared), self._tracker.confirmed

    def tracks(self, answer: tuple[Tracks, list[Confirmation]], number: int) -> Numbered:
        """The frames that settled."""
        return numbered(self._lookback.update(*answer, number / self._frame_rate, number))

    def finish(self) -> Numbered:
        """The frames of the last second and a half."""
        return numbered(self._lookback.finish())


def numbered(moments: Iterable[Moment], first: int = 0) -> Numbered:
    """Each moment's tracks with ``first`` plus its index."""
    return [(first + moment.index, moment.tracks) for moment in moments]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What one tracker gave: the boxes of its confirmed tracks, and its updates per second of CPU time."""

    results: MotBoxes
    updates_per_cpu_s: float


def frames_of(boxes: MotBoxes, first_frame: int, last_frame: int) -> list[Detections]:
    """The detections of each frame from ``first_frame`` to ``last_frame``; empty ones where there are none."""
    at = boxes.offsets(first_frame, last_frame)
    xyxy, confidence = boxes.xyxy.astype(np.float32), boxes.confidence.astype(np.float32)
    return [Detections(xyxy[a:b], confidence[a:b]) for a, b in pairwise(at)]


def to_boxes(frames: Iterable[tuple[int, Tracks]]) -> MotBoxes:
    """The tracks of each numbered frame as the boxes of a results file."""
    pairs = [(number, tracks) for number, tracks in frames if len(tracks)]
    if not pairs:
        return MotBoxes.from_rows(np.zeros((0, 7)))
    xyxy = np.concatenate([tracks.xyxy for _, tracks in pairs]).astype(np.float64)
    frame = np.concatenate([np.full(len(tracks), number, dtype=np.int64) for number, tracks in pairs])
    order = np.argsort(frame, kind="stable")
    return MotBoxes(
        frame[order],
        np.concatenate([tracks.track_id for _, tracks in pairs])[order],
        xyxy[order],
        np.concatenate([tracks.confidence for _, tracks in pairs]).astype(np.float64)[order],
    )


def follow(follower: Follower, frames: Sequence[Detections], first_frame: int = 1) -> Iterator[tuple[int, Tracks]]:
    """The tracks of every frame, one after the other."""
    for number, detections in enumerate(frames, first_frame):
        yield from follower.tracks(follower.update(follower.prepare(detections, number)), number)
    yield from follower.finish()


def run_side_by_side(
    followers: Mapping[str, Callable[[], Follower]],
    frames: Sequence[Detections],
    first_frame: int = 1,
    repeats: int = 3,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Run]:
    """Run every tracker over ``frames``, taking turns every 25 frames so that all meet the same state of the machine.

    ``updates_per_cpu_s`` is the median over ``repeats`` of frames divided by the process's CPU time in ``update``.
    The results are those of the first repeat. ``progress`` is called once a chunk of one tracker.
    """
    rates: dict[str, list[float]] = {name: [] for name in followers}
    results: dict[str, MotBoxes] = {}
    for repeat in range(repeats):
        running = {name: make() for name, make in followers.items()}
        spent = dict.fromkeys(running, 0.0)
        found: dict[str, list[tuple[int, Tracks]]] = {name: [] for name in running}
        for start in range(0, len(frames), CHUNK):
            chunk = frames[start : start + CHUNK]
            for name, follower in running.items():
                numbers = range(first_frame + start, first_frame + start + len(chunk))
                prepared = [follower.prepare(detections, n) for detections, n in zip(chunk, numbers, strict=True)]
                began = time.process_time()
                answers = [follower.update(item) for item in prepared]
                spent[name] += time.process_time() - began
                if repeat == 0:
                    for answer, number in zip(answers, numbers, strict=True):
                        found[name] += follower.tracks(answer, number)
                progress()
        for name, follower in running.items():
            found[name] += follower.finish()
        for name, seconds in spent.items():
            rates[name].append(len(frames) / max(seconds, 1e-9))
        if repeat == 0:
            results = {name: to_boxes(pairs) for name, pairs in found.items()}
    return {name: Run(results[name], median(rates[name])) for name in followers}
