"""Heatmap cells: seconds of presence and first visits, by minute, in pixels and in metres on the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from insights.sightings import Bool, Float, Int, Steps

Space = Literal["image", "floor"]
# Points beyond this come from the horizon of a homography; no shop floor is as wide.
FLOOR_LIMIT_M = 250.0


@dataclass(frozen=True, slots=True, eq=False)
class TileRows:
    """What is to be added to cells: parallel ``minute``, ``x``, ``y``, ``visitors`` (n,) int64, ``seconds`` (n,)."""

    space: Space
    minute: Int
    x: Int
    y: Int
    visitors: Int
    seconds: Float

    def __len__(self) -> int:
        return len(self.minute)


class Tiles:
    """Adds up presence in square cells of side ``cell``, in pixels of a picture or in metres of a floor.

    A step between two sightings counts in the cell and the minute where it began, for ``max_step_s`` seconds at most.
    A visit counts in a cell once, in the minute of its first step from there. ``size`` (width, height) are the bounds
    of a picture: feet that are below its edge count in the last row. A floor has none but ``FLOOR_LIMIT_M``.
    """

    def __init__(self, space: Space, cell: float, max_step_s: float, size: tuple[int, int] | None = None) -> None:
        self._space = space
        self._cell = cell
        self._max_step_s = max_step_s
        self._size = size
        self._seen: dict[int, set[tuple[int, int]]] = {}

    def update(self, steps: Steps) -> TileRows:
        """Take the next steps; rows of the same minute and cell come once."""
        points = steps.before.xy if self._space == "image" else steps.before.xy_m
        counts = steps.known & steps.before.inside[:, 0] & self._usable(points)
        cells = self._cells(points[counts])
        slot = steps.before.slot[counts]
        minute = np.floor_divide(steps.before.time_s[counts], 60).astype(np.int64)
        seconds = steps.seconds(self._max_step_s)[counts]
        keys, where = np.unique(np.column_stack([minute, cells]), axis=0, return_inverse=True)
        total = np.zeros(len(keys))
        np.add.at(total, where, seconds)
        visitors = np.zeros(len(keys), np.int64)
        np.add.at(visitors, where[self._first_visits(slot, cells)], 1)
        return TileRows(self._space, keys[:, 0], keys[:, 1], keys[:, 2], visitors, total)

    def clear(self, slots: Int) -> None:
        """Forget where these people were."""
        for slot in slots.tolist():
            self._seen.pop(slot, None)

    def _usable(self, points: Float) -> Bool:
        limit = np.inf if self._size is not None else FLOOR_LIMIT_M
        return np.asarray((np.abs(points) < limit).all(1), np.bool_)

    def _cells(self, points: Float) -> Int:
        if self._size is not None:
            points = np.clip(points, 0, np.nextafter(np.asarray(self._size, np.float64), 0))
        return np.floor_divide(points, self._cell).astype(np.int64)

    def _first_visits(self, slot: Int, cells: Int) -> Int:
        """The rows at which a person is in a cell for the first time."""
        _, rows = np.unique(np.column_stack([slot, cells]), axis=0, return_index=True)
        new = []
        for row in rows.tolist():
            seen = self._seen.setdefault(int(slot[row]), set())
            cell = (int(cells[row, 0]), int(cells[row, 1]))
            if cell not in seen:
                seen.add(cell)
                new.append(row)
        return np.array(new, np.int64)
