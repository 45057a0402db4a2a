"""Where in a picture the things that move are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.render.background import Rectangle

REACH_M = 0.24  # of skin and clothes from the nearest joint: the head's top, a jacket, a shoe's tip
ASIDE = 2.5  # slope of the widest rays that a camera of the simulator sees


def around(camera: CameraModel, points: NDArray[np.float64], reach_m: float, margin_px: float) -> Rectangle | None:
    """The rectangle of the picture that holds all within ``reach_m`` of ``points`` (n, 3), or None outside it."""
    local = camera.to_camera(points)
    ahead = local[:, 2]
    width, height = camera.size
    near = ahead < reach_m + 0.25
    # What is near the plane of the camera but further aside than it looks is not seen.
    aside = np.linalg.norm(local[:, :2], axis=1)
    beside = near & ((ahead < -reach_m) | (aside > ASIDE * np.maximum(ahead, 0.0) + (1 + ASIDE) * reach_m))
    if beside.all():
        return None
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    if (~near).any():
        pixels = camera.project(points[~near])
        spread = reach_m * np.diag(camera.matrix)[:2] / (ahead[~near, None] - reach_m) + margin_px
        low, high = (pixels - spread).min(axis=0), (pixels + spread).max(axis=0)
    if (near & ~beside).any():
        # Too near for its rectangle to be told: as good as everywhere.
        low, high = np.zeros(2), np.array([width, height], np.float64)
    left, top = np.maximum(np.floor(low), 0)
    right, bottom = np.minimum(np.ceil(high), [width, height])
    if right <= left or bottom <= top:
        return None
    return int(left), int(top), int(right - left), int(bottom - top)
