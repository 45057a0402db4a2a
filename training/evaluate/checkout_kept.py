"""What networks found in a clip's pictures, kept beside the clip: looking is what playing a clip costs most."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.people import PersonDetector
from models.registry import fetch, registry
from training.evaluate.checkout_suite import SuiteSettings

Image = NDArray[np.uint8]

_VERSION: Final = 1  # of the file
_JOINTS: Final = 17


class KeptPeople:
    """The people of a clip's pictures by camera and time, in the file ``path``; ``eyes`` look where nothing is kept."""

    def __init__(self, eyes: PersonDetector, least: float, path: Path) -> None:
        self._eyes, self._least, self._path = eyes, least, path
        self._found: dict[tuple[str, int], Boxes] = _read(path) if path.is_file() else {}
        self._new = False

    def find(self, keys: Sequence[tuple[str, float]], images: Sequence[Image]) -> list[Boxes]:
        """The people in ``images``, each of a camera and its time on its own clock."""
        places = [(camera, _ticks(time_s)) for camera, time_s in keys]
        missing = [n for n, place in enumerate(places) if place not in self._found]
        if missing:
            self._new = True
            looked = self._eyes.detect([images[n] for n in missing], self._least)
            self._found |= {places[n]: boxes for n, boxes in zip(missing, looked, strict=True)}
        return [self._found[place] for place in places]

    def keep(self) -> None:
        """Write what is new."""
        if not self._new:
            return
        places, boxes = list(self._found), list(self._found.values())
        part = self._path.with_suffix(".part.npz")
        np.savez_compressed(
            part,
            camera=np.array([camera for camera, _ in places], np.str_),
            ticks=np.array([ticks for _, ticks in places], np.int64),
            count=np.array([len(each.xyxy) for each in boxes], np.int64),
            xyxy=np.concatenate([np.zeros((0, 4), np.float32), *(each.xyxy for each in boxes)]),
            confidence=np.concatenate([np.zeros(0, np.float32), *(each.confidence for each in boxes)]),
            keypoints=np.concatenate(
                [np.zeros((0, _JOINTS, 3), np.float32), *(k for each in boxes if (k := each.keypoints) is not None)]
            ),
        )
        part.replace(self._path)
        self._new = False


def kept_file(folder: Path, settings: SuiteSettings) -> Path:
    """Where a clip in ``folder`` keeps what the networks of ``settings`` find: other networks have another file."""
    return folder / kept_name((settings.detector, settings.joints), settings.size, settings.least)


def kept_name(networks: Sequence[str], size: tuple[int, int] | None, least: float) -> str:
    """The file's name for what ``networks``, names of the registry or files, find at ``size``."""
    said = sha256(f"{_VERSION} {size} {least}".encode())
    for name in networks:
        path = fetch(name) if name in registry() else Path(name)
        said.update(path.read_bytes())
    return f"people-{said.hexdigest()[:12]}.npz"


def _ticks(time_s: float) -> int:
    """Microseconds, which tell pictures of one camera apart."""
    return round(time_s * 1e6)


def _read(path: Path) -> dict[tuple[str, int], Boxes]:
    with np.load(path) as file:
        cut = np.cumsum(file["count"])[:-1]
        parts = [np.split(file[name], cut) for name in ("xyxy", "confidence", "keypoints")]
        keys = zip(file["camera"].tolist(), file["ticks"].tolist(), strict=True)
        posed = len(file["keypoints"]) == len(file["xyxy"])  # else by a detector without joints
        return {key: Boxes(*each) if posed else Boxes(*each[:2]) for key, *each in zip(keys, *parts, strict=True)}
