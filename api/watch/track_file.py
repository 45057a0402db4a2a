"""The report's tracks in MOT format, written as they settle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self, TextIO

from datasets.formats.mot import write_mot
from training.evaluate.runner import numbered, to_boxes
from vision.lookback import Moment


class TrackFile:
    """Appends settled moments to a MOT file, frames counted from 1; a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8")

    def write(self, moments: Sequence[Moment]) -> None:
        """Append the tracks of each moment, in order."""
        boxes = to_boxes(numbered(moments, 1))
        if len(boxes):
            write_mot(self._file, boxes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
