"""`aisle evaluate tracking`: our tracker and public ones on the same detections, against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datasets.formats.mot import MotBoxes, MotFileError, read_mot, read_truth
from insights.definitions import DEFAULT_RULES
from store.plan import Line
from training.evaluate.crossings import FrameCrossings, count_crossings, read_counts, score_crossings
from training.evaluate.metrics import evaluate_sequence
from training.evaluate.peers import PeerFollower, choose_peers
from training.evaluate.report import Outcome, Report
from training.evaluate.runner import CHUNK, Follower, OurFollower, frames_of, run_side_by_side
from training.evaluate.sequence import (
    DEFAULT_FRAME_RATE,
    SequenceInfo,
    frame_range,
    picture_height,
    read_sequence_info,
)

OURS = "aisle"


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """A line to count over, its true crossings, and the margin in pixels that a person must be beyond it."""

    line: Line
    truth: FrameCrossings
    margin_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Truth, the frames of it that are quoted, and what else results are compared with."""

    truth: MotBoxes
    first_frame: int
    last_frame: int
    frame_rate: float
    counting: Counting | None = None

    def score(self, results: MotBoxes, updates_per_cpu_s: float) -> Outcome:
        """Score what a tracker gave for the quoted frames."""
        scores = evaluate_sequence(self.truth, results, self.first_frame, self.last_frame)
        crossings = None
        if self.counting is not None:
            counted = count_crossings(results, self.counting.line, self.frame_rate, self.counting.margin_px)
            truth = self.counting.truth.between(self.first_frame, self.last_frame)
            crossings = score_crossings(truth, counted, self.frame_rate)
        return Outcome(scores, updates_per_cpu_s, crossings)


def read_reference(
    truth: Path,
    *,
    length: int | None = None,
    info: SequenceInfo | None = None,
    second_half: bool = False,
    frame_rate: float | None = None,
    line: Line | None = None,
    counts: Path | None = None,
) -> Reference:
    """Read truth and what stands beside it.

    ``length`` frames default to what ``info`` (by default ``seqinfo.ini``) says, else to the last frame with truth;
    ``frame_rate`` to what ``info`` says, else 30. Raises ``MotFileError`` and ``CountsFileError``.
    """
    boxes = read_truth(truth)
    if not len(boxes):
        raise MotFileError(f"{truth}: there is no truth in this file")
    info = info or read_sequence_info(truth)
    first, last = frame_range(length or info.length or boxes.last_frame, second_half)
    counting = None
    if line is not None and counts is not None:
        margin = DEFAULT_RULES.line_margin * picture_height(boxes, info)
        counting = Counting(line, read_counts(counts, line), margin)
    return Reference(boxes, first, last, frame_rate or info.frame_rate or DEFAULT_FRAME_RATE, counting)


def evaluate_tracking(
    detections: Path,
    reference: Reference,
    *,
    peers: Sequence[str] = (),
    peer_confidence: float | None = None,
    repeats: int = 3,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Run our tracker, and the named peers, over the detections of the quoted frames, and score them.

    Every tracker starts with the first quoted frame, knowing nothing of those before. ``peer_confidence`` replaces the
    confidence that a detection needs to be shown to a peer. ``progress`` is told chunks done and chunks in all. Raises
    ``MotFileError``, ``UnknownPeerError``, ``MissingExtraError`` and ``DuplicateIdError``.
    """
    frames = frames_of(read_mot(detections), reference.first_frame, reference.last_frame)
    rate = reference.frame_rate
    followers: dict[str, Callable[[], Follower]] = {OURS: partial(OurFollower, rate)}
    for name in choose_peers(list(peers)):
        followers[name] = partial(PeerFollower, name, rate, peer_confidence)
    total = repeats * len(followers) * -(-len(frames) // CHUNK)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    runs = run_side_by_side(followers, frames, reference.first_frame, repeats, step)
    outcomes = {name: reference.score(run.results, run.updates_per_cpu_s) for name, run in runs.items()}
    ours = outcomes.pop(OURS)
    return Report(ours, reference.first_frame, reference.last_frame, outcomes)
