"""A photo as it might have been taken: turned, nearer, moved, in other light."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_TURN: Final = 15.0  # degrees; this and the others are standard deviations
_NEARER: Final = 0.15  # natural logarithm of a factor of scale
_MOVED: Final = 0.04  # of the sides
_LIGHT: Final = 0.2
_TINT: Final = 0.08


def varied(image: Image, rng: np.random.Generator) -> Image:
    """Another uint8 (H, W, 3) picture of the same size, what it lacks at the borders mirrored."""
    height, width = image.shape[:2]
    scale = float(np.exp(rng.normal(0.0, _NEARER)))
    matrix = np.asarray(
        cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0.0, _TURN)), scale), np.float64
    )
    matrix[:, 2] += rng.normal(0.0, _MOVED, 2) * (width, height)
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    gain = np.exp(rng.normal(0.0, _LIGHT) + rng.normal(0.0, _TINT, 3))
    return np.asarray(np.clip(moved * gain, 0, 255), np.uint8)
