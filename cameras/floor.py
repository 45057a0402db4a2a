"""From a camera's picture to the floor, by whatever the plan says of the camera."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.floor import apply_homography
from store.views import CameraView, Homography, PlanError

Float = NDArray[np.float64]
FARTHEST_M = 30.0  # beyond it a pixel covers metres of floor


def floor_map(view: CameraView) -> Callable[[Float], Float] | None:
    """The map of pixels (n, 2) to metres (n, 2) on the floor, NaN where a pixel shows none; None if the plan tells no
    way.

    By lens and pose, distortion included, where the view has both; else by its homography.
    """
    if view.lens is not None and view.pose is not None:
        return CameraModel.of(view).on_floor
    if view.homography is None:
        return None
    homography = np.array(view.homography)
    return lambda xy: apply_homography(homography, xy)


def with_homography(view: CameraView) -> CameraView:
    """The view with the homography that fits its lens and pose best, where it has both and no homography of its own.

    Least squares over a grid of pixels that show floor: exact without distortion (Hartley, Zisserman, section 4.1).
    Raises ``PlanError`` for a camera that sees no floor.
    """
    if view.homography is not None or view.lens is None or view.pose is None:
        return view
    import cv2

    model = CameraModel.of(view)
    across, down = (np.linspace(0.0, side, 25) for side in view.size)
    pixels = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    floor = model.on_floor(pixels)
    near = np.linalg.norm(floor - model.position[:2], axis=1) < FARTHEST_M  # False for NaN
    matrix = cv2.findHomography(pixels[near], floor[near])[0] if near.sum() >= 4 else None
    if matrix is None:
        raise PlanError(f"camera {view.camera} sees no floor within {FARTHEST_M:.0f} m: check its pose")
    rows: Homography = tuple(tuple(map(float, row)) for row in matrix)  # type: ignore[assignment]
    return view.model_copy(update={"homography": rows})
