"""From a camera's picture to the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def apply_homography(
    homography: NDArray[np.float64] | Sequence[Sequence[float]], xy: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Map points (n, 2) by a 3x3 homography: (n, 2). Points on its horizon come out as NaN.

    Hartley, Zisserman: Multiple View Geometry in Computer Vision (2004), section 2.3.
    """
    mapped = np.column_stack([xy, np.ones(len(xy))]) @ np.asarray(homography, np.float64).T
    scale = mapped[:, 2:]
    return np.asarray(np.divide(mapped[:, :2], scale, out=np.full((len(xy), 2), np.nan), where=np.abs(scale) > 1e-12))
