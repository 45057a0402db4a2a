"""The floor as a chart of small cells, and where each camera sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan, footprint
from vision.floor.sight import screens, visible

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]
Image = NDArray[np.uint8]

CELL_M: Final = 0.04
_ABOVE_M: Final = 0.02  # a cell is seen where the camera sees that far above it
_COARSEST_PX: Final = 0.6  # the sides of a cell in the picture: what is smaller shows no package


@dataclass(frozen=True, slots=True, eq=False)
class FloorChart:
    """Cells of ``CELL_M`` over a floor: row r, column c begin at ``low`` (2,) + (c, r) * CELL_M metres; ``shape`` is
    (rows, columns) and ``inside`` (rows, columns) the cells of the floor on which no furniture stands.
    """

    low: Float
    shape: tuple[int, int]
    inside: Bools

    @classmethod
    def of(cls, plan: Plan) -> FloorChart:
        """Of a plan. Raises ``ValueError`` for one without a floor."""
        if plan.floor is None:
            raise ValueError(f"the plan of {plan.store} has no floor")
        corners = np.array(plan.floor.polygon, np.float64)
        low = corners.min(axis=0)
        columns, rows = np.ceil((corners.max(axis=0) - low) / CELL_M).astype(int).tolist()
        chart = cls(low, (rows, columns), np.ones((rows, columns), np.bool_))
        free = shapely.Polygon(corners).difference(
            shapely.union_all([shapely.Polygon(footprint(each)) for each in plan.fixtures])
        )
        inside = shapely.intersects_xy(free, chart.places().reshape(-1, 2))
        return cls(low, chart.shape, np.asarray(inside).reshape(chart.shape))

    def places(self) -> Float:
        """The middles of the cells (rows, columns, 2) in metres."""
        rows, columns = self.shape
        x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
        return np.asarray(self.low + np.stack([x, y], axis=-1) * CELL_M)

    def around(self, xy: Float, radius_m: float) -> Bools:
        """The cells (rows, columns) within ``radius_m`` of any of the places ``xy`` (n, 2), metres."""
        found = np.zeros(self.shape, np.uint8)
        for column, row in np.round((xy - self.low) / CELL_M - 0.5).astype(int).tolist():
            cv2.circle(found, (column, row), round(radius_m / CELL_M), 1, -1)
        return found.astype(np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class FloorView:
    """What ``camera`` sees of a chart: ``pixels`` float32 (rows, columns, 2) of each cell's middle, ``seen`` (rows,
    columns) whether it is in the picture, large enough, and neither walls nor furniture stand before it.
    """

    camera: CameraModel
    pixels: NDArray[np.float32]
    seen: Bools

    @classmethod
    def all_of(cls, plan: Plan, chart: FloorChart, cameras: Sequence[CameraModel]) -> list[FloorView]:
        """Of each of ``cameras``, for the ``chart`` of ``plan``."""
        places = chart.places()
        eyes = np.array([camera.position for camera in cameras], np.float64).reshape(-1, 3)
        flat = places.reshape(-1, 2)
        past = visible(eyes, flat, *screens(plan), heights=np.array([_ABOVE_M])) == 1.0
        found = []
        for place, camera in enumerate(cameras):
            pixels = camera.project(np.column_stack([flat, np.zeros(len(flat))])).reshape(*chart.shape, 2)
            ahead = np.isfinite(pixels).all(axis=-1)
            pixels = np.nan_to_num(pixels, nan=-1.0)
            seen = ahead & (pixels >= 1.0).all(axis=-1) & (pixels <= np.array(camera.size) - 2.0).all(axis=-1)
            seen &= chart.inside & past[:, place].reshape(chart.shape) & (_finest(pixels) >= _COARSEST_PX)
            found.append(cls(camera, pixels.astype(np.float32), np.asarray(seen)))
        return found

    def look(self, picture: Image) -> Image:
        """A picture (H, W, 3) as the chart sees it, uint8 (rows, columns, 3)."""
        return self._sampled(picture, cv2.INTER_LINEAR)

    def free(self, covered: Image) -> Bools:
        """Which cells (rows, columns) are seen and away from ``covered``, a mask (H, W), by a cell at least."""
        free = self.seen & (self._sampled(covered, cv2.INTER_NEAREST) == 0)
        return cv2.erode(free.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)

    def _sampled(self, picture: Image, how: int) -> Image:
        return np.asarray(
            cv2.remap(picture, self.pixels[..., 0], self.pixels[..., 1], how, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )


def _finest(pixels: Float) -> Float:
    """The shorter side (rows, columns), in pixels, of each cell in a picture."""
    sides = [np.linalg.norm(np.gradient(pixels, axis=axis), axis=-1) for axis in (0, 1)]
    return np.asarray(np.minimum(*sides))
