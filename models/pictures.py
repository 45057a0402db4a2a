"""Fitting a picture into a network's input."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Float = NDArray[np.float32]


class Fitted(NamedTuple):
    """A picture inside a network's input.

    ``image`` is uint8 (h, w, 3) RGB; ``scale`` is how many of its pixels a pixel of the picture became (x, y).
    """

    image: Image
    scale: tuple[float, float]

    def to_picture(self, xyxy: Float) -> Float:
        """Boxes (n, 4) from the input's pixels to the picture's."""
        scale_x, scale_y = self.scale
        return np.asarray(xyxy / (scale_x, scale_y, scale_x, scale_y), np.float32)


def fit(image: Image, size: tuple[int, int], *, padding: int, stretch: float = 1.0) -> Fitted:
    """Scale a uint8 (H, W, 3) BGR image into ``size`` (width, height), at the upper left corner, and turn it to RGB.

    One axis may be scaled up to ``stretch`` times as much as the other in order to fill the input; what stays free has
    the value ``padding``.
    """
    height, width = image.shape[:2]
    scale_x, scale_y = size[0] / width, size[1] / height
    scale_x, scale_y = min(scale_x, scale_y * stretch), min(scale_y, scale_x * stretch)
    inner = max(1, round(width * scale_x)), max(1, round(height * scale_y))
    # Linear interpolation looks at two neighbours only: halving first keeps what is thin, at little cost.
    while image.shape[1] >= 2 * inner[0] and image.shape[0] >= 2 * inner[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    resized = cv2.cvtColor(cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
    if inner != size:
        below, beside = size[1] - inner[1], size[0] - inner[0]
        resized = cv2.copyMakeBorder(resized, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=(padding,) * 3)
    return Fitted(np.asarray(resized, np.uint8), (inner[0] / width, inner[1] / height))
