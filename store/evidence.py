"""Evidence: short clips of blurred pictures that show what an event rests on, as files by id.

A clip is a folder with ``0.jpg``, ``1.jpg``, ... and ``clip.json``. What comes here was blurred before:
``vision.evidence.EvidenceWriter`` writes it, nothing else does. Clips go after the setting ``evidence_hours``.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST_PICTURES: Final = 16
"""No clip has more."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)
_ABOUT: Final = "clip.json"
Box = tuple[float, float, float, float]


class EvidenceError(ValueError):
    """Evidence that cannot be kept: why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Marked(_Part):
    """A person in a picture who may have done it: ``track_id``, and the box ``xyxy`` in its pixels."""

    track_id: str
    xyxy: Box


class EvidencePicture(_Part):
    """One picture of a clip: which ``camera`` took it when (seconds, UTC), its ``size`` (width, height).

    ``focus`` x1, y1, x2, y2 in its pixels is where to look: the hand or the slot; None: all of it.
    """

    camera: str
    captured_at: float
    size: Annotated[tuple[int, int], Field(description="width, height")]
    focus: Box | None = None
    people: tuple[Marked, ...] = ()


class Clip(_Part):
    """All pictures of one id, oldest first; picture ``n`` is the file ``n.jpg``."""

    id: str
    pictures: tuple[EvidencePicture, ...]


class EvidenceStore:
    """The clips below ``folder``. Any process may read while one writes: a clip is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, id: str, pictures: Sequence[tuple[EvidencePicture, bytes]]) -> Clip:
        """Keep pictures with their JPEG files. A clip that is there already stays as it is.

        Raises ``EvidenceError`` for an id that is no plain name, and for no picture or more than ``MOST_PICTURES``.
        """
        if not _ID.fullmatch(id):
            raise EvidenceError(f"evidence id {id[:60]!r}: expected letters, digits, _ and -, 128 at most")
        if not 1 <= len(pictures) <= MOST_PICTURES:
            raise EvidenceError(f"evidence {id}: expected 1 to {MOST_PICTURES} pictures, got {len(pictures)}")
        clip = Clip(id=id, pictures=tuple(about for about, _ in pictures))
        # The dot keeps it apart from every id; what a crash leaves of it goes with age.
        part = self._folder / f".{id}.{secrets.token_hex(4)}"
        part.mkdir(parents=True)
        try:
            for number, (_, jpeg) in enumerate(pictures):
                (part / f"{number}.jpg").write_bytes(jpeg)
            (part / _ABOUT).write_text(clip.model_dump_json(), encoding="utf-8")
            part.rename(self._folder / id)
        except BaseException as error:
            shutil.rmtree(part, ignore_errors=True)
            known = self.clip(id)
            if known is None or not isinstance(error, OSError):
                raise
            return known  # the rename found it there
        return clip

    def clip(self, id: str) -> Clip | None:
        """The clip with this id; None for one that is not kept, or not any more."""
        if not _ID.fullmatch(id):
            return None
        try:
            return Clip.model_validate_json((self._folder / id / _ABOUT).read_bytes())
        except (OSError, ValidationError):
            return None

    def picture(self, id: str, number: int) -> Path | None:
        """The file of one picture of a clip; None where it is not kept."""
        if not _ID.fullmatch(id) or number < 0:
            return None
        path = self._folder / id / f"{number}.jpg"
        return path if path.is_file() else None
