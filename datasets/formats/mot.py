"""MOTChallenge text files: detections, truth and results of tracking, one box a line.

A line is ``frame, id, left, top, width, height, confidence, ...``: frames from 1, pixels as they stand in the file.
What follows the seventh column depends on the year, and is told apart by its values (``category_column``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TextIO

import numpy as np
from numpy.typing import NDArray

Layout = Literal["auto", "plain", "classes"]
PEDESTRIAN = 1
_CATEGORIES = 13  # the MOT16, MOT17 and MOT20 classes are numbered 1 to 13


class MotFileError(ValueError):
    """A MOT file cannot be read; the message names the file and, where there is one, the line."""


@dataclass(frozen=True, slots=True, eq=False)
class MotBoxes:
    """The boxes of one sequence, as parallel arrays in the order of frames.

    ``frame`` int64 (n,) from 1, ``id`` int64 (n,) (-1 in most detection files), ``xyxy`` float64 (n, 4) pixels,
    ``confidence`` float64 (n,): a detector's score, or in truth files the flag "to be considered" (0 or not 0).
    ``category`` int64 (n,) MOT17 class of each box, or None where the file has no classes. ``visibility`` float64 (n,)
    the share of each box that is seen, or None where the file does not say. Raises ``ValueError`` when lengths disagree
    or frames go backwards.
    """

    frame: NDArray[np.int64]
    id: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    confidence: NDArray[np.float64]
    category: NDArray[np.int64] | None = None
    visibility: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n = len(self.frame)
        shapes = {"id": self.id.shape, "confidence": self.confidence.shape}
        if self.category is not None:
            shapes["category"] = self.category.shape
        if self.visibility is not None:
            shapes["visibility"] = self.visibility.shape
        wrong = {name: shape for name, shape in shapes.items() if shape != (n,)}
        if wrong or self.xyxy.shape != (n, 4):
            raise ValueError(f"expected {n} boxes and xyxy ({n}, 4), got {wrong or ''} xyxy {self.xyxy.shape}")
        if n and bool((np.diff(self.frame) < 0).any()):
            raise ValueError("frames must not go backwards: sort the boxes by frame")

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Self:
        category = None if self.category is None else self.category[index]
        visibility = None if self.visibility is None else self.visibility[index]
        return type(self)(
            self.frame[index], self.id[index], self.xyxy[index], self.confidence[index], category, visibility
        )

    @property
    def last_frame(self) -> int:
        """The number of the last frame that has a box; 0 without boxes."""
        return int(self.frame[-1]) if len(self) else 0

    def between(self, first_frame: int, last_frame: int) -> Self:
        """The boxes of the frames ``first_frame`` to ``last_frame``, both included."""
        ends = self.offsets(first_frame, last_frame)
        return self[slice(int(ends[0]), int(ends[-1]))]

    def offsets(self, first_frame: int, last_frame: int) -> NDArray[np.int64]:
        """Where each frame begins: row ``offsets[i]`` to ``offsets[i + 1]`` is frame ``first_frame + i``."""
        return np.searchsorted(self.frame, np.arange(first_frame, last_frame + 2)).astype(np.int64)

    def considered(self) -> NDArray[np.bool_]:
        """Which truth boxes count, (n,): the flag in column 7 is not 0, and the class, if any, is pedestrian."""
        mask: NDArray[np.bool_] = self.confidence.astype(np.int64) != 0
        return mask if self.category is None else np.logical_and(mask, self.category == PEDESTRIAN)

    @classmethod
    def from_rows(
        cls,
        rows: NDArray[np.float64],
        category: NDArray[np.int64] | None = None,
        visibility: NDArray[np.float64] | None = None,
    ) -> Self:
        """From (n, 7) rows of frame, id, left, top, width, height, confidence, in any order."""
        order = np.argsort(rows[:, 0], kind="stable")
        rows = rows[order]
        xyxy = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
        return cls(
            rows[:, 0].astype(np.int64),
            rows[:, 1].astype(np.int64),
            xyxy,
            rows[:, 6].copy(),
            None if category is None else category[order],
            None if visibility is None else visibility[order],
        )


def read_mot(path: Path | str, layout: Layout = "plain") -> MotBoxes:
    """Read detections or results (``layout`` "plain"), or truth ("auto": with classes where the file has them).

    Without a seventh column the confidence is 1. Raises ``MotFileError`` naming the file and line for a missing file,
    a line that is not numbers, a frame below 1 or a box of negative size.
    """
    path = Path(path)
    table = _read_table(path)
    if not len(table):
        return MotBoxes.from_rows(np.zeros((0, 7)))
    columns = table.shape[1]
    if columns < 6:
        raise MotFileError(f"{path}: a line needs frame, id, left, top, width, height; these have {columns} numbers")
    for bad, what in (
        (~np.isfinite(table[:, : min(columns, 7)]).all(axis=1), "a number is missing, infinite or not a number"),
        ((table[:, 0] < 1) | (table[:, :2] % 1 != 0).any(axis=1), "frame and id are whole numbers, frames from 1"),
        ((table[:, 4:6] < 0).any(axis=1), "width and height cannot be negative"),
    ):
        if bad.any():
            raise MotFileError(f"{path}, line {_line_of_row(path, int(np.argmax(bad)))}: {what}")
    category = category_column(table) if layout == "auto" else None
    if layout == "classes":
        if columns < 8:
            raise MotFileError(f"{path}: classes stand in column 8; these lines have {columns} numbers")
        category = table[:, 7].astype(np.int64)
    rows = table[:, :7] if columns >= 7 else np.column_stack([table, np.ones(len(table))])
    visibility = table[:, 8] if category is not None and columns == 9 else None
    return MotBoxes.from_rows(rows, category, visibility)


def read_truth(path: Path | str) -> MotBoxes:
    """Read a truth file with every row it has; ``considered()`` says which rows count. Raises as ``read_mot``."""
    return read_mot(path, "auto")


def category_column(table: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The class of each row of a truth table (n, columns), or None where the file has none.

    MOT16, MOT17 and MOT20 write 8 or 9 columns: flag (0 or 1) in the seventh, class 1 to 13 in the eighth. MOT15 has
    10 columns, and others, vtest among them, put metres on the floor in the eighth and ninth. So classes are there
    when there are at most 9 columns, every flag is 0 or 1 and every value of the eighth is a whole number 1 to 13.
    """
    if table.shape[1] not in (8, 9):
        return None
    flag, category = table[:, 6], table[:, 7]
    if not np.isin(flag, (0, 1)).all() or not np.isin(category, np.arange(1, _CATEGORIES + 1)).all():
        return None
    return category.astype(np.int64)


def write_mot(path: Path | str | TextIO, boxes: MotBoxes) -> None:
    """Write results to a file or an open one: pixels to a hundredth, confidence to four places, 10 columns.

    Boxes with ``category`` are written as truth: 9 columns, flag, class and visibility (1 where it is None) in the
    last three.
    """
    x1y1, size = boxes.xyxy[:, :2], boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
    rows = np.column_stack([boxes.frame, boxes.id, x1y1, size, boxes.confidence])
    line = "%d,%d,%.2f,%.2f,%.2f,%.2f,"
    if boxes.category is None:
        line += "%.4f,-1,-1,-1"
    else:
        seen = np.ones(len(boxes)) if boxes.visibility is None else boxes.visibility
        rows = np.column_stack([rows, boxes.category, seen])
        line += "%d,%d,%.4g"
    np.savetxt(path, rows, fmt=line)


def _read_table(path: Path) -> NDArray[np.float64]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MotFileError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MotFileError(f"{path}: cannot be read as text ({error})") from None
    if not text.strip():
        return np.zeros((0, 7))
    try:
        return np.loadtxt(text.splitlines(), delimiter=",", comments=None, ndmin=2, dtype=np.float64)
    except ValueError:
        raise _explain(path, text) from None


def _explain(path: Path, text: str) -> MotFileError:
    """Find the line that made the fast reader fail."""
    columns = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        values = line.split(",")
        columns = columns or len(values)
        if len(values) != columns:
            return MotFileError(f"{path}, line {number}: {len(values)} numbers where other lines have {columns}")
        for value in values:
            try:
                float(value)
            except ValueError:
                return MotFileError(f"{path}, line {number}: {value.strip()[:40]!r} is not a number")
    return MotFileError(f"{path}: not a MOT file (numbers separated by commas)")


def _line_of_row(path: Path, row: int) -> int:
    """The line number (from 1) of a row, counting the blank lines that the fast reader skips."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.strip()][row]
