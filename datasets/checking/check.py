"""Goes through a dataset and tells all that is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from datasets.checking.duplicates import NEAR_BITS, Print, exact_pairs, fingerprint, near_pairs
from datasets.checking.findings import Finding, Kind
from datasets.checking.labels import label_findings
from datasets.manifest import NAME, SPLIT, ManifestError, entries, read_manifest
from datasets.pictures import Picture, PictureError, VideoFrame, decode
from datasets.sample import Dataset
from datasets.splits import split_key

_BLANK_SPREAD = 2.0  # standard deviation of grey levels below which nothing is to be seen


def check(
    dataset: Dataset,
    *,
    by: str = "",
    near_bits: int = NEAR_BITS,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
) -> list[Finding]:
    """Every finding: of files, pictures, labels, then of duplicates and leaks.

    ``by`` is the key that no two splits may share a value of, by default the one that the dataset was split by.
    ``near_bits`` of 64 may differ in the hashes of pictures that count as nearly the same. Pictures of one sequence
    are not compared. Every picture is decoded once; what is kept of each is about a kilobyte.

    Raises what opening the dataset raises.
    """
    found = list(_file_findings(dataset))
    seen = _Seen()

    def on_fault(where: str, fault: str | PictureError) -> None:
        kind = Kind.UNREADABLE if isinstance(fault, PictureError) else Kind.LABEL
        found.append(Finding(kind, where, str(fault)))

    key = by or split_key(dataset)
    total = len(dataset)
    for done, sample in enumerate(dataset.samples(on_fault), 1):
        found += label_findings(sample, may_leave=dataset.kind == "mot")
        if sample.split and key:
            for value in sample.values(key):
                seen.splits.setdefault(value, {}).setdefault(sample.split, (sample.name, sample.picture))
        try:
            image, digest = _read(sample.picture)
        except PictureError as error:
            found.append(Finding(Kind.UNREADABLE, sample.name, str(error)))
        else:
            size = image.shape[1], image.shape[0]
            if size != sample.size:
                what = f"{size[0]}x{size[1]}, stated {sample.size[0]}x{sample.size[1]}"
                found.append(Finding(Kind.SIZE, sample.name, what, sample.picture))
            if float(image.std(axis=(0, 1)).max()) < _BLANK_SPREAD:
                found.append(Finding(Kind.BLANK, sample.name, "of one colour", sample.picture))
            else:
                seen.add(sample.name, sample.picture, sample.split, sample.sequence, fingerprint(image, digest))
        on_picture(done, total)
    found += seen.duplicates(near_bits)
    found += seen.shared(key)
    return found


class _Seen:
    """What is kept of the pictures that were seen."""

    def __init__(self) -> None:
        self.splits: dict[str, dict[str, tuple[str, Picture]]] = {}
        self._prints: list[Print] = []
        self._pictures: list[tuple[str, Picture]] = []
        self._split: list[str] = []
        self._sequence: list[str] = []

    def add(self, name: str, picture: Picture, split: str, sequence: str, seen: Print) -> None:
        self._prints.append(seen)
        self._pictures.append((name, picture))
        self._split.append(split)
        self._sequence.append(sequence)

    def duplicates(self, bits: int) -> Iterator[Finding]:
        """Pictures that are there twice; within one sequence that is footage that stands still."""
        for first, second in exact_pairs(self._prints):
            if not self._sequence[first] or self._sequence[first] != self._sequence[second]:
                yield self._pair(first, second, Kind.DUPLICATE, Kind.LEAK_DUPLICATE)
        split = np.unique(np.array(self._split, np.str_), return_inverse=True)[1].astype(np.int64)
        sequence = np.unique(np.array(self._sequence, np.str_), return_inverse=True)[1].astype(np.int64)
        sequence[np.array([not name for name in self._sequence], np.bool_)] = -1
        for first, second in near_pairs(self._prints, split, sequence, bits):
            yield self._pair(first, second, Kind.NEAR, Kind.LEAK_NEAR)

    def _pair(self, first: int, second: int, same: Kind, leak: Kind) -> Finding:
        (name, picture), (other, shown) = self._pictures[first], self._pictures[second]
        splits = self._split[first], self._split[second]
        if splits[0] != splits[1]:
            return Finding(leak, name, f"in {splits[0]}; {other} in {splits[1]}", picture, shown)
        return Finding(same, name, f"and {other}", picture, shown)

    def shared(self, key: str) -> Iterator[Finding]:
        """Groups of which pictures are in more than one split."""
        for value, splits in sorted(self.splits.items()):
            if len(splits) > 1:
                (name, picture), (other, shown), *_ = splits.values()
                said = " and ".join(splits)
                yield Finding(Kind.LEAK_GROUP, f"{key} {value}", f"in {said}: {name}, {other}", picture, shown)


def _read(picture: Picture) -> tuple[NDArray[np.uint8], bytes]:
    """The pixels, and the sha256 of the file's bytes; of a frame's pixels. Raises ``PictureError``."""
    if isinstance(picture, VideoFrame):
        image = picture.read()
        return image, hashlib.sha256(np.ascontiguousarray(image).data).digest()
    data, _ = picture.encoded()
    return decode(data, picture.path), hashlib.sha256(data).digest()


def _file_findings(dataset: Dataset) -> Iterator[Finding]:
    """Files that are missing, changed or more than the manifest says; nothing without a manifest."""
    folder = dataset.folder
    if not (folder / NAME).is_file():
        return
    try:
        stated = {entry.path: entry for entry in read_manifest(folder).files}
    except ManifestError as error:
        yield Finding(Kind.FILE, NAME, str(error))
        return
    there = {entry.path: entry for entry in entries(folder, leave_out=frozenset({NAME, SPLIT}))}
    for path in sorted(stated.keys() | there.keys()):
        if path not in there:
            yield Finding(Kind.FILE, path, "missing")
        elif path not in stated:
            if path.endswith(".cache"):  # ultralytics leaves one beside the labels it has read
                continue
            yield Finding(Kind.FILE, path, "not in the manifest")
        elif stated[path] != there[path]:
            yield Finding(Kind.FILE, path, "changed: its sha256 is another")
