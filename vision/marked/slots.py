"""Slots as polygons in a picture, each cut out with a margin around it to a small square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 48
"""Rows and columns of a look."""
MARGIN: Final = 0.3
"""Of a slot's width and height, what is looked at on each side of it: a hand that is in the slot is seen there too."""
_LEAST_PX: Final = 6.0
_SOFTEN: Final = 3

Image = NDArray[np.uint8]
Looks = NDArray[np.float32]
Mask = NDArray[np.bool_]
Points = Sequence[tuple[float, float]]


class MarkedSlots:
    """The slots of one camera, by name a polygon of pixels (x, y), at least three corners; ``size`` is (width, height).

    ``inside`` bool (n, SIDE, SIDE) are the points of a look that lie in the slot, ``middle`` float (n, 2) its middle in
    pixels. Raises ``ValueError`` for a slot that is not in the picture or smaller than 6 pixels.
    """

    def __init__(self, polygons: Mapping[str, Points], size: tuple[int, int]) -> None:
        self.names = tuple(polygons)
        self.size = size
        self._boxes: list[tuple[int, int, int, int]] = []
        inside: list[Mask] = []
        middles: list[NDArray[np.float64]] = []
        for name, corners in polygons.items():
            points = np.array(corners, np.float64).reshape(-1, 2)
            low, high = points.min(axis=0), points.max(axis=0)
            if len(points) < 3 or (np.minimum(high, size) - np.maximum(low, 0) < _LEAST_PX).any():
                raise ValueError(f"slot {name} needs three corners and {_LEAST_PX:.0f} pixels in a picture of {size}")
            margin = MARGIN * (high - low)
            x1, y1 = np.floor(np.maximum(low - margin, 0)).astype(int).tolist()
            x2, y2 = np.ceil(np.minimum(high + margin, size)).astype(int).tolist()
            self._boxes.append((x1, y1, x2, y2))
            scale = SIDE / np.array([x2 - x1, y2 - y1])
            drawn = np.zeros((SIDE, SIDE), np.uint8)
            cv2.fillPoly(drawn, [np.round((points - (x1, y1)) * scale - 0.5).astype(np.int32)], (1,))
            inside.append(drawn > 0)
            middles.append((low + high) / 2)
        self.inside = np.array(inside, np.bool_).reshape(-1, SIDE, SIDE)
        self.middle = np.array(middles).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of_boxes(cls, xyxy: Mapping[str, Sequence[float]], size: tuple[int, int]) -> MarkedSlots:
        """Of boxes left, top, right, bottom in pixels."""
        return cls({name: ((a, b), (c, b), (c, d), (a, d)) for name, (a, b, c, d) in xyxy.items()}, size)

    def looks(self, image: Image) -> Looks:
        """The slots with their margins (n, SIDE, SIDE, 3), a little softened, from a picture (H, W, 3) BGR.

        Raises ``ValueError`` for a picture of another size.
        """
        if (image.shape[1], image.shape[0]) != self.size:
            raise ValueError(f"slots are marked in pictures of {self.size}, found {image.shape[1::-1]}")
        found = np.empty((len(self), SIDE, SIDE, 3), np.float32)
        for n, (x1, y1, x2, y2) in enumerate(self._boxes):
            small = max(x2 - x1, y2 - y1) < SIDE
            cut = cv2.resize(
                image[y1:y2, x1:x2], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR if small else cv2.INTER_AREA
            )
            found[n] = cv2.blur(cut, (_SOFTEN, _SOFTEN))
        return found

    def covered(self, xyxy: NDArray[np.float32]) -> Mask:
        """Which points (n, SIDE, SIDE) of the looks lie under one of the boxes (m, 4), in pixels."""
        found = np.zeros((len(self), SIDE, SIDE), np.bool_)
        for n, (x1, y1, x2, y2) in enumerate(self._boxes):
            x = x1 + (np.arange(SIDE) + 0.5) * (x2 - x1) / SIDE
            y = y1 + (np.arange(SIDE) + 0.5) * (y2 - y1) / SIDE
            for left, top, right, bottom in xyxy.tolist():
                found[n] |= ((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))
        return found
