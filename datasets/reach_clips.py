"""Folders of short clips of hands at shelves: the data of the reach model.

`clips.jsonl` has a line a clip, `clips/NAME.jpg` its pictures on one sheet, row by row, and `manifest.json` the hashes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

LINES: Final = "clips.jsonl"
FRAMES: Final = 24  # pictures a clip
COLUMNS: Final = 6  # of a sheet
PERIOD_S: Final = 0.2
ANCHOR: Final = 13  # the picture at the clip's moment
SIDE_PX: Final = 128
SIDE_M: Final = 1.28

Kind = Literal["take", "return"]


class ReachClipError(ValueError):
    """A clip or its folder cannot be read: which, and why."""


@dataclass(frozen=True, slots=True)
class ClipDeed:
    """A take or return by somebody within the clip, ``time_s`` after its moment; ``own`` by the hand that is filmed.

    ``slot`` is None on the floor.
    """

    kind: Kind
    time_s: float
    own: bool
    slot: str | None


@dataclass(frozen=True, slots=True)
class ReachClip:
    """A hand filmed for 4.6 s, 5 pictures a second, the ``ANCHOR``-th at the clip's moment; ``SIDE_M`` across.

    ``wrist`` (FRAMES, 2) is the hand's joint in the clip's pixels, ``seen`` (FRAMES,) whether neither trunk nor head
    hides it. ``slot`` is where it goes, if anywhere, ``slot_xyxy`` the slot's front in pixels. ``what`` is the motion,
    ``source`` the camera, ``elevation_deg`` how steeply it looks down, ``height_m`` that of the hand, ``people`` how
    many are within 1.5 m, ``light`` the lights' level.
    """

    name: str
    family: str
    seed: int
    store: str
    what: str
    source: str
    elevation_deg: float
    height_m: float
    people: int
    light: float
    wrist: tuple[tuple[float, float], ...]
    seen: tuple[bool, ...]
    slot: str | None
    slot_xyxy: tuple[float, float, float, float] | None
    deeds: tuple[ClipDeed, ...]

    def as_line(self) -> str:
        """The clip as a line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of(cls, document: dict[str, Any]) -> ReachClip:
        """The clip of a parsed line. Raises ``TypeError``, ``KeyError`` and ``ValueError`` for one that is none."""
        told = dict(document)
        told["deeds"] = tuple(ClipDeed(**deed) for deed in told["deeds"])
        told["wrist"] = tuple((float(x), float(y)) for x, y in told["wrist"])
        told["seen"] = tuple(bool(value) for value in told["seen"])
        told["slot_xyxy"] = None if told["slot_xyxy"] is None else tuple(map(float, told["slot_xyxy"]))
        clip = cls(**told)
        if len(clip.wrist) != FRAMES or len(clip.seen) != FRAMES:
            raise ValueError(f"{len(clip.wrist)} wrists and {len(clip.seen)} flags, expected {FRAMES}")
        return clip


def read_clips(folder: Path) -> list[ReachClip]:
    """Every clip of ``folder``. Raises ``ReachClipError`` naming the file and the line."""
    path = folder / LINES
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ReachClipError(
            f"{folder} has no {LINES}: it is no folder of reach clips, or was never finished"
        ) from None
    clips = []
    for number, line in enumerate(lines, 1):
        try:
            clips.append(ReachClip.of(json.loads(line)))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ReachClipError(f"{path}, line {number}: no clip ({error})") from None
    if not clips:
        raise ReachClipError(f"{path} has no clips")
    return clips


def write_lines(folder: Path, clips: Iterator[ReachClip] | Sequence[ReachClip]) -> None:
    """Write the list of clips; whoever reads it meanwhile finds the whole old or the whole new one."""
    part = folder / f".{LINES}.part"
    part.write_text("".join(f"{clip.as_line()}\n" for clip in clips), encoding="utf-8")
    part.replace(folder / LINES)


def picture_path(folder: Path, clip: ReachClip) -> Path:
    """The file of a clip's sheet."""
    return folder / "clips" / f"{clip.name}.jpg"


def write_pictures(folder: Path, clip: ReachClip, pictures: NDArray[np.uint8], quality: int = 92) -> None:
    """Write ``pictures`` uint8 (FRAMES, SIDE_PX, SIDE_PX, 3) blue, green, red."""
    rows = pictures.reshape(-1, COLUMNS, SIDE_PX, SIDE_PX, 3).transpose(0, 2, 1, 3, 4)
    sheet = np.ascontiguousarray(rows.reshape(FRAMES // COLUMNS * SIDE_PX, COLUMNS * SIDE_PX, 3))
    path = picture_path(folder, clip)
    path.parent.mkdir(parents=True, exist_ok=True)
    _, packed = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(packed.tobytes())


def read_pictures(folder: Path, clip: ReachClip) -> NDArray[np.uint8]:
    """The pictures (FRAMES, SIDE_PX, SIDE_PX, 3) of a clip. Raises ``ReachClipError`` for a file that is none."""
    path = picture_path(folder, clip)
    try:
        packed = np.frombuffer(path.read_bytes(), np.uint8)
    except FileNotFoundError:
        raise ReachClipError(f"{path} is missing; make the clips again") from None
    sheet = cv2.imdecode(packed, cv2.IMREAD_COLOR) if len(packed) else None
    expected = (FRAMES // COLUMNS * SIDE_PX, COLUMNS * SIDE_PX, 3)
    if sheet is None or sheet.shape != expected:
        found = "no picture" if sheet is None else f"shape {sheet.shape}"
        raise ReachClipError(f"{path}: {found}, expected {expected}; make the clips again")
    rows = np.asarray(sheet, np.uint8).reshape(FRAMES // COLUMNS, SIDE_PX, COLUMNS, SIDE_PX, 3).transpose(0, 2, 1, 3, 4)
    return rows.reshape(FRAMES, SIDE_PX, SIDE_PX, 3)
