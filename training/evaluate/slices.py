"""The parts of the data that a score is told for, too: by camera angle, height in pixels, crowding and light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slicing:
    """Parts of an axis: part i holds ``edges[i]`` <= value < ``edges[i + 1]`` and is called ``labels[i]``."""

    name: str
    edges: tuple[float, ...]
    labels: tuple[str, ...]

    def of(self, values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """The part of each of ``values`` (n,), as a place in ``labels``; -1 for NaN and outside all."""
        place = np.searchsorted(np.array(self.edges), values, side="right") - 1
        known = np.isfinite(values) & (place >= 0) & (place < len(self.labels))
        return np.where(known, place, -1)


# Of the ray to what is seen, from straight down (0) to level (90). A ceiling camera sees people below it at 0 to 25.
ANGLE: Final = Slicing("angle", (0, 25, 50, 70, 180.1), ("overhead", "steep", "slanted", "level"))
HEIGHT: Final = Slicing("height", (0, 50, 100, 200, 1e9), ("below 50 px", "50-100 px", "100-200 px", "200 px and more"))
CROWDING: Final = Slicing("people", (0, 2, 4, 7, 1e9), ("one person", "2-3 people", "4-6 people", "7 and more"))
LIGHT: Final = Slicing("light", (0, 70, 130, 256), ("dark", "medium", "bright"))


def view_angle_deg(camera: CameraModel, xy: Float) -> Float:
    """The angle (n,) between straight down and the rays through pixels (n, 2): 0 is straight down, 90 level."""
    return np.asarray(np.degrees(np.arccos(np.clip(-camera.rays(xy)[..., 2], -1.0, 1.0))))


def middles(xyxy: NDArray[np.floating[Any]]) -> Float:
    """The middles (n, 2) of boxes (n, 4)."""
    return (xyxy[:, :2].astype(np.float64) + xyxy[:, 2:]) / 2


def heights(xyxy: NDArray[np.floating[Any]]) -> Float:
    """The heights (n,) of boxes (n, 4)."""
    return np.asarray(xyxy[:, 3] - xyxy[:, 1], np.float64)


def light(image: NDArray[np.uint8]) -> float:
    """How bright a picture, uint8 (H, W, 3) BGR, is: the mean of its luma, 0.114 B + 0.587 G + 0.299 R, in 0..255."""
    return float(image[::4, ::4].reshape(-1, 3).mean(axis=0) @ [0.114, 0.587, 0.299])
