"""Something that is wrong with a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from datasets.pictures import Picture


class Kind(StrEnum):
    """What can be wrong, in the words it is reported in."""

    UNREADABLE = "unreadable picture"
    BLANK = "blank picture"
    SIZE = "picture of another size than stated"
    LABEL = "broken label"
    OUTSIDE = "label outside the picture"
    NO_AREA = "label without area"
    TWICE = "same label twice"
    FILE = "file not as in the manifest"
    DUPLICATE = "same picture twice"
    NEAR = "nearly the same picture twice"
    LEAK_DUPLICATE = "same picture in two splits"
    LEAK_NEAR = "nearly the same picture in two splits"
    LEAK_GROUP = "same group in two splits"

    @property
    def is_error(self) -> bool:
        """Whether a dataset with this is wrong; else it is worth a look."""
        return self not in (Kind.BLANK, Kind.NEAR)


@dataclass(frozen=True)
class Finding:
    """``where`` names a picture or file; ``picture`` and ``other`` are to be shown, ``box`` xyxy drawn on the first."""

    kind: Kind
    where: str
    what: str = ""
    picture: Picture | None = None
    other: Picture | None = None
    box: tuple[float, float, float, float] | None = None

    def __str__(self) -> str:
        level = "error" if self.kind.is_error else "warning"
        return f"{level}: {self.kind.value}: {self.where}" + (f": {self.what}" if self.what else "")
