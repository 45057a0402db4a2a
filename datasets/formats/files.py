"""Small things that all formats need: pictures in a folder, who may use them, names without folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cameras.uri import PICTURE_SUFFIXES
from datasets.manifest import NAME, ManifestError, read_manifest
from datasets.sample import DatasetFileError

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".mov", ".gif", ".webm"})
SPLIT_NAMES: Final = frozenset({"train", "val", "valid", "validation", "test", "minival", "trainval"})
_LICENCES: Final = ("LICENSE", "LICENCE", "LICENSE.txt", "LICENCE.txt", "LICENSE.md")


def is_picture(path: Path) -> bool:
    """Whether a file is called as pictures are, and is not hidden."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file below ``folder``, in order of path."""
    found = (path for path in folder.rglob("*") if is_picture(path) and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def folders_in(folder: Path) -> list[Path]:
    """The folders in ``folder`` that are not hidden, in order of name."""
    return sorted(path for path in folder.glob("*/") if not path.name.startswith("."))


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A key to sort file names by, numbers by value: ``2.jpg`` before ``10.jpg``."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def stated_licence(folder: Path) -> str:
    """What the manifest of ``folder``, or the first line of its LICENSE file, says; "" where there is neither."""
    if (folder / NAME).is_file():
        try:
            return read_manifest(folder).licence
        except ManifestError:
            return ""
    for name in _LICENCES:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            return next((line.strip(" #\t") for line in text.splitlines() if line.strip(" #\t")), "")
    return ""


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8. Raises ``DatasetFileError``."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetFileError(f"{path} cannot be read as text ({error})") from None


def flat_name(name: str) -> str:
    """A sample's name as one file name without suffix: folders joined by dashes."""
    stem = re.sub(r"\.[A-Za-z0-9]{2,4}(?=$|#)", "", name)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem.removeprefix("images/")).strip("-.") or "picture"
