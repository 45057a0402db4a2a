"""What is known of a sequence besides its boxes: frame rate, length, height; and which part of it is quoted."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from datasets.formats.mot import MotBoxes, MotFileError

DEFAULT_FRAME_RATE = 30.0


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """``frame_rate`` frames a second, ``length`` frames and ``height`` pixels; None where nothing says so."""

    frame_rate: float | None = None
    length: int | None = None
    height: int | None = None


def read_sequence_info(truth: Path) -> SequenceInfo:
    """Read ``seqinfo.ini`` beside a truth file, in its folder or, as MOTChallenge lays it out, the one above.

    Nothing is known where there is no such file. Raises ``MotFileError`` for one that cannot be read.
    """
    path = next((p for p in (truth.parent / "seqinfo.ini", truth.parent.parent / "seqinfo.ini") if p.is_file()), None)
    if path is None:
        return SequenceInfo()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        section = parser["Sequence"]
        return SequenceInfo(section.getfloat("frameRate"), section.getint("seqLength"), section.getint("imHeight"))
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise MotFileError(f"{path}: not a MOTChallenge seqinfo.ini ({error})") from None


def frame_range(length: int, second_half: bool) -> tuple[int, int]:
    """First and last frame that are quoted, from 1; the second half is what comes after ``length // 2``."""
    return (length // 2 + 1 if second_half else 1), length


def picture_height(truth: MotBoxes, info: SequenceInfo) -> float:
    """The picture's height in pixels; the lowest edge of the truth where nothing says it."""
    if info.height is not None:
        return float(info.height)
    return float(truth.xyxy[:, 3].max()) if len(truth) else 0.0
