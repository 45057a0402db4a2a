"""How large things are seen: pixels for a metre."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]

_STEP_M: Final = 0.05


def pixels_per_metre(camera: CameraModel, xyz: Float) -> Float:
    """What a metre across the view measures (n,) in pixels at shop points (n, 3); NaN behind the camera."""
    aside = camera.rotation[0] * _STEP_M
    ends = camera.project(np.stack([xyz - aside, xyz + aside]))
    return np.asarray(np.linalg.norm(ends[1] - ends[0], axis=-1) / (2 * _STEP_M))
