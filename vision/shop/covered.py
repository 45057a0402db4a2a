"""Where people hide what is behind them in a picture: a mask drawn from their joints, or their boxes."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detections import Detections

GROWN = 0.06  # of a box on each side, for what the detector cut off
SURE = 0.25  # the confidence of a joint that is believed
FEWEST = 10  # sure joints that make an outline of a body
LIMB = 0.11  # half the width of a limb, of the square root of the box's area: about 10 cm
HAND = 0.26  # the radius round a wrist: hand and package
HEAD = 0.17
HANGING = 0.55  # how far a bag or basket hangs below a hand
_NOSE, _SHOULDERS, _ELBOWS, _WRISTS, _HIPS, _KNEES, _ANKLES = 0, (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)


def covered(people: Detections, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask (H, W), 255 where somebody may hide what is behind: their bodies, with what their hands hold.

    Bodies are drawn as thick lines between joints; where too few joints are sure, as the whole box, a little grown.
    """
    mask = np.zeros(size, np.uint8)
    joints = people.keypoints if people.keypoints is not None else np.zeros((len(people), 17, 3), np.float32)
    for box, body in zip(people.xyxy.astype(np.float64), joints.astype(np.float64), strict=True):
        if (body[:, 2] >= SURE).sum() >= FEWEST:
            _draw_body(mask, box, body)
        else:
            _draw_box(mask, box)
    return mask


def _draw_box(mask: NDArray[np.uint8], box: NDArray[np.float64]) -> None:
    margin = GROWN * np.tile(box[2:] - box[:2], 2) * [-1, -1, 1, 1] + [-2, -2, 2, 2]
    x1, y1, x2, y2 = np.round(box + margin).astype(int).tolist()
    cv2.rectangle(mask, (x1, y1), (x2, y2), 255, -1)


def _draw_body(mask: NDArray[np.uint8], box: NDArray[np.float64], body: NDArray[np.float64]) -> None:
    unit = float(np.sqrt(np.prod(box[2:] - box[:2])))
    limb = max(round(2 * LIMB * unit), 3)
    at = [tuple(point) for point in np.round(body[:, :2]).astype(int).tolist()]
    hull = cv2.convexHull(np.array([at[k] for k in (*_SHOULDERS, *_HIPS)], np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
    for k in range(4):
        cv2.line(mask, tuple(hull[k % len(hull)][0].tolist()), tuple(hull[(k + 1) % len(hull)][0].tolist()), 255, limb)
    for side in (0, 1):
        arm, leg = (_SHOULDERS[side], _ELBOWS[side], _WRISTS[side]), (_HIPS[side], _KNEES[side], _ANKLES[side])
        for chain in (arm, leg):
            for a, b in pairwise(chain):
                cv2.line(mask, at[a], at[b], 255, limb)
        hand = at[_WRISTS[side]]
        cv2.circle(mask, hand, max(round(HAND * unit), 3), 255, -1)
        cv2.line(mask, hand, (hand[0], hand[1] + round(HANGING * unit)), 255, limb)
    cv2.circle(mask, at[_NOSE], max(round(HEAD * unit), 3), 255, -1)
    neck = np.mean([at[k] for k in _SHOULDERS], axis=0).round().astype(int).tolist()
    cv2.line(mask, at[_NOSE], tuple(neck), 255, round(2 * HEAD * unit))
