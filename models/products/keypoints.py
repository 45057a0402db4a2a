"""Local features of a picture: SIFT keypoints with root descriptors, in the picture's own shares of a square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

SIDE: Final = 256  # the longer side of a picture when its keypoints are looked for, and the unit of their places
_CONTRAST: Final = 0.02
_EDGE: Final = 12
_LEAST_SIDE: Final = 8


@dataclass(frozen=True, eq=False)
class Keypoints:
    """``places`` float32 (n, 4): x, y, size, degrees, where the longer side is ``SIDE``; ``descriptors`` float32
    (n, 128) of length 1.
    """

    places: Float
    descriptors: Float

    def __len__(self) -> int:
        return len(self.places)

    def take(self, which: NDArray[np.generic]) -> Keypoints:
        """Those of a mask or of indices."""
        return Keypoints(self.places[which], self.descriptors[which])


NONE: Final = Keypoints(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.float32))


def scaled(image: Image, side: int = SIDE) -> Image:
    """The picture with its longer side at ``side``."""
    factor = side / max(image.shape[:2])
    size = max(round(image.shape[1] * factor), 1), max(round(image.shape[0] * factor), 1)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def keypoints(image: Image, most: int) -> Keypoints:
    """The ``most`` strongest keypoints of a uint8 (H, W, 3) BGR picture.

    Lowe, Distinctive Image Features from Scale-Invariant Keypoints (2004); the square roots of the descriptors' shares,
    so that scalar products compare them as histograms (Arandjelovic and Zisserman, Three Things, 2012).
    """
    if min(image.shape[:2]) < _LEAST_SIDE:
        return NONE
    grey = cv2.cvtColor(scaled(image), cv2.COLOR_BGR2GRAY)
    detector = cv2.SIFT_create(nfeatures=most, contrastThreshold=_CONTRAST, edgeThreshold=_EDGE)  # type: ignore[attr-defined]
    points, values = detector.detectAndCompute(grey, None)
    if values is None or not len(points):
        return NONE
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-6)
    places = np.array([(*point.pt, point.size, point.angle) for point in points], np.float32)
    return Keypoints(places, np.sqrt(shares).astype(np.float32))
