"""Built characters kept on disk, so that a shop opens at once the second time."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from datasets.simulation.characters import Character, Skeleton, Traits
from datasets.simulation.people.source import WHEEL
from store.cache import cache_dir, drop_unused, note_use

_LIBRARIES = ("numpy", "scipy", "opencv-python", "fast-simplification")
_UNUSED_DAYS = 7.0  # after which the characters of another version go
_ARRAYS = tuple(field.name for field in fields(Character) if field.name not in ("name", "traits", "skeleton"))


def path_of(name: str) -> Path:
    """Where the character called ``name`` lies; another version of the code or of a library has another folder."""
    return _folder() / f"{name}.npz"


def _folder() -> Path:
    return cache_dir() / "people" / f"built-{_version()}"


def kept(name: str) -> Character | None:
    """The character as it was put, or None where it is missing or unreadable."""
    _tidy(_folder().parent)
    try:
        with np.load(path_of(name), allow_pickle=False) as data:
            words = json.loads(str(data["words"]))
            traits = words["traits"]
            for key in ("skin", "hair"):
                traits[key] = tuple(traits[key])
            return Character(
                name=name,
                traits=Traits(**traits),
                skeleton=Skeleton(tuple(words["bones"]), data["parents"], data["heads"], data["tails"]),
                **{key: data[key] for key in _ARRAYS},
            )
    except (OSError, ValueError, KeyError):
        return None


def keep(character: Character) -> None:
    """Put the character on disk; readers see the whole file or none."""
    path = path_of(character.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    skeleton = character.skeleton
    words = json.dumps({"traits": asdict(character.traits), "bones": skeleton.names})
    arrays = {key: getattr(character, key) for key in _ARRAYS}
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".npz", delete=False) as file:
        np.savez(
            file,
            allow_pickle=False,
            words=np.array(words),
            parents=skeleton.parents,
            heads=skeleton.heads,
            tails=skeleton.tails,
            **arrays,
        )
    os.replace(file.name, path)


@cache
def _tidy(people: Path) -> None:
    """Once a process: this version is in use, versions that nobody used for days go."""
    note_use(_folder())
    drop_unused((path for path in people.glob("built-*") if path != _folder()), _UNUSED_DAYS)


@cache
def _version() -> str:
    digest = hashlib.sha256(str(WHEEL.sha256).encode())
    here = Path(__file__).parent
    for source in sorted([*here.glob("*.py"), here.parent / "characters.py", here.parent / "keypoints.py"]):
        digest.update(source.read_bytes())
    for library in _LIBRARIES:
        digest.update(version(library).encode())
    return digest.hexdigest()[:12]
