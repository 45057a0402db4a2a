"""Printed labels kept on disk, so that a shop opens at once the second time."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.goods.labels import label_atlas
from store.cache import cache_dir, drop_beyond, note_use
from store.catalogue import Catalogue

MOST_KEPT: Final = 32  # of some 5 MB each
_LIBRARIES = ("numpy", "pillow")


def kept_label_atlas(catalogue: Catalogue, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """As ``label_atlas``, from disk where it was drawn before by the same code."""
    folder = cache_dir() / "labels"
    path = folder / f"{_name(catalogue, seed, size)}.png"
    shape = (len(catalogue.products), size, size)
    if (found := _read(path, shape)) is not None:
        note_use(path)
        return found
    atlas = label_atlas(catalogue, seed, size)
    with suppress(OSError):  # without a place to keep it, it is drawn each time
        _write(path, atlas)
        drop_beyond(folder.glob("*.png"), MOST_KEPT)
    return atlas


def _read(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # cv2 refuses no bytes at all, and pictures of a million rows
        return None
    if image is None or image.size != 3 * shape[0] * shape[1] * shape[2]:
        return None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGBA), np.uint8).reshape(*shape, 4)


def _write(path: Path, atlas: NDArray[np.uint8]) -> None:
    """Write the layers one under another; readers see the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = cv2.cvtColor(atlas.reshape(-1, atlas.shape[2], 4), cv2.COLOR_RGBA2BGR)
    _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
        file.write(data.tobytes())
    os.replace(file.name, path)


def _name(catalogue: Catalogue, seed: int, size: int) -> str:
    digest = hashlib.sha256(_version())
    digest.update(f"{seed} {size} {catalogue.model_dump_json()}".encode())
    return digest.hexdigest()[:24]


@cache
def _version() -> bytes:
    """Of all that decides how labels look."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for library in _LIBRARIES:
        digest.update(version(library).encode())
    return digest.digest()
