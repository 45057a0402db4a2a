"""The rays of all cameras, looked up: undoing a lens point by point costs more than all that is done with the rays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP_PX: Final = 8


class RayTables:
    """c cameras' rays on a grid over each picture and half as much again around it.

    ``names`` in the order of the camera numbers; ``position`` (c, 3) metres; ``focal`` (c,) pixels, the mean of both.
    """

    def __init__(self, cameras: Sequence[CameraModel]) -> None:
        self.names = tuple(camera.camera for camera in cameras)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"cameras must have different names, got {', '.join(self.names)}")
        self.number = {name: place for place, name in enumerate(self.names)}
        self.position = np.array([camera.position for camera in cameras]).reshape(-1, 3)
        self.focal = np.array([np.diag(camera.matrix)[:2].mean() for camera in cameras])
        self._low = np.array([camera.size for camera in cameras], np.float64).reshape(-1, 2) / -2
        self._cells = np.ceil(-4 * self._low / STEP_PX).astype(np.int64)
        width, height = (self._cells.max(axis=0, initial=1) + 1).tolist()
        self._rays = np.zeros((len(self.names), height, width, 3))
        for place, camera in enumerate(cameras):
            x, y = (self._low[place, axis] + STEP_PX * np.arange((width, height)[axis]) for axis in (0, 1))
            self._rays[place] = camera.rays(np.stack(np.meshgrid(x, y), axis=-1))
        self._flat = self._rays.reshape(-1, 3)

    def rays(self, camera: Ints, xy: Float) -> Float:
        """Unit rays (n, k, 3) of pixels (n, k, 2) of cameras (n,); pixels beyond the grid count as its edge's."""
        _, height, width = self._rays.shape[:3]
        number = camera[:, None]
        place = np.clip((xy - self._low[number]) / STEP_PX, 0.0, self._cells[number] - 0.001)
        whole = place.astype(np.int64)
        right, down = np.moveaxis(place - whole, -1, 0)[..., None]
        corner = (number * height + whole[..., 1]) * width + whole[..., 0]
        table = self._flat
        upper = table[corner] + right * (table[corner + 1] - table[corner])
        lower = table[corner + width] + right * (table[corner + width + 1] - table[corner + width])
        way = upper + down * (lower - upper)
        return np.asarray(way / np.sqrt((way**2).sum(axis=-1, keepdims=True)))
