"""The heatmap of the whole floor in metres, from all cameras, each person once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from sqlalchemy import func, select

from insights.heatmap import Heatmap
from insights.ranges import minutes
from store.records import Records
from store.tables import tiles

FLOOR: Final = ""
"""In place of a camera's name in the cells of people who are followed over the floor by all cameras."""
Layer = Literal["heat", "cameras", "error"]
"""What a picture of the floor shows: where people were, how many cameras see, how exactly places are known."""


@dataclass(frozen=True, slots=True)
class FloorGrid:
    """The cells of a floor: squares of ``cell`` metres, ``columns`` and ``rows`` of them.

    ``first`` (x, y) is the number of the cell with the smallest x and y; cell (0, 0) begins at the plan's origin.
    """

    cell: float
    first: tuple[int, int]
    columns: int
    rows: int

    @classmethod
    def around(cls, low: tuple[float, float], high: tuple[float, float], cell: float) -> FloorGrid:
        """The cells that a rectangle from ``low`` to ``high`` (x, y in metres) touches."""
        begin = np.floor(np.divide(low, cell) + 1e-9).astype(int)
        end = np.maximum(np.ceil(np.divide(high, cell) - 1e-9).astype(int), begin + 1)
        columns, rows = (end - begin).tolist()
        return cls(cell, (int(begin[0]), int(begin[1])), columns, rows)

    @property
    def origin(self) -> tuple[float, float]:
        """The corner (x, y) with the smallest coordinates, metres."""
        return self.first[0] * self.cell, self.first[1] * self.cell


def floor_heatmap(
    records: Records, store: str, grid: FloorGrid, start: float, end: float, min_visitors: int
) -> Heatmap:
    """Presence by cell over the minutes that [start, end) touches, in the cells of ``grid``.

    In minutes in which people were followed over the floor that counts alone. In others each calibrated camera has
    counted for itself, and a cell has what the camera that saw most in it saw in that minute: adding them up would
    count people twice whom two cameras see. Raises ``RangeError``, and ``ValueError`` for ``min_visitors`` below 1.
    """
    if min_visitors < 1:
        raise ValueError(f"min_visitors must be 1 or more, got {min_visitors}")
    first, last = minutes(start, end)
    mine = (tiles.c.store == store) & (tiles.c.space == "floor") & (tiles.c.minute >= first) & (tiles.c.minute < last)
    place = tiles.c.x, tiles.c.y
    followed = mine & (tiles.c.camera == FLOOR)
    together = select(*place, func.sum(tiles.c.visitors), func.sum(tiles.c.seconds)).where(followed).group_by(*place)
    most = (
        select(*place, func.max(tiles.c.visitors).label("visitors"), func.max(tiles.c.seconds).label("seconds"))
        .where(mine, tiles.c.camera != FLOOR, tiles.c.minute.not_in(select(tiles.c.minute).where(followed)))
        .group_by(*place, tiles.c.minute)
        .subquery()
    )
    apart = select(most.c.x, most.c.y, func.sum(most.c.visitors), func.sum(most.c.seconds)).group_by(most.c.x, most.c.y)
    seconds = np.zeros((grid.rows, grid.columns))
    visitors = np.zeros((grid.rows, grid.columns), np.int64)
    with records.read() as connection:
        for wanted in (together, apart):
            found = np.array(connection.execute(wanted).all(), np.float64).reshape(-1, 4)
            at = found[:, :2].astype(np.int64) - grid.first
            fits = ((at >= 0) & (at < (grid.columns, grid.rows))).all(axis=1)
            where = at[fits, 1], at[fits, 0]
            visitors[where] += found[fits, 2].astype(np.int64)
            seconds[where] += found[fits, 3]
    shown = visitors >= min_visitors
    few = ~shown & ((visitors > 0) | (seconds > 0))
    return Heatmap(
        "floor",
        grid.cell,
        grid.origin,
        np.where(shown, seconds, np.nan).astype(np.float32),
        np.where(shown, visitors, 0),
        min_visitors,
        int(few.sum()),
    )


def newest_floor(records: Records, store: str) -> float | None:
    """The end of the last minute (seconds, UTC) in which anybody was on the floor; None before the first."""
    last = select(func.max(tiles.c.minute)).where(tiles.c.store == store, tiles.c.space == "floor")
    with records.read() as connection:
        minute = connection.execute(last).scalar()
    return None if minute is None else 60.0 * (minute + 1)
