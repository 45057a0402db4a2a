"""Boxes that the floor tracker left to nobody, given to whom they show by their joints.

Seen from right above, a box says little about where its person stands; the shoulders and hips in it do: their rays pass
near the upright axis of the person's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from vision.floor.tracks import FloorTracks
from vision.shop.moment import SeenPicture, ShopMoment

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

_TRUNK: Final = np.array([5, 6, 11, 12])  # shoulders and hips among COCO's joints
_LOW_M: Final = np.array([0.9, 0.9, 0.6, 0.6])  # where they may be, of people who stand or stoop
_HIGH_M: Final = np.array([1.55, 1.55, 1.05, 1.05])
_SEEN: Final = 0.25  # the least confidence of a joint that counts
_FAR_M: Final = 0.35  # the mean distance of the rays from the axis of whom the box shows is less
_CLEAR: Final = 0.6  # and less than this share of the distance from anybody else's


def adopted(moment: ShopMoment, cameras: Mapping[str, CameraModel]) -> ShopMoment:
    """``moment`` with more boxes owned: each of nobody's boxes with joints goes to the person whose axis it fits alone.

    Nobody gets two boxes of one picture. ``cameras`` has the models by name; pictures of others stay as they are.
    """
    pictures = {
        name: _adopted(picture, moment.time_s, moment.tracks, cameras[name]) if name in cameras else picture
        for name, picture in moment.pictures.items()
    }
    return replace(moment, pictures=pictures)


def _adopted(picture: SeenPicture, time_s: float, tracks: FloorTracks, camera: CameraModel) -> SeenPicture:
    keypoints = picture.people.keypoints
    orphans = np.flatnonzero(picture.owner == 0)
    if keypoints is None or not len(orphans) or not len(tracks):
        return picture
    joints = keypoints[orphans][:, _TRUNK].astype(np.float64)
    xy = tracks.xy + tracks.velocity * (picture.captured_at - time_s)
    away = axis_distance(camera.position, camera.rays(joints[..., :2]), xy)
    weight = np.where(joints[..., 2] >= _SEEN, joints[..., 2], 0.0)
    total = weight.sum(axis=1)
    mean = np.where(
        total[:, None] > 0, np.einsum("bj,btj->bt", weight, away) / np.maximum(total, 1e-9)[:, None], np.inf
    )
    owner = picture.owner.copy()
    free = ~np.isin(tracks.track_id, owner)
    best, rows = mean.argmin(axis=1), np.arange(len(mean))
    others = mean.copy()
    others[rows, best] = np.inf
    fits = (mean[rows, best] < _FAR_M) & (mean[rows, best] < _CLEAR * others.min(axis=1)) & free[best]
    # The one that fits best first: a second box of the same person stays nobody's.
    for row in np.argsort(mean[rows, best], kind="stable"):
        if fits[row] and free[best[row]]:
            owner[orphans[row]] = tracks.track_id[best[row]]
            free[best[row]] = False
    return replace(picture, owner=owner)


def axis_distance(position: Float, rays: Float, xy: Float) -> Float:
    """How far (b, t, j) rays (b, j, 3) from ``position`` pass from the upright axes of people at ``xy`` (t, 2), at the
    heights of shoulders (the first two) and hips (the others), in metres.
    """
    way = xy - position[:2]
    level = rays[:, None, :, :2]
    along = np.einsum("btji,ti->btj", np.broadcast_to(level, (len(rays), len(xy), *level.shape[2:])), way)
    height = position[2] + along / np.maximum((level**2).sum(axis=-1), 1e-6) * rays[:, None, :, 2]
    height = np.clip(height, _LOW_M, _HIGH_M)
    point = np.empty((*height.shape, 3))
    point[..., :2] = way[:, None]
    point[..., 2] = height - position[2]
    ahead = np.einsum("btji,bji->btj", point, rays)
    off = point - ahead[..., None] * rays[:, None]
    return np.where(ahead > 0, np.linalg.norm(off, axis=-1), np.inf)
