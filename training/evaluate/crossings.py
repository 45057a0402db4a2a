"""Counts of a footfall line against truth: the counting is that of the insights room, the truth a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from datasets.formats.mot import MotBoxes
from insights.footfall import LineCounter
from insights.sightings import Sightings, Trail
from store.plan import Line
from vision.detections import foot_points

TOLERANCE_S = 1.5
# Where a walk goes on the screen, x to the right and y down.
_WALKS = {"LR": (1.0, 0.0), "RL": (-1.0, 0.0), "UD": (0.0, 1.0), "DU": (0.0, -1.0)}


class CountsFileError(ValueError):
    """A file of true crossings cannot be used; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameCrossings:
    """Crossings of one line: ``frame`` int64 (n,) from 1, ``into`` bool (n,) True for 'in'."""

    frame: NDArray[np.int64]
    into: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    def between(self, first_frame: int, last_frame: int) -> FrameCrossings:
        """Those of the frames ``first_frame`` to ``last_frame``, both included."""
        kept = (self.frame >= first_frame) & (self.frame <= last_frame)
        return FrameCrossings(self.frame[kept], self.into[kept])


@dataclass(frozen=True, slots=True)
class CrossingScores:
    """``truth`` crossings there were, ``found`` of them in the right direction, and ``false`` ones besides."""

    truth: int
    found: int
    false: int

    def as_json(self) -> dict[str, int]:
        """What the command prints."""
        return {"truth": self.truth, "found": self.found, "false": self.false}


def read_counts(path: Path, line: Line) -> FrameCrossings:
    """Read true crossings: JSON with ``crossings``, a list of ``{"frame": number from 1, "dir": direction}``.

    A direction is "in" or "out" of ``line``, or how the person walks on the screen: LR, RL, UD (down) or DU. Raises
    ``CountsFileError`` for a file that is not so, or for a walk along the line, which crosses it in no direction.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CountsFileError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise CountsFileError(f"{path}: cannot be read as JSON ({error})") from None
    rows = document.get("crossings") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise CountsFileError(f'{path}: expected an object with the list "crossings"')
    pairs = [_read_crossing(path, number, row, line) for number, row in enumerate(rows)]
    return FrameCrossings(
        np.array([frame for frame, _ in pairs], dtype=np.int64), np.array([into for _, into in pairs], dtype=np.bool_)
    )


def count_crossings(results: MotBoxes, line: Line, frame_rate: float, margin_px: float) -> FrameCrossings:
    """Count the tracks of ``results`` over ``line`` frame by frame, as the insights room does.

    A crossing belongs to the frame in which it became certain: the person is ``margin_px`` beyond the line.
    """
    _, slot = np.unique(results.id, return_inverse=True)
    xy = foot_points(results.xyxy.astype(np.float32)).astype(np.float64)
    counter, trail = LineCounter(line, margin_px), Trail(1)
    frames, into = [], []
    present = np.unique(results.frame)
    starts = np.searchsorted(results.frame, present)
    ends = np.searchsorted(results.frame, present, side="right")
    for frame, start, end in zip(present, starts, ends, strict=True):
        rows = np.arange(start, end)[np.argsort(slot[start:end])]
        n = len(rows)
        now = Sightings(
            slot[rows].astype(np.int64),
            np.full(n, frame / frame_rate),
            xy[rows],
            np.full((n, 2), np.nan),
            np.ones((n, 1), dtype=np.bool_),
        )
        crossed = counter.update(trail.steps(now))
        frames += [int(frame)] * len(crossed)
        into += crossed.into.tolist()
    return FrameCrossings(np.array(frames, dtype=np.int64), np.array(into, dtype=np.bool_))


def score_crossings(truth: FrameCrossings, ours: FrameCrossings, frame_rate: float) -> CrossingScores:
    """Match one to one what went the same way within 1.5 s, as many as can be, nearest in time first among equals."""
    apart = np.abs(truth.frame[:, None] - ours.frame[None, :]) / frame_rate
    possible = (apart <= TOLERANCE_S + 1e-9) & (truth.into[:, None] == ours.into[None, :])
    # A match is worth more than any saving of time, so the number of matches is the greatest possible.
    worth = np.where(possible, 1.0 + len(truth) * TOLERANCE_S, 0.0) - np.where(possible, apart, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    found = int(possible[rows, columns].sum())
    return CrossingScores(len(truth), found, len(ours) - found)


def _read_crossing(path: Path, number: int, row: Any, line: Line) -> tuple[int, bool]:
    where = f"{path}: crossings[{number}]"
    if not isinstance(row, dict) or not isinstance(row.get("frame"), int) or row["frame"] < 1:
        raise CountsFileError(f'{where}: expected {{"frame": number from 1, "dir": direction}}, got {row!r}')
    direction = row.get("dir")
    if direction in ("in", "out"):
        return row["frame"], direction == "in"
    if direction not in _WALKS:
        raise CountsFileError(f"{where}: direction {direction!r} is none of in, out, {', '.join(_WALKS)}")
    walk_x, walk_y = _WALKS[direction]
    (ax, ay), (bx, by) = line.a, line.b
    # Positive where the walk leads to the right-hand side of somebody who goes from a to b.
    side = (bx - ax) * walk_y - (by - ay) * walk_x
    if side == 0:
        raise CountsFileError(f"{where}: a walk {direction} goes along line {line.name}, not across it")
    return row["frame"], side > 0
