"""Who wears the staff's vest: how much of a torso is of its colour, and what that says of a visit.

A pixel is of the vest's colour where its red, green and blue stand in the same proportion: light and shadow change how
bright cloth is more than that.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.detections import Detections

Float = NDArray[np.float64]
Image = NDArray[np.uint8]
Rgb = tuple[int, int, int]

_CORNERS: Final = (5, 6, 11, 12)  # COCO's left and right shoulder, left and right hip
_LEAST: Final = 0.3  # joints below this confidence are not used
_BOX: Final = ((0.7, 0.2), (0.3, 0.2), (0.7, 0.5), (0.3, 0.5))  # where a standing body's are, as shares of its box
_GRID: Final = (8, 12)  # samples across and down a torso
_INNER: Final = 0.1  # of the torso's width and height at each side is left out
_ANGLE_DEG: Final = 6.0  # between the vest's colour and a pixel of it
_BRIGHT: Final = (0.35, 1.3)  # a pixel's brightness as a share of the vest's
_PRIOR: Final = -4.0  # log odds that a visit is staff's, of whose torso nothing is known
_TOLD: Final = ((0.05, -0.3), (0.35, 0.8))  # a torso's share of the colour, and what it speaks for the vest
_SURE: Final = 8.0  # that much in log odds all looks together speak at most


def vest_share(image: Image, people: Detections, vest: Rgb) -> NDArray[np.float32]:
    """The share (n,) of each torso's pixels in ``image``, uint8 (H, W, 3) BGR, that are of the colour ``vest``, RGB of
    0 to 255; NaN where the picture does not show the torso.

    The torso lies between shoulders and hips, where all four joints are known, else in the upper middle of the box.
    """
    across, down = (np.linspace(_INNER, 1 - _INNER, count) for count in _GRID)
    a, b = np.meshgrid(across, down)
    weight = np.stack([(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b], axis=-1).reshape(-1, len(_CORNERS))
    # A corner that is nowhere near is of no torso; the cast needs finite numbers.
    x, y = np.moveaxis(np.clip(np.rint(weight @ torsos(people)), -1e6, 1e6).astype(np.int64), -1, 0)
    height, width = image.shape[:2]
    shown = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    pixels = image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1), ::-1].astype(np.float64)
    colour = np.array(vest, np.float64)
    size, whole = np.linalg.norm(pixels, axis=-1), float(np.linalg.norm(colour))
    near = pixels @ colour - np.cos(np.radians(_ANGLE_DEG)) * size * whole
    alike = (near >= 0) & (size >= _BRIGHT[0] * whole) & (size <= _BRIGHT[1] * whole) & shown
    count = shown.sum(axis=1)
    return np.where(count > 0, alike.sum(axis=1) / np.maximum(count, 1), np.nan).astype(np.float32)


def torsos(people: Detections) -> Float:
    """Both shoulders and both hips (n, 4, 2) in pixels: left and right shoulder, left and right hip."""
    xyxy = people.xyxy.astype(np.float64)
    corners = xyxy[:, None, :2] + np.array(_BOX) * (xyxy[:, 2:] - xyxy[:, :2])[:, None]
    if people.keypoints is None:
        return corners
    joints = people.keypoints[:, _CORNERS].astype(np.float64)
    known = joints[..., 2].min(axis=1) >= _LEAST
    corners[known] = joints[known, :, :2]
    return corners


def speaks_for_vest(share: NDArray[np.float32]) -> Float:
    """What looks with these shares (n,) speak for the vest, as log likelihood ratios; 0 for NaN.

    Linear between two ends, which are small: pictures of one visit err alike.
    """
    (low, against), (high, in_favour) = _TOLD
    return np.where(np.isnan(share), 0.0, np.interp(np.nan_to_num(share), (low, high), (against, in_favour)))


def gathered(before: Float, told: Float) -> Float:
    """All that was told of visits (n,), ``told`` the newest; neither side can grow so much that it never ends."""
    return np.clip(before + told, -_SURE, _SURE)


def probability(told: Float) -> Float:
    """The probability (n,) that visits are staff's, of which so much was told."""
    return np.asarray(1 / (1 + np.exp(-(_PRIOR + told))))
