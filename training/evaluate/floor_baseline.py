"""The plain way, to compare with: foot points by homography, greedy clusters, SORT on the floor.

Each box's foot goes to the floor. Boxes join greedily, nearest pairs first, what is within ``RADIUS_M`` and of other
cameras; a cluster of two cameras or more is a person at its mean. SORT (Bewley et al. 2016): a constant-velocity Kalman
filter a track, one-to-one assignment by distance, a track shown from its second moment on and kept through two missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cameras.geometry import CameraModel
from vision.detections import Detections, foot_points

RADIUS_M: Final = 0.7
GATE_M: Final = 1.2
_KEEP: Final = 2
_SHOWN: Final = 2
_MEASURED_M: Final = 0.2
_ACCELERATION: Final = 1.0  # m/s^2

Float = NDArray[np.float64]


class GreedySort:
    """``update`` takes a moment's boxes by camera and gives the tracks' numbers (n,) and places (n, 2) metres."""

    def __init__(self, cameras: Sequence[CameraModel]) -> None:
        self._cameras = {camera.camera: camera for camera in cameras}
        self.reset()

    def reset(self) -> None:
        """Forget everyone."""
        self._state, self._variance = np.zeros((0, 4)), np.zeros((0, 4, 4))
        self._name, self._hits, self._missed = (np.zeros(0, np.int64) for _ in range(3))
        self._time_s: float | None = None
        self._next = 1

    def update(self, time_s: float, detections: Mapping[str, Detections]) -> tuple[NDArray[np.int64], Float]:
        """The moment at ``time_s`` seconds."""
        dt = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        move, noise = _motion(dt)
        self._state = self._state @ move.T
        self._variance = move @ self._variance @ move.T + noise
        seen = clusters(self._cameras, detections)
        distance = np.linalg.norm(self._state[:, None, :2] - seen[None], axis=2)
        i, j = linear_sum_assignment(np.minimum(distance, GATE_M))
        i, j = i[distance[i, j] < GATE_M], j[distance[i, j] < GATE_M]
        gain = self._variance[i][:, :, :2] @ np.linalg.inv(self._variance[i][:, :2, :2] + np.eye(2) * _MEASURED_M**2)
        self._state[i] += (gain @ (seen[j] - self._state[i, :2])[..., None])[..., 0]
        self._variance[i] -= gain @ self._variance[i][:, :2]
        self._missed += 1
        self._missed[i] = 0
        self._hits[i] += 1
        new = np.setdiff1d(np.arange(len(seen)), j)
        kept = self._missed <= _KEEP
        self._state = np.concatenate([self._state[kept], np.pad(seen[new], ((0, 0), (0, 2)))])
        start = np.diag([_MEASURED_M**2, _MEASURED_M**2, 1.0, 1.0])
        self._variance = np.concatenate([self._variance[kept], np.broadcast_to(start, (len(new), 4, 4))])
        self._name = np.concatenate([self._name[kept], self._next + np.arange(len(new))])
        self._hits = np.concatenate([self._hits[kept], np.ones(len(new), np.int64)])
        self._missed = np.concatenate([self._missed[kept], np.zeros(len(new), np.int64)])
        self._next += len(new)
        shown = (self._missed == 0) & ((self._hits >= _SHOWN) | (dt == 0.0))
        return self._name[shown], self._state[shown, :2]


def clusters(cameras: Mapping[str, CameraModel], detections: Mapping[str, Detections]) -> Float:
    """The places (n, 2) in metres of greedy clusters of two cameras or more."""
    feet = {
        name: cameras[name].on_floor(foot_points(boxes.xyxy).astype(np.float64)) for name, boxes in detections.items()
    }
    xy = np.concatenate([np.zeros((0, 2)), *feet.values()])
    camera = np.repeat(np.arange(len(feet)), [len(each) for each in feet.values()])
    near = np.isfinite(xy).all(axis=1)
    xy, camera = xy[near], camera[near]
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    i, j = np.nonzero(np.triu(distance < RADIUS_M, 1) & (camera[:, None] != camera[None]))
    group = np.arange(len(xy))
    members = {place: {int(each)} for place, each in enumerate(camera)}
    for pair in np.argsort(distance[i, j], kind="stable"):
        a, b = int(group[i[pair]]), int(group[j[pair]])
        if a == b or members[a] & members[b]:
            continue
        if np.linalg.norm(xy[group == a].mean(axis=0) - xy[group == b].mean(axis=0)) < RADIUS_M:
            group[group == b] = a
            members[a] |= members.pop(b)
    found = [xy[group == each].mean(axis=0) for each, seen in members.items() if len(seen) >= 2]
    return np.array(found).reshape(-1, 2)


def _motion(dt: float) -> tuple[Float, Float]:
    move = np.eye(4)
    move[[0, 1], [2, 3]] = dt
    push = np.array([dt * dt / 2, dt])
    noise = np.kron(np.outer(push, push), np.eye(2)) * _ACCELERATION**2
    return move, noise.astype(np.float64)
