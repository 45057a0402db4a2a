"""The stages of a worker one after the other in one process: what they cost without anything between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import spent_s
from cameras.open import open_source
from cameras.planes import PlanarFrame, Planes, decoded, planes_shape
from models.people import open_person_detector
from store.views import CameraView
from vision.appearance import colour_embedding
from vision.detections import Detections
from vision.worker.following import CameraFollower
from vision.worker.looking import Look

Written = tuple[str, int, float, tuple[int, int]]


def stages(cameras: Sequence[Path], weights: str, pictures: int) -> float:
    """CPU seconds a picture of decoding, copying, converting, finding, describing and following, ``pictures`` of each
    camera; those of all cameras go through the network together, two at a time.
    """
    detector = open_person_detector(weights)
    followers: dict[str, CameraFollower] = {}
    with open_source(str(cameras[0])) as source:
        blank = np.zeros((source.size[1], source.size[0], 3), np.uint8)
    detector.detect([blank, blank])
    turns = [_written(path) for path in cameras]
    slots = [next(each) for each in turns]  # opening a film is no stage
    began = spent_s()
    for _ in range(pictures):
        taken = [next(each) for each in turns]
        images = [PlanarFrame(*said, planes).bgr() for said, planes in taken]
        for first in range(0, len(taken), 2):
            part = taken[first : first + 2]
            answers = detector.detect(images[first : first + 2], 0.1)
            for (said, _), image, boxes in zip(part, images[first : first + 2], answers, strict=True):
                name, index, captured_at, size = said
                looks = colour_embedding(image, boxes.xyxy)
                found = Detections(boxes.xyxy, boxes.confidence, boxes.keypoints, looks)
                if name not in followers:
                    view = CameraView(camera=name, size=size)
                    followers[name] = CameraFollower("bench", view, 10.0, lambda events: None)
                followers[name].take(Look(name, index, captured_at, found, 0, 0.0, 0.0, 0.0, len(part)))
    spent = spent_s() - began
    del slots
    return spent / (pictures * len(cameras))


def _written(path: Path) -> Iterator[tuple[Written, Planes]]:
    with open_source(str(path)) as source:
        out = np.zeros(planes_shape(source.size), np.uint8)
        for picture in decoded(source):
            picture.write(out)
            yield (path.stem, picture.index, picture.captured_at, source.size), out
