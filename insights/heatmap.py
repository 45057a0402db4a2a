"""The heatmap of a range of time, with every cell hidden that too few visits came to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from insights.ranges import minutes
from insights.tiles import Space
from store.records import Records
from store.tables import cameras, tiles


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """A grid of square cells.

    ``cell`` is their side and ``origin`` (x, y) the upper left corner of the grid, in pixels of a picture of ``size``
    (width, height) or in metres on the floor (``size`` None). ``seconds`` (rows, columns) float32 is NaN and
    ``visitors`` int64 0 where nobody was or where fewer than ``min_visitors`` visits came to; the latter cells are
    counted in ``hidden``. Row 0 has the smallest y.
    """

    space: Space
    cell: float
    origin: tuple[float, float]
    seconds: NDArray[np.float32]
    visitors: NDArray[np.int64]
    min_visitors: int
    hidden: int
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.seconds.ndim != 2 or self.seconds.shape != self.visitors.shape:
            raise ValueError(
                f"seconds and visitors must have one shape (rows, columns), got {self.seconds.shape} and "
                f"{self.visitors.shape}"
            )

    @property
    def empty(self) -> bool:
        """Whether no cell is shown."""
        return bool(np.isnan(self.seconds).all())

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of the grid in the unit of ``cell``."""
        rows, columns = self.seconds.shape
        x0, y0 = self.origin
        return x0, y0, x0 + columns * self.cell, y0 + rows * self.cell


def heatmap(
    records: Records, store: str, camera: str, space: Space, start: float, end: float, min_visitors: int
) -> Heatmap:
    """Presence by cell over the minutes that [start, end) touches; empty where nothing is known.

    The grid of a picture covers the picture; that of a floor the cells that are shown, for its bounds would tell
    where hidden cells are. Raises ``RangeError``, and ``ValueError`` for ``min_visitors`` below 1.
    """
    if min_visitors < 1:
        raise ValueError(f"min_visitors must be 1 or more, got {min_visitors}")
    first, last = minutes(start, end)
    visits, seconds = func.sum(tiles.c.visitors), func.sum(tiles.c.seconds)
    known = select(cameras).where(cameras.c.store == store, cameras.c.camera == camera)
    cells = (
        select(tiles.c.x, tiles.c.y, visits, seconds)
        .where(tiles.c.store == store, tiles.c.camera == camera, tiles.c.space == space)
        .where(tiles.c.minute >= first, tiles.c.minute < last)
        .group_by(tiles.c.x, tiles.c.y)
    )
    with records.read() as connection:
        info = connection.execute(known).mappings().first()
        found = np.array(connection.execute(cells).all(), np.float64).reshape(-1, 4)
    shown = found[found[:, 2] >= min_visitors]
    if space == "image" and info is not None:
        size = (int(info["width"]), int(info["height"]))
        cell = float(info["cell_px"])
        corner = np.zeros(2, np.int64)
        shape = (math.ceil(size[1] / cell), math.ceil(size[0] / cell))
    else:
        size = None
        cell = 1.0 if info is None else float(info["cell_m"])
        corner = shown[:, :2].min(0).astype(np.int64) if len(shown) else np.zeros(2, np.int64)
        across = shown[:, :2].max(0).astype(np.int64) - corner + 1 if len(shown) else np.zeros(2, np.int64)
        shape = (int(across[1]), int(across[0]))
    at = shown[:, :2].astype(np.int64) - corner
    # Cells of an earlier, larger picture of the same camera have no place in the grid.
    fits = (at[:, 0] < shape[1]) & (at[:, 1] < shape[0])
    at, values = at[fits], shown[fits]
    grid = np.full(shape, np.nan, np.float32)
    visitors = np.zeros(shape, np.int64)
    grid[at[:, 1], at[:, 0]] = values[:, 3]
    visitors[at[:, 1], at[:, 0]] = values[:, 2].astype(np.int64)
    origin = (float(corner[0] * cell), float(corner[1] * cell))
    return Heatmap(space, cell, origin, grid, visitors, min_visitors, len(found) - len(shown), size)
