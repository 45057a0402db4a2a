"""Every format by name: how to tell it, open it, write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from datasets.formats import coco_folder, mot_folder, photos, reviews, simulated, yolo
from datasets.formats.coco_folder import CocoFolder, CocoWriter
from datasets.formats.mot_folder import MotFolder, MotWriter
from datasets.formats.photos import PhotoFolder, PhotoWriter
from datasets.formats.reviews import ReviewFolder, ReviewWriter
from datasets.formats.simulated import SimulatedDataset
from datasets.formats.yolo import YoloFolder, YoloWriter
from datasets.sample import Dataset, DatasetFileError, Sample
from datasets.splits import with_splits

EXPECTED: Final = tuple(each.EXPECTED for each in (simulated, coco_folder, yolo, mot_folder, reviews, photos))


class Writer(Protocol):
    """Writes a dataset into an empty folder, picture by picture."""

    def add(self, sample: Sample, stem: str) -> int:
        """Write a sample as ``stem``, unique in the dataset; how many objects were written."""
        ...

    def finish(self) -> None:
        """Write what is only known at the end."""
        ...

    def close(self) -> None:
        """Free what is open; safe to call twice, finished or not."""
        ...


WRITERS: Final[dict[str, Callable[[Path, Dataset], Writer]]] = {
    "coco": CocoWriter,
    "yolo": YoloWriter,
    "mot": MotWriter,
    "photos": PhotoWriter,
    "reviews": ReviewWriter,
}


def open_dataset(path: Path, split_file: Path | None = None) -> Dataset:
    """The dataset at ``path``, whatever its format: a folder, a COCO file or YOLO's YAML file.

    Splits are those of ``split_file``, else of a split file in the folder, else the dataset's own. Raises
    ``DatasetFileError`` listing what was expected when ``path`` is no dataset, and what reading it raises.
    """
    return with_splits(_recognised(path), split_file)


def _recognised(path: Path) -> Dataset:
    if not path.exists():
        raise DatasetFileError(f"{path}: there is no such folder")
    if path.is_file() and path.suffix == ".json":
        return CocoFolder(path.parent.parent if path.parent.name == coco_folder.ANNOTATIONS else path.parent, (path,))
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        return YoloFolder(path)
    if path.is_dir():
        if simulated.runs(path):
            return SimulatedDataset(path)
        if (path / yolo.YAML).is_file():
            return YoloFolder(path / yolo.YAML)
        if files := coco_folder.annotation_files(path):
            return CocoFolder(path, tuple(files))
        if (path / reviews.LINES).is_file():
            return ReviewFolder(path)
        if mot_folder.sequences(path):
            return MotFolder(path)
        if (path / photos.CLASSES).is_file() or photos.class_folders(path):
            return PhotoFolder(path)
    raise DatasetFileError(f"{path} is no dataset that is known. Expected one of\n  " + "\n  ".join(EXPECTED))
