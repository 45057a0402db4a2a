"""What a dataset folder holds: every file with its hash, and how it was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

NAME: Final = "manifest.json"
SPLIT: Final = "split.jsonl"  # may come after the manifest, which therefore does not list it


class ManifestError(ValueError):
    """A manifest cannot be read, or the files are not what it says; the message names them."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file: ``path`` from the dataset's folder with slashes, size in bytes, sha256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``made`` says by what and how the dataset was made, ``counts`` how much it holds, ``licence`` who may use it."""

    files: tuple[FileEntry, ...]
    made: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    licence: str = ""


def entries(folder: Path, *, leave_out: frozenset[str] = frozenset({NAME, SPLIT})) -> tuple[FileEntry, ...]:
    """Every file below ``folder`` by its path, but for hidden ones and those that are called as in ``leave_out``."""
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = [p for p in paths if p.name not in leave_out and not any(part.startswith(".") for part in p.parts)]
    return tuple(FileEntry(p.as_posix(), (folder / p).stat().st_size, sha256(folder / p)) for p in shown)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest, name: str = NAME) -> None:
    """Write the manifest into ``folder``; whoever reads it meanwhile finds the whole old or the whole new one."""
    part = folder / f".{name}.part"
    part.write_text(json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / name)


def read_manifest(folder: Path, name: str = NAME) -> Manifest:
    """Read the manifest of ``folder``. Raises ``ManifestError``."""
    path = folder / name
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(FileEntry(**entry) for entry in document.pop("files"))
        return Manifest(files, **document)
    except FileNotFoundError:
        raise ManifestError(f"{folder} has no {name}: it is no dataset, or was never finished") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestError(f"{path} is no manifest ({error})") from None


def verify(folder: Path, name: str = NAME) -> Manifest:
    """Read the manifest and compare every file with it.

    Raises ``ManifestError`` naming the files that are missing, differ, or are there and not in the manifest.
    """
    manifest = read_manifest(folder, name)
    stated = {entry.path: entry for entry in manifest.files}
    found = {entry.path: entry for entry in entries(folder, leave_out=frozenset({name, SPLIT}))}
    problems = {
        "missing": sorted(stated.keys() - found.keys()),
        "not in the manifest": sorted(found.keys() - stated.keys()),
        "changed": sorted(path for path in stated.keys() & found.keys() if stated[path] != found[path]),
    }
    if any(problems.values()):
        said = "; ".join(f"{what}: {', '.join(paths[:5])}" for what, paths in problems.items() if paths)
        raise ManifestError(f"{folder} is not as {name} says: {said}")
    return manifest
