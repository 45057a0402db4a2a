"""The people that a detector finds in a scene's own pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.files import VideoFile
from datasets.floor_scene import FloorScene, Footage
from datasets.sample import DatasetFileError
from models.people import PersonDetector
from training.evaluate.checkout_kept import KeptPeople
from vision.detections import Detections
from vision.floor.looks import described

BATCH = 8
LEAST = 0.3  # of confidence: from it on the shipped network's boxes are people

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FloorEyes:
    """``detector`` finds people, with their joints where it knows them. What it finds is kept in each run's folder in
    the file called ``kept``, where that is given.
    """

    detector: PersonDetector
    kept: str | None = None


def found_detections(
    scene: FloorScene, eyes: FloorEyes, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[dict[str, Detections]]:
    """For each moment what ``eyes`` find, by camera; a camera that gave no picture is absent.

    ``progress`` is told pictures looked at and pictures in all. Raises ``DatasetFileError`` for a scene without
    pictures, and for a picture that is not there.
    """
    if not scene.footage:
        raise DatasetFileError(f"{scene.name} has no pictures: only films of `aisle simulate` have")
    seen: list[dict[str, Detections]] = [{} for _ in scene.time_s]
    total = sum(int((each.picture >= 0).sum()) for each in scene.footage)
    done = 0
    run = scene.footage[0].path.parents[2]  # run/cameras/NAME/film
    vest = scene.plan.staff_vest if scene.plan is not None else None
    kept = KeptPeople(eyes.detector, LEAST, run / eyes.kept) if eyes.kept else None
    for model, footage in zip(scene.cameras, scene.footage, strict=True):
        moments = np.flatnonzero(footage.picture >= 0)
        pictures = _pictures(footage, scene.name)
        for start in range(0, len(moments), BATCH):
            batch = moments[start : start + BATCH]
            images = [next(pictures) for _ in batch]
            keys = [(model.camera, float(footage.picture[moment])) for moment in batch]
            found = kept.find(keys, images) if kept else eyes.detector.detect(images, LEAST)
            for moment, image, boxes in zip(batch, images, found, strict=True):
                people = Detections(boxes.xyxy, boxes.confidence, boxes.keypoints)
                seen[moment][model.camera] = described(image, people, vest)
            done += len(batch)
            progress(done, total)
        if kept:
            kept.keep()
    return seen


def _pictures(footage: Footage, name: str) -> Iterator[Image]:
    """The pictures of the moments that have one, in order."""
    wanted = footage.picture[footage.picture >= 0].tolist()
    if footage.path.is_dir():
        files = sorted(footage.path.iterdir())
        for place in wanted:
            image = cv2.imread(str(files[place])) if place < len(files) else None
            if image is None:
                raise DatasetFileError(f"{name}: {footage.path} has no picture {place + 1}")
            yield np.asarray(image, np.uint8)
        return
    places = iter(wanted)
    place = next(places, None)
    for frame in _film(footage.path):
        if frame.index == place:
            yield frame.image
            place = next(places, None)
    if place is not None:
        raise DatasetFileError(f"{name}: {footage.path} ends before its picture {place + 1}")


def _film(path: Path) -> VideoFile:
    return VideoFile(path, camera=path.stem)
