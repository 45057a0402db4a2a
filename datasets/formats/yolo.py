"""YOLO datasets as ultralytics documents them: ``data.yaml``, ``images/`` and a text file a picture in ``labels/``.

https://docs.ultralytics.com/datasets/detect and .../pose. A line is an object: class, centre x, centre y, width, height
as shares of the picture, then for poses ``kpt_shape`` numbers, x and y as shares too, v as COCO has it. Lines with
other counts of numbers are polygons, whose bounds are taken. A picture without a text file shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from datasets.formats.coco import KEYPOINTS
from datasets.formats.files import folders_in, is_picture, pictures_below, read_lines, stated_licence
from datasets.formats.remarks import REMARKS, read_remarks, remark_line, with_remarks
from datasets.pictures import PictureError, PictureFile, picture_size
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse

YAML: Final = "data.yaml"
EXPECTED: Final = "YOLO: data.yaml with train, val and names, images/ and labels/"
SPLITS: Final = ("train", "val", "test", "minival")


@dataclass(frozen=True)
class YoloFolder:
    """A YOLO dataset described by the YAML file ``file``. Raises ``DatasetFileError``."""

    file: Path
    kind: str = field(default="yolo", init=False)

    @property
    def folder(self) -> Path:
        """Where the YAML file is."""
        return self.file.parent

    @cached_property
    def _said(self) -> dict[str, Any]:
        try:
            said = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise DatasetFileError(f"{self.file} cannot be read as YAML ({error})") from None
        if not isinstance(said, dict) or not said.get("names"):
            raise DatasetFileError(f"{self.file}: expected names, and train or val")
        return said

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        names = self._said["names"]
        if isinstance(names, dict):
            if sorted(names) != list(range(len(names))):
                raise DatasetFileError(f"{self.file}: names must be numbered from 0 without gaps, found {list(names)}")
            names = [names[place] for place in range(len(names))]
        if (count := self._said.get("nc")) not in (None, len(names)):
            raise DatasetFileError(f"{self.file}: nc is {count}, but there are {len(names)} names")
        return tuple(map(str, names))

    @cached_property
    def _shape(self) -> tuple[int, int] | None:
        shape = self._said.get("kpt_shape")
        if shape is None:
            return None
        if not (isinstance(shape, list) and len(shape) == 2 and shape[0] >= 1 and shape[1] in (2, 3)):
            raise DatasetFileError(f"{self.file}: kpt_shape must be [number, 2 or 3], found {shape}")
        return int(shape[0]), int(shape[1])

    @cached_property
    def keypoint_names(self) -> tuple[str, ...]:
        """The keypoints' names: those of ``kpt_names``, COCO's where there are 17, else their numbers."""
        if self._shape is None:
            return ()
        stated = self._said.get("kpt_names") or {}
        count = self._shape[0]
        if isinstance(stated, dict) and len(names := stated.get(0) or ()) == count:
            return tuple(map(str, names))
        return KEYPOINTS if count == len(KEYPOINTS) else tuple(map(str, range(count)))

    @cached_property
    def licence(self) -> str:
        """What the manifest, a LICENSE file or the YAML file says."""
        return stated_licence(self.folder) or str(self._said.get("license") or "")

    @cached_property
    def _pictures(self) -> list[tuple[str, Path]]:
        """Each picture with its split."""
        root = self.folder / str(self._said.get("path") or "")
        if not root.is_dir():
            root = self.folder
        sources = {split: said for split in SPLITS if (said := self._said.get(split))}
        sources |= {"val": said} if (said := self._said.get("validation")) else {}
        unsplit = len(sources) > 1 and len({str(said) for said in sources.values()}) == 1
        found: dict[Path, str] = {}
        for split, said in sources.items():
            for one in said if isinstance(said, list) else [said]:
                for path in _listed(root, str(one), self.file):
                    found.setdefault(path, "" if unsplit else split)
        for folder in folders_in(self.folder / "images"):
            if folder.name not in (*SPLITS, "all"):
                for path in pictures_below(folder):
                    found.setdefault(path, folder.name)
        return [(split, path) for path, split in found.items()]

    def __len__(self) -> int:
        return len(self._pictures)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every picture by split; its size is read from its header."""
        remarks = read_remarks(self.folder)
        for split, path in self._pictures:
            name = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)
            try:
                size = picture_size(path)
            except PictureError as error:
                on_fault(name, error)
                continue
            rows = list(self._rows(label_path(path), name, on_fault))
            label = np.array([row[0] for row in rows], np.int64)
            xywh = np.array([row[1:5] for row in rows], np.float64).reshape(-1, 4) * np.tile(size, 2)
            xyxy = np.concatenate([xywh[:, :2] - xywh[:, 2:] / 2, xywh[:, :2] + xywh[:, 2:] / 2], axis=1)
            sample = Sample(name, PictureFile(path), size, xyxy, label, self._keypoints(rows, size), split=split)
            yield with_remarks(sample, remarks.get(name))

    def _rows(self, path: Path, name: str, on_fault: OnFault) -> Iterator[list[float]]:
        if not path.is_file():
            return
        pose = 5 + self._shape[0] * self._shape[1] if self._shape else 5
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = [float(word) for word in line.split()]
            except ValueError:
                on_fault(name, f"{path.name}, line {number}: not numbers: {line[:40]!r}")
                continue
            if len(row) != pose and self._shape is None and len(row) >= 7 and len(row) % 2:
                row = [row[0], *_bounds(row[1:])]
            if len(row) != pose:
                on_fault(name, f"{path.name}, line {number}: expected {pose} numbers, found {len(row)}")
            elif row[0] % 1 or not 0 <= row[0] < len(self.classes):
                last = len(self.classes) - 1
                on_fault(name, f"{path.name}, line {number}: class {row[0]:g}, but classes are 0 to {last}")
            else:
                yield row

    def _keypoints(self, rows: list[list[float]], size: tuple[int, int]) -> NDArray[np.float64] | None:
        if self._shape is None:
            return None
        count, numbers = self._shape
        points = np.array([row[5:] for row in rows], np.float64).reshape(-1, count, numbers)
        xy = points[..., :2] * size
        if numbers == 3:
            return np.concatenate([xy, points[..., 2:]], axis=2)
        seen = 2.0 * (points != 0).any(axis=2, keepdims=True)
        return np.concatenate([xy, seen], axis=2)


def _bounds(polygon: list[float]) -> list[float]:
    x, y = polygon[0::2], polygon[1::2]
    return [(min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(x) - min(x), max(y) - min(y)]


def label_path(picture: Path) -> Path:
    """The text file of a picture: ``labels`` for the last ``images`` of its path, ``.txt`` for its suffix."""
    parts = list(picture.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _listed(root: Path, said: str, file: Path) -> list[Path]:
    """The pictures of a folder, or those that a text file lists, from the dataset's folder or from where it is."""
    place = root / said
    if not place.exists() and said.startswith("../"):
        place = root / said[3:]
    if place.is_dir():
        return pictures_below(place)
    if not place.is_file():
        raise DatasetFileError(f"{file} names {said}, but there is no {place}")
    lines = [line.strip() for line in read_lines(place) if line.strip()]
    paths = [place.parent / line if line.startswith("./") else root / line for line in lines]
    return [path for path in paths if is_picture(path)]


class YoloWriter:
    """Writes ``images/SPLIT/``, ``labels/SPLIT/``, ``data.yaml``, and ``samples.jsonl`` with what labels do not say.

    Boxes are cut at the picture's edges; ignored objects are left out, as there is no mark for them. Without splits
    all lies in ``images/all``, which the YAML file names as train and as val.
    """

    def __init__(self, folder: Path, source: Dataset) -> None:
        self._folder, self._source = folder, source
        self._splits: dict[str, None] = {}
        self._remarks = (folder / REMARKS).open("w", encoding="utf-8")

    def add(self, sample: Sample, stem: str) -> int:
        """Write a sample as ``stem``; how many objects were written."""
        split = sample.split or "all"
        if split not in self._splits:
            for what in ("images", "labels"):
                (self._folder / what / split).mkdir(parents=True)
            self._splits[split] = None
        data, suffix = sample.picture.encoded()
        name = f"images/{split}/{stem}{suffix}"
        (self._folder / name).write_bytes(data)
        kept = sample.take(sample.counted).inside()
        path = self._folder / "labels" / split / f"{stem}.txt"
        path.write_text("".join(_lines(kept, len(self._source.keypoint_names))), encoding="utf-8")
        self._remarks.write(remark_line(kept, name))
        return len(kept)

    def finish(self) -> None:
        """Write the YAML file."""
        self._remarks.close()
        said: dict[str, Any] = {split: f"images/{split}" for split in SPLITS if split in self._splits}
        rest = [split for split in self._splits if split not in SPLITS]
        if not said and rest:
            said["train"] = f"images/{rest[0]}"
        if said:
            said.setdefault("train", next(iter(said.values())))
            said.setdefault("val", said.get("test", said["train"]))
        said["names"] = dict(enumerate(self._source.classes))
        if names := self._source.keypoint_names:
            said |= {"kpt_shape": [len(names), 3], "flip_idx": flipped(names), "kpt_names": {0: list(names)}}
        if self._source.licence:
            said["license"] = self._source.licence
        text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
        (self._folder / YAML).write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Free what is open; safe to call twice."""
        self._remarks.close()


def _lines(sample: Sample, points: int) -> Iterator[str]:
    size = np.tile(sample.size, 2)
    xyxy = sample.xyxy / size
    xywh = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    for place in range(len(sample)):
        words = [str(int(sample.label[place])), *(f"{number:.8f}" for number in xywh[place])]
        if points and sample.keypoints is not None:
            for x, y, seen in sample.keypoints[place].tolist():
                words += [f"{x / sample.size[0]:.8f}", f"{y / sample.size[1]:.8f}", f"{seen:.0f}"]
        yield " ".join(words) + "\n"


def flipped(names: tuple[str, ...]) -> list[int]:
    """Which keypoint each becomes in a mirrored picture: left for right by name."""
    mirrored = [name.replace("left", "\0").replace("right", "left").replace("\0", "right") for name in names]
    return [names.index(other) if other in names else place for place, other in enumerate(mirrored)]
