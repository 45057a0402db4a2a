"""How good a calibration is: pixels where points come out, and centimetres on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]

FARTHEST_M = 8.0  # floor further from the camera than this is not what it is calibrated for


@dataclass(frozen=True, eq=False)
class PointErrors:
    """How far known points come out: ``pixels`` (n,), and on the floor ``floor_cm`` (n,).

    The latter is how far a point's pixel, sent back to the point's own height, lies from it; NaN above the horizon.
    """

    pixels: Float
    floor_cm: Float

    @classmethod
    def of(cls, model: CameraModel, pixels: Float, shop: Float) -> PointErrors:
        """The errors of ``pixels`` (n, 2) that show the points ``shop`` (n, 3)."""
        return cls(
            np.nan_to_num(np.linalg.norm(model.project(shop) - pixels, axis=1), nan=np.inf),
            100.0 * np.linalg.norm(at_height(model, pixels, shop[:, 2]) - shop[:, :2], axis=1),
        )

    @property
    def rms_px(self) -> float:
        """Root of the mean square, pixels."""
        return float(np.sqrt(np.mean(self.pixels**2)))

    @property
    def median_cm(self) -> float:
        """Median over the points that have one, centimetres on the floor."""
        return float(np.nanmedian(self.floor_cm))


def at_height(model: CameraModel, pixels: Float, height_m: Float) -> Float:
    """Where the rays through ``pixels`` (n, 2) meet the planes z = ``height_m`` (n,): (n, 2) metres, NaN if not."""
    rays = model.rays(pixels)
    rise = height_m - model.position[2]
    towards = rays[:, 2] * np.sign(rise) > 1e-9
    reach = np.where(towards, rise / np.where(towards, rays[:, 2], 1.0), np.nan)
    return np.asarray(model.position[:2] + rays[:, :2] * reach[:, None])


def seen_floor(model: CameraModel, step: int = 24, farthest_m: float = FARTHEST_M) -> Float:
    """Points (k, 2) of the floor in the picture, on a grid of ``step`` by ``step`` pixels' middles, none too far."""
    across, down = ((np.arange(step) + 0.5) * side / step for side in model.size)
    floor = model.on_floor(np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(floor[np.linalg.norm(floor - model.position[:2], axis=1) < farthest_m])


def floor_difference_cm(found: CameraModel, true: CameraModel, floor: Float) -> Float:
    """By how far (k,) ``found`` misplaces points of ``floor`` (k, 2) that ``true`` sees: cm, inf above the horizon."""
    pixels = true.project(np.column_stack([floor, np.zeros(len(floor))]))
    away = np.linalg.norm(found.on_floor(pixels) - floor, axis=1)
    return np.asarray(100.0 * np.nan_to_num(away, nan=np.inf))
