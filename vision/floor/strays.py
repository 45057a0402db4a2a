"""Boxes that err far more than boxes do, along the ray: half a body is hidden, and what is seen seems to be elsewhere.

Such a box fits nobody who is followed, and looks like somebody new before or behind them. So of each box that is
nobody's it is asked how likely it is a stray one of somebody whom its camera should see and has no box of. The less it
then speaks for somebody new.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.association import gains
from vision.floor.motion import States
from vision.floor.observations import Observations, Rig

Float = NDArray[np.float64]

_SHARE: Final = 0.02  # of all boxes
_ALONG_M, _ACROSS_M, _HEIGHT_M = 1.5, 0.2, 0.2  # standard deviations of their errors
_WIDE_M: Final = 0.8  # across the ray nobody's box errs so much


def strays(rig: Rig, boxes: Observations, people: States, found: Float, saw: NDArray[np.bool_], alike: Float) -> Float:
    """For each box (n,) the log ratio of "a stray one of somebody who is followed" to "made up by the detector".

    ``found`` and ``saw`` (people, cameras) are the chance of each camera to find each person, and which did; ``alike``
    (people, n) is what looks speak for a box being somebody's.
    """
    told = np.full(len(boxes), -np.inf)
    place, eye = people.place, rig.position[boxes.camera, :2]
    away = place[:, None, :2] - eye[None]
    ray = away / np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-6)
    seen = boxes.place[None, :, :2] - eye[None]
    beside = np.abs(ray[..., 0] * seen[..., 1] - ray[..., 1] * seen[..., 0])
    ahead = (ray * seen).sum(axis=2) > 0
    person, box = np.nonzero(~saw[:, boxes.camera] & (beside < _WIDE_M) & ahead)
    if not len(person):
        return told
    camera, along = boxes.camera[box], ray[person, box]
    variance = people.place_variance[person].copy()
    variance[:, :2, :2] += (_ALONG_M**2 - _ACROSS_M**2) * along[:, :, None] * along[:, None]
    variance[:, [0, 1, 2], [0, 1, 2]] += np.square([_ACROSS_M, _ACROSS_M, _HEIGHT_M])
    chance = np.clip(found[person, camera], 1e-3, 0.995)
    gain, _ = gains(boxes, place[person], variance, box, person, chance)
    np.logaddexp.at(told, box, gain + alike[person, box] + np.log(_SHARE))
    return told
