"""What would end a training run after hours, or spoil it silently: found before the first step."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import nn

from datasets.checking.findings import Kind
from datasets.checking.labels import label_findings
from datasets.formats.yolo import label_path
from datasets.pictures import PictureError, PictureFile
from datasets.sample import Dataset, Sample
from training.errors import (
    BrokenLabelError,
    ClassCountError,
    CorruptPictureError,
    DataError,
    DiskFullError,
    EmptyLabelFileError,
    NoLabelsError,
)
from training.run import KEPT

_NAMED: Final = 5  # places that a message names of those with the same fault
_SHOW: Final = "mend or remove them; `aisle datasets check` shows them all"
_SAID: Final[dict[type[DataError], tuple[str, str]]] = {
    CorruptPictureError: ("corrupt pictures", _SHOW),
    BrokenLabelError: ("broken labels", _SHOW),
    EmptyLabelFileError: (
        "empty label files",
        "label the pictures, or say backgrounds: true in the recipe where they show nothing",
    ),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pictures and objects each split has."""

    pictures: dict[str, int]
    objects: dict[str, int]


def check_data(
    dataset: Dataset,
    *,
    classes: int | None = None,
    splits: Sequence[str] = ("train", "val"),
    backgrounds: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counts:
    """Decode every picture and read every label of ``splits``; how many there are. No split at all counts as each.

    ``classes`` is how many the recipe trains for. ``backgrounds`` says that empty label files are meant: pictures that
    show nothing. Each of these is raised with the files it was found in: ``ClassCountError``, ``CorruptPictureError``,
    ``BrokenLabelError``, ``EmptyLabelFileError``, ``NoLabelsError``; and what reading the dataset raises.
    """
    if classes is not None and len(dataset.classes) != classes:
        raise ClassCountError(
            f"{dataset.folder} has {len(dataset.classes)} classes ({', '.join(dataset.classes[:8])}), the recipe says "
            f"{classes}: mend classes in the recipe, or convert the data"
        )
    faults: dict[type[DataError], list[str]] = {}
    pictures: Counter[str] = Counter()
    objects: Counter[str] = Counter()

    def note(kind: type[DataError], what: str) -> None:
        faults.setdefault(kind, []).append(what)

    def on_fault(where: str, fault: str | PictureError) -> None:
        picture = isinstance(fault, PictureError)
        note(CorruptPictureError if picture else BrokenLabelError, str(fault) if picture else f"{where}: {fault}")

    total = len(dataset)
    for done, sample in enumerate(dataset.samples(on_fault), 1):
        if not sample.split or sample.split in splits:
            for split in [sample.split] if sample.split else splits:
                pictures[split] += 1
                objects[split] += int(sample.counted.sum())
            for kind, what in _faults(dataset, sample, backgrounds):
                note(kind, what)
        progress(done, total)
    for error in _SAID:
        if error in faults:
            raise error(_said(dataset, faults[error], error))
    for split in splits:
        if not objects[split]:
            what = f"{pictures[split]} pictures without any label" if pictures[split] else "no picture"
            raise NoLabelsError(f"{dataset.folder}: split {split} has {what}: label it, or split the data anew")
    return Counts({s: pictures[s] for s in splits}, {s: objects[s] for s in splits})


def check_room(folder: Path, checkpoint_bytes: int) -> None:
    """Refuse to begin where the checkpoints that are kept, and the one being written, do not fit.

    Raises ``DiskFullError``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = (KEPT + 1) * checkpoint_bytes, shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{folder}: {KEPT + 1} checkpoints take {needed:,} bytes, {free:,} are free: make room, or another --out"
        )


def checkpoint_bytes(network: nn.Module, *, moments: int = 2, average: bool = True) -> int:
    """About how large a checkpoint of ``fit`` is: weights, an optimizer's ``moments`` (Adam 2, SGD 1), an average."""
    state: int = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    trained: int = sum(4 * p.numel() for p in network.parameters() if p.requires_grad)
    return state * (1 + average) + moments * trained


def _faults(dataset: Dataset, sample: Sample, backgrounds: bool) -> list[tuple[type[DataError], str]]:
    """What is wrong with one picture and its labels."""
    found: list[tuple[type[DataError], str]] = []
    try:
        image = sample.picture.read()
        if (size := (image.shape[1], image.shape[0])) != sample.size:
            stated = "x".join(map(str, sample.size))
            found.append((CorruptPictureError, f"{sample.picture.path} is {size[0]}x{size[1]}, stated is {stated}"))
    except PictureError as error:
        found.append((CorruptPictureError, str(error)))
    labels = label_findings(sample, may_leave=dataset.kind in ("mot", "simulated"))
    wrong = [finding for finding in labels if finding.kind.is_error and finding.kind is not Kind.TWICE]
    found += [(BrokenLabelError, f"{finding.where}: {finding.kind.value}: {finding.what}") for finding in wrong]
    if not backgrounds and dataset.kind == "yolo" and isinstance(sample.picture, PictureFile) and not len(sample):
        path = label_path(sample.picture.path)
        if path.is_file() and not path.read_text(encoding="utf-8", errors="replace").strip():
            found.append((EmptyLabelFileError, str(path)))
    return found


def _said(dataset: Dataset, faults: Sequence[str], error: type[DataError]) -> str:
    what, mend = _SAID[error]
    more = f", and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return f"{dataset.folder}: {what}: {'; '.join(faults[:_NAMED])}{more}. To go on, {mend}"
