"""Which colours the middle of a picture has, as a vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.products.pictures import Image, middle

Float = NDArray[np.float32]

_SHARES: Final = (0.75, 0.5)  # of the picture, around its middle
_SIDE: Final = 64
_HSV: Final = (12, 4, 4)
_AB: Final = (16, 16)
COLOURS: Final = len(_SHARES) * (_HSV[0] * _HSV[1] * _HSV[2] + _AB[0] * _AB[1])


def colour_vectors(images: Sequence[Image]) -> Float:
    """Vectors float32 (n, ``COLOURS``) of length 1 of uint8 (H, W, 3) BGR pictures.

    The square roots of the shares of hue, saturation and value together, and of CIE Lab's a and b together, so that
    scalar products compare them as histograms.
    """
    found = np.zeros((len(images), COLOURS), np.float32)
    for row, image in enumerate(images):
        shares = []
        for share in _SHARES:
            small = cv2.resize(middle(image, share), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
            hsv = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
            lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
            shares.append(cv2.calcHist([hsv], [0, 1, 2], None, list(_HSV), [0, 180, 0, 256, 0, 256]))
            shares.append(cv2.calcHist([lab], [1, 2], None, list(_AB), [80, 180, 80, 180]))
        roots = [np.sqrt(each.ravel() / max(float(each.sum()), 1.0)) for each in shares]
        found[row] = np.concatenate(roots)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)
