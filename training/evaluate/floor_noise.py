"""What a detector might give where there are no pictures: true boxes with noise, as `aisle evaluate floor` has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.floor_scene import FloorScene
from vision.detections import Detections

JITTER: Final = 0.03  # of a box's height: the standard deviation of its centre, across and down
MISSED: Final = 0.1
FALSE_BOXES: Final = 0.5  # a camera and frame, Poisson
_LEAST_PX: Final = 4.0  # what the picture's edge leaves less of, nobody finds


def true_detections(scene: FloorScene) -> Iterator[dict[str, Detections]]:
    """For each moment the boxes as they are, by camera; a camera that gave no picture is absent."""
    yield from _by_moment(scene, scene.frame[scene.box_row], scene.box_camera, scene.xyxy)


def noisy_detections(scene: FloorScene, seed: int) -> Iterator[dict[str, Detections]]:
    """The same with noise, drawn by ``seed``.

    Of the true boxes, a tenth is missed; the centres of the others move by 3 % of the box's height (Gaussian, across
    and down alike). Each camera and frame has half a false box in the mean (Poisson): a true box's width and height,
    of the same camera at any moment, centred anywhere in the picture. All are cut at the picture's edges.
    """
    rng = np.random.default_rng(seed)
    frame = scene.frame[scene.box_row]
    found = rng.random(len(frame)) >= MISSED
    height = scene.xyxy[:, 3] - scene.xyxy[:, 1]
    shift = rng.normal(size=(len(frame), 2)) * JITTER * height[:, None]
    moved = scene.xyxy + np.tile(shift, 2)
    frames, cameras, boxes = [frame[found]], [scene.box_camera[found]], [moved[found]]
    for place, camera in enumerate(scene.cameras):
        count = rng.poisson(FALSE_BOXES, len(scene.time_s))
        own = scene.xyxy[scene.box_camera == place]
        if not len(own):
            continue
        like = own[rng.integers(len(own), size=count.sum())]
        half = (like[:, 2:] - like[:, :2]) / 2
        centre = rng.random((len(like), 2)) * camera.size
        frames.append(np.repeat(np.arange(len(count)), count))
        cameras.append(np.full(len(like), place))
        boxes.append(np.concatenate([centre - half, centre + half], axis=1))
    all_frames, all_cameras, all_boxes = np.concatenate(frames), np.concatenate(cameras), np.concatenate(boxes)
    edge = np.array([camera.size for camera in scene.cameras], np.float64)[all_cameras]
    all_boxes = np.clip(all_boxes, 0.0, np.tile(edge, 2))
    left = (all_boxes[:, 2:] - all_boxes[:, :2] >= _LEAST_PX).all(axis=1)
    yield from _by_moment(scene, all_frames[left], all_cameras[left], all_boxes[left])


def _by_moment(
    scene: FloorScene, frame: NDArray[np.int64], camera: NDArray[np.int64], xyxy: NDArray[np.float64]
) -> Iterator[dict[str, Detections]]:
    count = len(scene.cameras)
    key = frame * count + camera
    order = np.argsort(key, kind="stable")
    ends = np.searchsorted(key[order], np.arange(len(scene.time_s) * count + 1))
    boxes = xyxy[order].astype(np.float32)
    for t in range(len(scene.time_s)):
        seen = {}
        for place, model in enumerate(scene.cameras):
            if scene.dark is not None and scene.dark[t, place]:
                continue
            own = boxes[ends[t * count + place] : ends[t * count + place + 1]]
            seen[model.camera] = Detections(own, np.ones(len(own), np.float32))
        yield seen
