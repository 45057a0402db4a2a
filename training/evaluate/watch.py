"""`aisle evaluate watch`: a video through the detector and the tracker that watch cameras, against truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cameras.frame import Frame, FrameSource
from store.plan import Line
from training.evaluate.report import Report
from training.evaluate.runner import Numbered, numbered, to_boxes
from training.evaluate.sequence import SequenceInfo
from training.evaluate.tracking import Reference, read_reference
from vision.lookback import Moment


class Watcher(Protocol):
    """What turns frames into settled tracks: ``vision.pipeline.PersonWatcher``."""

    def update(self, frame: Frame) -> Sequence[Moment]:
        """The next frame; returns the settled ones."""
        ...

    def finish(self) -> Sequence[Moment]:
        """The frames that are not settled yet."""
        ...


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
    open_watcher: Callable[[tuple[int, int], float], Watcher],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Watch ``source`` and score the tracks; frame ``index`` i is frame i + 1 of the truth.

    ``open_watcher`` makes, from the pictures' size and the frame rate, what turns frames into tracks; it begins with
    the first quoted frame. ``updates_per_cpu_s`` is frames per second of CPU time in it, detector included.
    ``progress`` is told frames watched and frames in all. Raises ``MotFileError``, ``CountsFileError`` and the
    source's errors.
    """
    info = SequenceInfo(source.frame_rate, source.frame_count, source.size[1])
    reference = read_reference(
        question.truth, info=info, second_half=question.second_half, line=question.line, counts=question.counts
    )
    watcher = open_watcher(source.size, source.frame_rate)
    watched, count, cpu_s = _watch(source, reference, watcher, progress)
    rate = count / max(cpu_s, 1e-9)
    return Report(reference.score(to_boxes(watched), rate), reference.first_frame, reference.last_frame)


def _watch(
    frames: Iterable[Frame], reference: Reference, watcher: Watcher, progress: Callable[[int, int], None]
) -> tuple[Numbered, int, float]:
    """The tracks of every quoted frame, how many frames those were, and the CPU seconds spent in the watcher."""
    watched: Numbered = []
    count, cpu_s = 0, 0.0
    for frame in frames:
        progress(frame.index + 1, reference.last_frame)
        if frame.index + 1 < reference.first_frame:
            continue
        began = time.process_time()
        moments = watcher.update(frame)
        cpu_s += time.process_time() - began
        count += 1
        watched += numbered(moments, 1)
    return watched + numbered(watcher.finish(), 1), count, cpu_s
