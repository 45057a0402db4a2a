"""Photos of products: a folder a class, or lists of photos with their classes.

Folders: ``CLASS/*.jpg``, such as ``aisle store photos`` writes by GTIN, or ``SPLIT/CLASS/*.jpg``. Lists:
``classes.csv`` with class_id, name and maybe catalogue_photo, and a ``SPLIT.csv`` a split with path and class_id; paths
start from the folder or from its ``images/``. Catalogue photos are in the split "catalogue". The class of a photo is a
box over all of it, and its product the class's name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from datasets.formats.files import SPLIT_NAMES, folders_in, is_picture, natural, read_lines, stated_licence
from datasets.formats.remarks import REMARKS, read_remarks, remark_line, with_remarks
from datasets.pictures import PictureError, PictureFile, jpeg, picture_size
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse

EXPECTED: Final = "photos: CLASS/*.jpg, SPLIT/CLASS/*.jpg, or classes.csv with a SPLIT.csv a split"
CLASSES: Final = "classes.csv"
CATALOGUE: Final = "catalogue"
_NO_CLASS: Final = frozenset({"images", "labels", "annotations", "frames", "img1"})  # of other formats, broken


def class_folders(folder: Path) -> list[tuple[str, Path]]:
    """The split ("" for none) and folder of each class of a folder of photos; none if it is not one."""
    tops = folders_in(folder)
    if tops and all(path.name in SPLIT_NAMES or path.name == CATALOGUE for path in tops):
        return [(top.name, path) for top in tops for path in folders_in(top) if _has_pictures(path)]
    if any(is_picture(path) for path in folder.glob("*")):
        return []
    return [("", path) for path in tops if path.name not in _NO_CLASS and _has_pictures(path)]


def _has_pictures(folder: Path) -> bool:
    return any(is_picture(path) for path in folder.iterdir())


@dataclass(frozen=True)
class PhotoFolder:
    """The photos at ``folder``. Raises ``DatasetFileError``."""

    folder: Path
    kind: str = field(default="photos", init=False)
    keypoint_names: tuple[str, ...] = field(default=(), init=False)

    @cached_property
    def _listed(self) -> bool:
        return (self.folder / CLASSES).is_file()

    @cached_property
    def _classes(self) -> list[dict[str, str]]:
        return _rows(self.folder / CLASSES, "class_id", "name")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes: in the order of the list, or of the folders' names."""
        if self._listed:
            return tuple(row["name"] for row in self._classes)
        return tuple(sorted({path.name for _, path in class_folders(self.folder)}))

    @property
    def licence(self) -> str:
        """What the manifest or a LICENSE file says."""
        return stated_licence(self.folder)

    @cached_property
    def _photos(self) -> list[tuple[str, Path, int]]:
        """Split, file and class of each photo."""
        if self._listed:
            return list(self._listed_photos())
        place = {name: number for number, name in enumerate(self.classes)}
        return [
            (split, path, place[folder.name])
            for split, folder in class_folders(self.folder)
            for path in sorted(filter(is_picture, folder.iterdir()), key=natural)
        ]

    def _listed_photos(self) -> Iterator[tuple[str, Path, int]]:
        place = {row["class_id"]: number for number, row in enumerate(self._classes)}
        for number, row in enumerate(self._classes):
            if row.get("catalogue_photo"):
                yield CATALOGUE, self.folder / row["catalogue_photo"], number
        for path in sorted(self.folder.glob("*.csv")):
            if path.name == CLASSES:
                continue
            for row in _rows(path, "path", "class_id"):
                if row["class_id"] not in place:
                    raise DatasetFileError(f"{path}: {row['path']} is of class {row['class_id']}, unknown to {CLASSES}")
                photo = self.folder / row["path"]
                inside = self.folder / "images" / row["path"]
                yield path.stem, photo if photo.is_file() else inside, place[row["class_id"]]

    def __len__(self) -> int:
        return len(self._photos)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every photo; its size is read from its header."""
        remarks = read_remarks(self.folder)
        for split, path, label in self._photos:
            name = path.relative_to(self.folder).as_posix()
            try:
                size = picture_size(path)
            except PictureError as error:
                on_fault(name, error)
                continue
            box = np.array([[0, 0, *size]], np.float64)
            groups = {"product": (self.classes[label],)}
            sample = Sample(name, PictureFile(path), size, box, np.array([label], np.int64), split=split, groups=groups)
            yield with_remarks(sample, remarks.get(name))


def _rows(path: Path, *wanted: str) -> list[dict[str, str]]:
    table = csv.DictReader(read_lines(path))
    lacking = [name for name in wanted if name not in (table.fieldnames or ())]
    if lacking:
        raise DatasetFileError(f"{path}: no column {', '.join(lacking)}")
    rows = list(table)
    for row in rows:
        if not all(row[name] for name in wanted):
            raise DatasetFileError(
                f"{path}: a row without {' or '.join(wanted)}: {','.join(filter(None, row.values()))}"
            )
    return rows


class PhotoWriter:
    """Cuts every object out: ``CLASS/NAME.jpg``, or ``SPLIT/CLASS/NAME.jpg``. Ignored objects are left out.

    A picture that its object fills is kept as it is.
    """

    def __init__(self, folder: Path, source: Dataset) -> None:
        self._folder = folder
        self._folders = [name.replace("/", "-").lstrip(".") or "-" for name in source.classes]
        if len(set(self._folders)) < len(self._folders):
            raise DatasetFileError("two classes would have the same folder")
        self._remarks = (folder / REMARKS).open("w", encoding="utf-8")

    def add(self, sample: Sample, stem: str) -> int:
        """Write the objects of a sample as ``stem``; how many were written."""
        kept = sample.take(sample.counted).inside()
        whole = len(kept) == 1 and kept.xyxy[0].tolist() == [0, 0, *kept.size]
        image = None if whole or not len(kept) else kept.picture.read()
        for place, (x1, y1, x2, y2) in enumerate(kept.xyxy.tolist()):
            class_name = self._folders[kept.label[place]]
            folder = self._folder / kept.split / class_name
            folder.mkdir(parents=True, exist_ok=True)
            if image is None:
                data, suffix = kept.picture.encoded()
                file = folder / f"{stem}{suffix}"
            else:
                cut = image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
                data, file = jpeg(np.ascontiguousarray(cut)), folder / f"{stem}-{place}.jpg"
            file.write_bytes(data)
            mask = np.arange(len(kept)) == place
            self._remarks.write(remark_line(kept.take(mask), file.relative_to(self._folder).as_posix()))
        return len(kept)

    def finish(self) -> None:
        """Nothing is left to write."""
        self._remarks.close()

    def close(self) -> None:
        """Free what is open; safe to call twice."""
        self._remarks.close()
