"""How large a package is seen, and how large each product would be seen there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

_SHARE: Final = 0.05  # deviation of a side of a box, in its length, and in pixels
_PIXELS: Final = 0.7
_ANY_TURN: Final = 0.1  # deviation of the logarithm of a box's diagonal, were the package turned any way
_SEEN_OF_DIAGONAL: Final = 1.13  # of a package's diagonal, on average: a box's is longer than what it bounds
_WORST: Final = 16.0


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is known of a package's size in a picture. ``pixels_per_metre`` is what a metre across the view measures at
    its place: a slot's or a wrist's, by the calibrated camera. ``box_px`` are the width and height of the box around
    it, where one was found. ``axes`` (2, 3) are how many pixels right and down a metre along the package's width, depth
    and height goes, where it is known how it stands: on a shelf, not in a hand.
    """

    pixels_per_metre: float
    box_px: tuple[float, float] | None = None
    axes: NDArray[np.floating] | None = None


def box_evidence(measured: Measured, size_m: Float) -> Float:
    """Minus half the squared deviation (k,) of the box from that of packages of ``size_m`` (k, 3), NaN where unknown.

    Its width and height where it is known how the package stands, otherwise its diagonal. 0 where no box was found or
    a size is not known.
    """
    if measured.box_px is None:
        return np.zeros(len(size_m), np.float32)
    box = np.maximum(np.array(measured.box_px, np.float64), 1.0)
    if measured.axes is None:
        expected = _SEEN_OF_DIAGONAL * np.linalg.norm(size_m, axis=1) * measured.pixels_per_metre
        off = (np.log(np.hypot(*box) / expected) / _ANY_TURN)[:, None]
    else:
        expected = size_m @ np.abs(np.asarray(measured.axes, np.float64)).T
        off = np.log(box / expected) / np.hypot(_SHARE, _PIXELS / box)
    total = -0.5 * np.minimum((off**2).sum(axis=1), 2 * _WORST)
    return np.asarray(np.nan_to_num(total), np.float32)
