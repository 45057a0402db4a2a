"""`aisle evaluate watch`: a video through the detector and the tracker that watch cameras, against truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cameras.frame import Frame, FrameSource
from store.plan import Line
from training.evaluate.report import Report
from training.evaluate.runner import to_boxes
from training.evaluate.sequence import SequenceInfo
from training.evaluate.tracking import Reference, read_reference
from vision.detections import Detections, Tracks

Watcher = Callable[[Frame], Tracks]


@dataclass(frozen=True, slots=True)
class WatchQuestion:
    """What to compare a video with, see ``aisle evaluate watch --help``."""

    truth: Path
    second_half: bool = False
    line: Line | None = None
    counts: Path | None = None


def evaluate_watch(
    source: FrameSource,
    question: WatchQuestion,
    open_watcher: Callable[[float], Watcher],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Watch ``source`` and score the tracks; frame ``index`` i is frame i + 1 of the truth.

    ``open_watcher`` makes, from the frame rate, what turns frames into tracks; it begins with the first quoted frame.
    ``updates_per_cpu_s`` is frames per second of CPU time in it, detector included. ``progress`` is told frames watched
    and frames in all. Raises ``MotFileError``, ``CountsFileError`` and the source's errors.
    """
    info = SequenceInfo(source.frame_rate, source.frame_count, source.size[1])
    reference = read_reference(
        question.truth, info=info, second_half=question.second_half, line=question.line, counts=question.counts
    )
    watched, cpu_s = _watch(source, reference, open_watcher(source.frame_rate), progress)
    rate = len(watched) / max(cpu_s, 1e-9)
    return Report(reference.score(to_boxes(watched), rate), reference.first_frame, reference.last_frame)


def _watch(
    frames: Iterable[Frame], reference: Reference, watcher: Watcher, progress: Callable[[int, int], None]
) -> tuple[list[tuple[int, Tracks]], float]:
    watched: list[tuple[int, Tracks]] = []
    cpu_s = 0.0
    for frame in frames:
        number = frame.index + 1
        progress(number, reference.last_frame)
        if number < reference.first_frame:
            continue
        began = time.process_time()
        tracks = watcher(frame)
        cpu_s += time.process_time() - began
        watched.append((number, tracks))
    return watched, cpu_s


def open_watcher(frame_rate: float) -> Watcher:
    """The default detector and our tracker."""
    from models.people import open_person_detector
    from vision.tracking import PersonTracker

    detector, tracker = open_person_detector(), PersonTracker(frame_rate=frame_rate)

    def watch(frame: Frame) -> Tracks:
        boxes = detector.detect([frame.image])[0]
        return tracker.update(Detections(boxes.xyxy, boxes.confidence))

    return watch
