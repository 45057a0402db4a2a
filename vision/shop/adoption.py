"""Boxes that the floor tracker left to nobody, given to whom they show by their joints.

Seen from right above, a box says little about where its person stands; the shoulders and hips in it do: their rays pass
near the upright axis of the person's place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.shop.moment import ShopMoment
from vision.shop.ray_tables import RayTables

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

_TRUNK: Final = np.array([5, 6, 11, 12])  # shoulders and hips among COCO's joints
_LOW_M: Final = np.array([0.9, 0.9, 0.6, 0.6])  # where they may be, of people who stand or stoop
_HIGH_M: Final = np.array([1.55, 1.55, 1.05, 1.05])
_SEEN: Final = 0.25  # the least confidence of a joint that counts
_FAR_M: Final = 0.35  # the mean distance of the rays from the axis of whom the box shows is less
_CLEAR: Final = 0.6  # and less than this share of the distance from anybody else's


def adopted(moment: ShopMoment, tables: RayTables) -> ShopMoment:
    """``moment`` with more boxes owned: each of nobody's boxes with joints goes to the person whose axis it fits alone.

    Nobody gets two boxes of one picture. Pictures of cameras that ``tables`` lacks stay as they are.
    """
    tracks = moment.tracks
    lost = [
        (name, picture, np.flatnonzero(picture.owner == 0))
        for name, picture in moment.pictures.items()
        if name in tables.number and picture.people.keypoints is not None
    ]
    lost = [each for each in lost if len(each[2])]
    if not lost or not len(tracks):
        return moment
    counts = [len(rows) for _, _, rows in lost]
    camera = np.repeat([tables.number[name] for name, _, _ in lost], counts)
    early = np.repeat([picture.captured_at - moment.time_s for _, picture, _ in lost], counts)
    joints = np.concatenate(
        [picture.people.keypoints[rows][:, _TRUNK] for _, picture, rows in lost if picture.people.keypoints is not None]
    ).astype(np.float64)
    xy = tracks.xy + tracks.velocity * early[:, None, None]
    away = axis_distance(tables.position[camera], tables.rays(camera, joints[..., :2]), xy)
    weight = np.where(joints[..., 2] >= _SEEN, joints[..., 2], 0.0)
    total = weight.sum(axis=1)[:, None]
    # A joint that is not seen may point anywhere, and be endlessly far from a person.
    apart = weight[:, None] * np.where(weight[:, None] > 0, away, 0.0)
    mean = np.where(total > 0, apart.sum(axis=2) / np.maximum(total, 1e-9), np.inf)
    pictures = dict(moment.pictures)
    start = 0
    for (name, picture, rows), count in zip(lost, counts, strict=True):
        owner = picture.owner.copy()
        taken = np.isin(tracks.track_id, owner)
        for row, person in _pairs(mean[start : start + count], taken):
            owner[rows[row]] = tracks.track_id[person]
        pictures[name] = replace(picture, owner=owner)
        start += count
    return replace(moment, pictures=pictures)


def _pairs(mean: Float, taken: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Rows and people of distances (b, t) that fit, the best first; nobody twice, nobody who is ``taken``."""
    rows = np.arange(len(mean))
    best = mean.argmin(axis=1)
    least = mean[rows, best]
    others = mean.copy()
    others[rows, best] = np.inf
    fits = (least < _FAR_M) & (least < _CLEAR * others.min(axis=1))
    pairs: list[tuple[int, int]] = []
    free = ~taken
    # The one that fits best first: a second box of the same person stays nobody's.
    for row in np.argsort(least, kind="stable").tolist():
        if fits[row] and free[best[row]]:
            free[best[row]] = False
            pairs.append((row, int(best[row])))
    return pairs


def axis_distance(position: Float, rays: Float, xy: Float) -> Float:
    """How far (b, t, 4) rays (b, 4, 3) from ``position`` (b, 3) pass from upright axes at ``xy`` (b, t, 2).

    Metres, at the heights of shoulders (the first two rays) and hips; infinite behind the camera.
    """
    way = xy - position[:, None, :2]
    level = rays[..., :2]
    along = way @ np.swapaxes(level, 1, 2)
    steep = rays[..., 2] / np.maximum((level**2).sum(axis=-1), 1e-6)
    height = np.clip(position[:, 2, None, None] + along * steep[:, None], _LOW_M, _HIGH_M) - position[:, 2, None, None]
    ahead = along + height * rays[:, None, :, 2]
    square = (way**2).sum(axis=-1)[..., None] + height**2 - ahead**2
    return np.where(ahead > 0, np.sqrt(np.maximum(square, 0.0)), np.inf)
