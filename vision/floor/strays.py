"""Boxes that neither show somebody new nor are made up out of nothing.

Of somebody of whom half is hidden a box errs along the ray far more than boxes do: who is followed is not found in it,
and it looks like somebody new before or behind them (a stray). Of somebody who has a box in a picture there is a second
one at times (a double). So of each box that is nobody's it is asked how likely it is one of these. The less it then
speaks for somebody new.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.association import gains
from vision.floor.motion import States
from vision.floor.observations import Observations, Rig

Float = NDArray[np.float64]

_STRAYS: Final = 0.02  # of all boxes
_DOUBLES: Final = 0.01
_STRAY_M: Final = np.array([1.5, 0.2, 0.2])  # standard deviations along the ray, across it, of the height
_DOUBLE_M: Final = np.array([0.3, 0.15, 0.2])
_WIDE_M: Final = 0.8  # across the ray nobody's box errs so much


def strays(rig: Rig, boxes: Observations, people: States, found: Float, saw: NDArray[np.bool_], alike: Float) -> Float:
    """For each box (n,) the log ratio of "a stray one or a double of somebody who is followed" to "made up".

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
    person, box = np.nonzero((beside < _WIDE_M) & ahead)
    if not len(person):
        return told
    camera, along = boxes.camera[box], ray[person, box]
    double = saw[person, camera]
    error = np.square(np.where(double[:, None], _DOUBLE_M, _STRAY_M))
    variance = people.place_variance[person].copy()
    variance[:, :2, :2] += (error[:, 0] - error[:, 1])[:, None, None] * along[:, :, None] * along[:, None]
    variance[:, [0, 1, 2], [0, 1, 2]] += error[:, [1, 1, 2]]
    # Whether somebody is found decides between strays and nothing; a double comes beside what was found.
    chance = np.where(double, 0.5, np.clip(found[person, camera], 1e-3, 0.995))
    gain, _ = gains(boxes, place[person], variance, box, person, chance)
    share = np.log(np.where(double, _DOUBLES, _STRAYS))
    np.logaddexp.at(told, box, gain + alike[person, box] + share)
    return told
