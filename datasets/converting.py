"""One format into another: whole or not at all."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.formats.files import flat_name
from datasets.formats.registry import WRITERS
from datasets.manifest import Manifest, entries, write_manifest
from datasets.pictures import PictureError
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse
from datasets.splits import split_key


def convert(
    source: Dataset,
    kind: str,
    out: Path,
    *,
    every: int = 1,
    licence: str = "",
    on_fault: OnFault = refuse,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
) -> Manifest:
    """Write ``source`` as a dataset of ``kind`` at ``out``, with its splits and a manifest; the manifest.

    Of footage only each ``every``-th frame is taken, of other pictures each ``every``-th. All is made in a hidden
    folder beside ``out`` that is renamed when it is whole; what an interrupted conversion left is removed. ``licence``
    is noted in place of what the source says. ``on_picture`` is told how many pictures of how many were looked at.

    Raises ``DatasetFileError`` where ``out`` is there already, the format cannot hold the source, or the source is
    broken and ``on_fault`` does not return.
    """
    if kind not in WRITERS:
        raise DatasetFileError(f"nothing is written as {kind!r}; the formats are {', '.join(WRITERS)}")
    if out.exists():
        raise DatasetFileError(f"{out} is there already; give another --out, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        counts = _write(source, kind, part, every, on_fault, on_picture)
        made: dict[str, Any] = {"by": "aisle datasets convert", "from": source.kind, "of": source.folder.resolve().name}
        made |= {"every": every, "format": kind, "split_by": split_key(source)}
        manifest = Manifest(entries(part), made, counts, licence or source.licence)
        write_manifest(part, manifest)
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return manifest


def _write(
    source: Dataset, kind: str, folder: Path, every: int, on_fault: OnFault, on_picture: Callable[[int, int], None]
) -> dict[str, Any]:
    """Write everything but the manifest; how many pictures, objects, and pictures of each split."""
    writer = WRITERS[kind](folder, source)
    seen: Counter[str] = Counter()
    stems: set[str] = set()
    splits: Counter[str] = Counter()
    objects, total = 0, len(source)
    try:
        for looked, sample in enumerate(source.samples(on_fault), 1):
            wanted = seen[sample.sequence] % every == 0
            seen[sample.sequence] += 1
            if wanted:
                try:
                    objects += writer.add(_sound(sample, on_fault), _stem(sample, stems))
                    splits[sample.split] += 1
                except PictureError as error:
                    on_fault(sample.name, error)
            on_picture(looked, total)
        if not splits:
            raise DatasetFileError(f"{source.folder} holds no picture that could be converted")
        writer.finish()
    finally:
        writer.close()
    named = {name: count for name, count in sorted(splits.items()) if name}
    return {"pictures": sum(splits.values()), "objects": objects, **({"splits": named} if named else {})}


def _sound(sample: Sample, on_fault: OnFault) -> Sample:
    """``sample`` without objects whose numbers are none, which are a fault."""
    sound: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(sample.xyxy), axis=1)
    if sample.keypoints is not None:
        sound = np.logical_and(sound, np.logical_and.reduce(np.isfinite(sample.keypoints), axis=(1, 2)))
    if sound.all():
        return sample
    on_fault(sample.name, f"object {int(np.argmin(sound)) + 1} has a number that is none or infinite")
    return sample.take(sound)


def _stem(sample: Sample, stems: set[str]) -> str:
    """A file name without suffix for ``sample`` that is not among ``stems``, and is from now on."""
    footage = bool(sample.sequence) and "#" in sample.name
    stem = first = flat_name(f"{sample.sequence}-{sample.frame:06d}" if footage else sample.name)
    number = 1
    while stem.lower() in stems:
        number += 1
        stem = f"{first}-{number}"
    stems.add(stem.lower())
    return stem
