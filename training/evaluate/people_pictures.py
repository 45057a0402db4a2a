"""Pictures with people in them, of any dataset, as detectors of people are scored on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.formats.registry import open_dataset
from datasets.sample import Dataset, Sample
from datasets.simulation.filming.recipes import safe_name
from models.boxes import overlaps
from training.errors import DataError
from training.evaluate.slices import ANGLE, CROWDING, HEIGHT, LIGHT, heights, light, middles, view_angle_deg

Float = NDArray[np.float64]

SLICINGS: Final = (ANGLE, HEIGHT, CROWDING, LIGHT)
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Who must be found: people seen by ``visible`` of their body or more, on ``area`` pixels or more."""

    visible: float = 0.6
    area: float = 400.0


@dataclass(frozen=True, slots=True)
class Question:
    """Which people of which pictures are to be found: in every ``every``-th picture of the dataset at ``folder``.

    ``cameras`` and ``split`` narrow it down to cameras and a split of these names; empty, all count.
    """

    folder: Path
    cameras: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    every: int = 1
    split: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The limits, for JSON."""
        return {"min_visible": self.limits.visible, "min_area": self.limits.area}

    def __str__(self) -> str:
        return f"people seen by {self.limits.visible:.0%} or more, {self.limits.area:g} px or more"


@dataclass(frozen=True, slots=True, eq=False)
class PeoplePicture:
    """A picture and the m people in it.

    ``seen`` (m, 4) bounds what is seen of each, ``whole`` (m, 4) the whole body within the picture (the same where
    nothing says), ``body`` (m, 4) all of it, which may exceed the picture. ``area`` (m,) pixels are seen. ``wanted``
    (m,) must be found. ``keypoints`` (m, 17, 3) with COCO's visibility, or None. ``group`` is what a bootstrap draws:
    the camera of a run, or the picture.
    """

    name: str
    camera: str
    group: str
    image: NDArray[np.uint8]
    seen: Float
    whole: Float
    body: Float
    area: Float
    wanted: NDArray[np.bool_]
    keypoints: Float | None
    lens: CameraModel | None

    def likeness(self, xyxy: NDArray[np.float32]) -> Float:
        """Intersection over union (n, m) of boxes (n, 4) with what is seen or the whole, whichever fits better."""
        both = (overlaps(xyxy, each.astype(np.float32))[0] for each in (self.seen, self.whole))
        return np.maximum(*both).astype(np.float64)

    def forgiven(self, xyxy: NDArray[np.float32], limits: Limits) -> NDArray[np.bool_]:
        """Which boxes (n, 4) may find nobody: smaller than who must be found, or by half on somebody who must not."""
        boxes = xyxy.astype(np.float64)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        others = self.whole[~self.wanted]
        sides = np.minimum(boxes[:, None, 2:], others[:, 2:]) - np.maximum(boxes[:, None, :2], others[:, :2])
        shared = np.clip(sides, 0.0, None).prod(axis=2)
        return np.asarray((shared >= _HALF * area[:, None]).any(axis=1) | (area < limits.area))

    def parts(self, xyxy: NDArray[np.floating[Any]]) -> dict[str, NDArray[np.int64]]:
        """In which part of each of ``SLICINGS`` boxes (n, 4) lie, each (n,); -1 where that is not known."""
        count = len(xyxy)
        angle = np.full(count, np.nan) if self.lens is None else view_angle_deg(self.lens, middles(xyxy))
        values = {
            ANGLE: angle,
            HEIGHT: heights(xyxy),
            CROWDING: np.full(count, float(len(self.wanted))),
            LIGHT: np.full(count, light(self.image)),
        }
        return {slicing.name: slicing.of(value) for slicing, value in values.items()}


def people_pictures(
    question: Question, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[PeoplePicture]:
    """The pictures of a question.

    People are the class "person", or the only class. What a dataset marks as ignored, and who is beyond the limits,
    is not wanted. Raises ``DatasetFileError``, ``PictureError``, and ``DataError`` where there are no people, no such
    cameras or no such split.
    """
    dataset = open_dataset(question.folder)
    person = _person(dataset)
    lenses: dict[str, Mapping[str, CameraModel]] = {}
    seen: dict[str, int] = {}
    cameras: set[str] = set()
    splits: set[str] = set()
    total, shown = len(dataset), 0
    for done, sample in enumerate(dataset.samples(), 1):
        camera = camera_of(sample)
        cameras.add(camera)
        splits.add(sample.split)
        place = seen[sample.sequence] = seen.get(sample.sequence, -1) + 1
        asked = not question.cameras or camera in question.cameras
        if asked and question.split in ("", sample.split) and place % question.every == 0:
            shown += 1
            yield _picture(dataset, sample, person, camera, question.limits, lenses)
        progress(done, total)
    if unknown := sorted(set(question.cameras) - cameras):
        raise DataError(f"{question.folder}: no camera {', '.join(unknown)}; there are: {', '.join(sorted(cameras))}")
    if not shown:
        there = f"; there are: {', '.join(sorted(filter(None, splits))) or 'none'}" if question.split else ""
        raise DataError(
            f"{question.folder}: no picture{f' of split {question.split}' if question.split else ''}{there}"
        )


def camera_of(sample: Sample) -> str:
    """The name of the camera that took a picture; "all" where nothing says."""
    if sample.sequence:
        return sample.sequence.rpartition("/")[2]
    return (sample.values("camera") or ("all",))[0]


def _person(dataset: Dataset) -> int:
    names = [name.lower() for name in dataset.classes]
    if "person" in names:
        return names.index("person")
    if len(names) == 1:
        return 0
    raise DataError(f"{dataset.folder} has no class person; it has: {', '.join(dataset.classes)}")


def _picture(
    dataset: Dataset,
    sample: Sample,
    person: int,
    camera: str,
    limits: Limits,
    lenses: dict[str, Mapping[str, CameraModel]],
) -> PeoplePicture:
    people = sample.take(sample.label == person)
    details: Sequence[Mapping[str, Any]] = people.details or [{}] * len(people)
    seen = people.xyxy.astype(np.float64)
    body = np.array([_corners(one, box) for one, box in zip(details, seen.tolist(), strict=True)]).reshape(-1, 4)
    sides = (seen[:, 2:] - seen[:, :2]).prod(axis=1)
    area = np.array([float(one.get("area", side)) for one, side in zip(details, sides.tolist(), strict=True)])
    share = np.array([float(one.get("visible_share", 1.0)) for one in details])
    wanted = people.counted & (share >= limits.visible) & (area >= limits.area)
    run = (sample.values("run") or ("",))[0]
    if run and run not in lenses:
        lenses[run] = _lenses(dataset.folder / "runs" / run / "calibration.json")
    return PeoplePicture(
        sample.name,
        camera,
        sample.sequence or sample.name,
        sample.picture.read(),
        seen,
        np.clip(body, 0.0, np.tile(np.array(sample.size, np.float64), 2)),
        body,
        area,
        wanted,
        people.keypoints,
        lenses[run].get(camera) if run else None,
    )


def _corners(one: Mapping[str, Any], seen: list[float]) -> list[float]:
    if "bbox_full" not in one:
        return seen
    x, y, width, height = (float(number) for number in one["bbox_full"])
    return [x, y, x + width, y + height]


def _lenses(path: Path) -> Mapping[str, CameraModel]:
    """The cameras of a simulated run, by the names of their folders; none where the file is not there."""
    if not path.is_file():
        return {}
    said = json.loads(path.read_text(encoding="utf-8"))
    return {
        safe_name(name): CameraModel(
            name,
            (int(one["size"][0]), int(one["size"][1])),
            *(np.array(one[part], np.float64) for part in ("matrix", "distortion", "rotation", "position")),
        )
        for name, one in said.items()
    }
