"""A room with cameras in its corners, and people who walk as they are told; boxes without pictures."""

import numpy as np

from cameras.geometry import CameraModel, look_at
from datasets.floor_scene import FloorScene
from vision.detections import Detections

SIZE = (1280, 720)


def camera(name, position, target, focal=900.0, size=SIZE, distortion=(0, 0, 0, 0, 0)):
    matrix = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    position = np.array(position, np.float64)
    rotation = look_at(position, np.array(target, np.float64))
    return CameraModel(name, size, matrix, np.array(distortion, np.float64), rotation, position)


def corners(count=4, side=14.0, height=2.8, focal=800.0):
    """``count`` cameras around the middle of a room, which all look there."""
    angle = np.arange(count) * 2 * np.pi / count + 0.3
    around = side / 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    return tuple(camera(f"c{n}", (*xy, height), (0, 0, 0.8), focal) for n, xy in enumerate(around))


def boxes(model, xy, height=1.7, wide=0.5):
    """Whole bodies' boxes (n, 4) of people at ``xy`` (n, 2), which may exceed the picture; NaN behind the camera."""
    foot = np.column_stack([xy, np.zeros(len(xy))])
    head = foot + np.column_stack([np.zeros((len(xy), 2)), np.broadcast_to(height, len(xy))])
    low, high = model.project(foot), model.project(head)
    middle = (low[:, 0] + high[:, 0]) / 2
    half = wide / 2 / np.broadcast_to(height, len(xy)) * (low[:, 1] - high[:, 1])
    return np.column_stack([middle - half, high[:, 1], middle + half, low[:, 1]])


def detections(xyxy):
    return Detections(np.asarray(xyxy, np.float32).reshape(-1, 4), np.ones(len(xyxy), np.float32))


def scene(cameras, paths, rate=5.0, height=1.7, name="room"):
    """People on ``paths`` (people, moments, 2), NaN where they are not there."""
    person, frame = np.nonzero(np.isfinite(paths[..., 0]))
    order = np.lexsort((person, frame))
    person, frame = person[order], frame[order]
    xy = paths[person, frame]
    rows, seen_by, found = [], [], []
    for place, model in enumerate(cameras):
        xyxy = boxes(model, xy, height)
        middle = (xyxy[:, :2] + xyxy[:, 2:]) / 2
        seen = np.flatnonzero(((middle > 0) & (middle < model.size)).all(axis=1))
        rows.append(seen)
        seen_by.append(np.full(len(seen), place))
        found.append(xyxy[seen])
    return FloorScene(
        name,
        tuple(cameras),
        np.arange(paths.shape[1]) / rate,
        frame,
        person,
        xy,
        np.concatenate(rows),
        np.concatenate(seen_by),
        np.concatenate(found),
    )


def walk(start, end, moments):
    return np.linspace(start, end, moments)
