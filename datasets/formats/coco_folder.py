"""COCO datasets: a folder of pictures with annotation files, or one annotation file.

Looked for are ``annotations/*.json``, else ``*.json`` beside the pictures that hold images and annotations. Where a
folder has COCO's ``instances_`` files, its keypoint and caption files of the same pictures are passed over; name one to
read it. A file's split is the word train, val or test in its name; where there are several files, the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from datasets.formats.coco import (
    KEYPOINTS,
    SKELETON,
    CocoAnnotation,
    CocoDataset,
    CocoImage,
    read_coco,
    write_coco,
)
from datasets.formats.files import VIDEO_SUFFIXES, stated_licence
from datasets.pictures import Footage, Picture, PictureFile, VideoFrame
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse

ANNOTATIONS: Final = "annotations"
EXPECTED: Final = "COCO: annotations/*.json, or *.json with images, annotations and categories"
_OURS: Final = frozenset(
    {"id", "image_id", "category_id", "bbox", "iscrowd", "keypoints", "num_keypoints", "track_id", "person"}
)


def annotation_files(folder: Path) -> list[Path]:
    """The annotation files of a COCO folder; none if it is not one."""
    found = sorted((folder / ANNOTATIONS).glob("*.json")) or [p for p in sorted(folder.glob("*.json")) if _is_coco(p)]
    instances = [path for path in found if path.name.startswith("instances_")]
    return instances or [path for path in found if not path.name.startswith("captions_")]


def _is_coco(path: Path) -> bool:
    """Whether a JSON file has, in its first or last bytes, the lists that COCO's have."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
        file.seek(max(path.stat().st_size - (1 << 16), 0))
        text = head + file.read()
    return all(f'"{part}"'.encode() in text for part in ("images", "annotations"))


@dataclass(frozen=True)
class CocoFolder:
    """A COCO dataset at ``folder``, of the annotation ``files``. Raises ``CocoFileError`` and ``DatasetFileError``."""

    folder: Path
    files: tuple[Path, ...]
    kind: str = field(default="coco", init=False)

    @cached_property
    def _parts(self) -> list[tuple[Path, str, CocoDataset]]:
        return [(path, split_word(path.stem, len(self.files)), read_coco(path)) for path in self.files]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the categories by rising id; all files must agree."""
        found = {path: category_names(coco.categories) for path, _, coco in self._parts}
        first = next(iter(found.values()), ())
        for path, names in found.items():
            if names != first:
                raise DatasetFileError(f"{path} has other categories than {self.files[0]}")
        return first

    @cached_property
    def keypoint_names(self) -> tuple[str, ...]:
        """The names of the first category's keypoints that has any."""
        everything = (one for _, _, coco in self._parts for one in coco.categories)
        return next((tuple(one["keypoints"]) for one in everything if one.get("keypoints")), ())

    @cached_property
    def licence(self) -> str:
        """What the manifest, a LICENSE file or the annotation files say."""
        names = [str(one["name"]) for _, _, coco in self._parts for one in coco.licenses if one.get("name")]
        return stated_licence(self.folder) or ", ".join(dict.fromkeys(names))

    def __len__(self) -> int:
        return sum(len(coco.images) for _, _, coco in self._parts)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every picture of every file."""
        for path, split, coco in self._parts:
            bases = [self.folder, self.folder / "images", self.folder / "images" / split, self.folder / split]
            bases += [path.parent, self.folder / path.stem.rpartition("_")[2]]
            yield from coco_samples(coco, bases, self.folder, len(self.keypoint_names), split=split, on_fault=on_fault)


def split_word(stem: str, files: int) -> str:
    """The split that an annotation file is named after: train, val or test in it; else, if one of several, its name."""
    words = re.split(r"[^a-z]+", stem.lower())
    found = next((word for word in words if word in ("train", "val", "valid", "test")), "")
    return found or (stem if files > 1 and stem != "all" else "")


def category_names(categories: list[dict[str, Any]]) -> tuple[str, ...]:
    """The names of COCO categories by rising id."""
    return tuple(str(one["name"]) for one in sorted(categories, key=lambda one: int(one["id"])))


def coco_samples(
    coco: CocoDataset,
    bases: Iterable[Path],
    folder: Path,
    points: int,
    *,
    split: str = "",
    sequence: str = "",
    groups: Mapping[str, tuple[str, ...]] | None = None,
    person_of: Mapping[str, str] | None = None,
    on_fault: OnFault = refuse,
) -> Iterator[Sample]:
    """The pictures of one file, found in the first of ``bases`` that has them; frames of videos by ``frame_index``.

    ``folder`` is what names start from, ``points`` how many keypoints objects have (0: none). ``sequence`` and
    ``groups`` are those of all pictures, unless the file says it of a picture; ``person_of`` gives a track's person.
    """
    label = {one["id"]: place for place, one in enumerate(sorted(coco.categories, key=lambda one: int(one["id"])))}
    by_image = coco.by_image()
    choices = list(dict.fromkeys(bases))
    footage: Footage | None = None
    try:
        for image in coco.images:
            path = _found(image["file_name"], choices)
            picture: Picture = PictureFile(path)
            if path.suffix.lower() in VIDEO_SUFFIXES:
                if footage is None or footage.path != path:
                    if footage is not None:
                        footage.close()
                    footage = Footage(path)
                picture = VideoFrame(footage, image.get("frame_index", 0))
            name = _name(image, path, folder)
            objects = [one for one in by_image[image["id"]] if _is_sound(one, points, name, on_fault)]
            given: Any = image
            tracks = tuple(str(one.get("track_id", "")) for one in objects)
            people = tuple((person_of or {}).get(track, "") for track in tracks)
            stated = tuple(str(one.get("person", "")) for one in objects)
            yield Sample(
                name,
                picture,
                (image["width"], image["height"]),
                _boxes(objects),
                np.array([label[one["category_id"]] for one in objects], np.int64),
                _keypoints(objects, points),
                np.array([bool(one.get("iscrowd", 0)) for one in objects], np.bool_),
                tracks if any(tracks) else (),
                next((each for each in (stated, people) if any(each)), ()),
                tuple({key: value for key, value in one.items() if key not in _OURS} for one in objects),
                given.get("sequence", sequence),
                image.get("frame_index", 0),
                split,
                {key: tuple(values) for key, values in given.get("groups", groups or {}).items()},
            )
    finally:
        if footage is not None:
            footage.close()


def _found(file_name: str, choices: list[Path]) -> Path:
    """The picture in the first folder that has it, which is then asked first for the next."""
    for place, base in enumerate(choices):
        if (base / file_name).is_file():
            if place:
                choices.insert(0, choices.pop(place))
            return base / file_name
    return choices[0] / file_name


def _name(image: CocoImage, path: Path, folder: Path) -> str:
    inside = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else image["file_name"]
    return f"{inside}#{image.get('frame_index', 0)}" if path.suffix.lower() in VIDEO_SUFFIXES else inside


def _is_sound(one: CocoAnnotation, points: int, name: str, on_fault: OnFault) -> bool:
    numbers = [*one["bbox"], *(one.get("keypoints") or [])]
    if not all(isinstance(number, int | float) for number in numbers):
        on_fault(name, f"annotation {one['id']} has a bbox or keypoints that are no numbers")
        return False
    if len(one.get("keypoints") or []) not in (0, 3 * points):
        on_fault(name, f"annotation {one['id']} has {len(one['keypoints'])} numbers in keypoints, not {3 * points}")
        return False
    return True


def _boxes(objects: list[CocoAnnotation]) -> np.ndarray[Any, np.dtype[np.float64]]:
    xywh = np.array([one["bbox"] for one in objects], np.float64).reshape(-1, 4)
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def _keypoints(objects: list[CocoAnnotation], points: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    if not points:
        return None
    none = [0.0] * (3 * points)
    return np.array([one.get("keypoints") or none for one in objects], np.float64).reshape(-1, points, 3)


class CocoWriter:
    """Writes pictures to ``images/`` and, a file a split, ``annotations/SPLIT.json`` (``all.json`` without splits).

    Sequence, groups, tracks and people are kept as further fields, and what COCO files said of objects is kept.
    """

    def __init__(self, folder: Path, source: Dataset) -> None:
        self._folder, self._source = folder, source
        (folder / "images").mkdir()
        (folder / ANNOTATIONS).mkdir()
        self._parts: dict[str, tuple[list[CocoImage], list[CocoAnnotation]]] = {}
        self._pictures = self._objects = 0

    def add(self, sample: Sample, stem: str) -> int:
        """Write a sample as ``stem``; how many objects were written."""
        data, suffix = sample.picture.encoded()
        (self._folder / "images" / f"{stem}{suffix}").write_bytes(data)
        images, annotations = self._parts.setdefault(sample.split or "all", ([], []))
        self._pictures += 1
        image: Any = {"id": self._pictures, "file_name": f"{stem}{suffix}"}
        image |= {"width": sample.size[0], "height": sample.size[1]}
        if sample.sequence:
            image |= {"sequence": sample.sequence, "frame_index": sample.frame}
        if sample.groups:
            image["groups"] = {key: list(values) for key, values in sorted(sample.groups.items())}
        images.append(image)
        for place in range(len(sample)):
            self._objects += 1
            annotations.append(self._annotation(sample, place))
        return len(sample)

    def _annotation(self, sample: Sample, place: int) -> CocoAnnotation:
        left, top, right, bottom = sample.xyxy[place].tolist()
        one: Any = {"id": self._objects, "image_id": self._pictures, "category_id": int(sample.label[place]) + 1}
        one |= {"bbox": [left, top, _exact(right - left), _exact(bottom - top)]}
        one |= {"area": _exact((right - left) * (bottom - top))}
        one |= {"iscrowd": int(not sample.counted[place])}
        if sample.keypoints is not None:
            points = sample.keypoints[place]
            one |= {"keypoints": points.ravel().tolist(), "num_keypoints": int(np.count_nonzero(points[:, 2]))}
        for what in ("track_id", "person"):
            if values := getattr(sample, what):
                one[what] = values[place]
        return one | (dict(sample.details[place]) if sample.details else {})  # type: ignore[no-any-return]

    def finish(self) -> None:
        """Write the annotation files."""
        names = self._source.keypoint_names
        skeleton = [list(pair) for pair in SKELETON] if names == KEYPOINTS else []
        categories: list[dict[str, Any]] = [
            {"id": place, "name": name, **({"keypoints": list(names), "skeleton": skeleton} if names else {})}
            for place, name in enumerate(self._source.classes, 1)
        ]
        licences = [{"id": 1, "name": self._source.licence, "url": ""}] if self._source.licence else []
        for split, (images, objects) in (self._parts or {"all": ([], [])}).items():
            path = self._folder / ANNOTATIONS / f"{split}.json"
            write_coco(path, CocoDataset(images, objects, categories, {}, licences))

    def close(self) -> None:
        """Nothing is open between pictures."""


def _exact(number: float) -> float:
    """``number`` without the noise that a subtraction leaves in its last places."""
    return round(number, 9)
