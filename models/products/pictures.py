"""Pictures of products before they are described: made square, cut to the package, cut to the middle."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_GREY: Final = 127
_WHITE: Final = 243


def squared(image: Image, size: int) -> Image:
    """A BGR picture (H, W, 3) as RGB (size, size, 3): its longer side fills the square, grey beside it."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    wide, high = max(round(width * scale), 1), max(round(height * scale), 1)
    fitted = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    picture = np.full((size, size, 3), _GREY, np.uint8)
    top, left = (size - high) // 2, (size - wide) // 2
    picture[top : top + high, left : left + wide] = fitted[..., ::-1]
    return picture


def trimmed(image: Image) -> Image:
    """A catalogue photo without the white around its package; any other picture as it is."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if (border.min(axis=1) < _WHITE).mean() > 0.2:
        return image
    inside = image.min(axis=2) < _WHITE
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) < 4 or len(columns) < 4:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def middle(image: Image, share: float) -> Image:
    """The middle ``share`` of a picture's width and height."""
    height, width = image.shape[:2]
    high, wide = max(round(height * share), 1), max(round(width * share), 1)
    top, left = (height - high) // 2, (width - wide) // 2
    return image[top : top + high, left : left + wide]
