"""The report's tracks in MOT format, written as they settle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from datasets.formats.mot import MotBoxes, write_mot
from vision.lookback import Moment


class TrackFile:
    """Appends settled moments to a MOT file, frames counted from 1; a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8")

    def write(self, moments: Sequence[Moment]) -> None:
        """Append the tracks of each moment, in order."""
        rows = [
            np.column_stack(
                [
                    np.full(len(moment.tracks), moment.index + 1),
                    moment.tracks.track_id,
                    moment.tracks.xyxy[:, :2],
                    moment.tracks.xyxy[:, 2:] - moment.tracks.xyxy[:, :2],
                    moment.tracks.confidence,
                ]
            )
            for moment in moments
            if len(moment.tracks)
        ]
        if rows:
            write_mot(self._file, MotBoxes.from_rows(np.concatenate(rows).astype(np.float64)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
