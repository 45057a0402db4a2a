"""Where somebody can step aside so that another gets past."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from datasets.simulation.navigation.crowd import NEAREST_M
from datasets.simulation.navigation.ground import BODY_M, CELL_M, Ground

Float = NDArray[np.float64]

ROOM_M = NEAREST_M + 0.06  # between the middles of the one who stands aside and the one who passes
FAR_M = 5.0  # nobody goes further to make room


def has_way(ground: Ground, start: Float, goal: Float, standing: Float, body_m: float = BODY_M) -> bool:
    """Whether a person can get from ``start`` to ``goal`` (2,) past people who stand at ``standing`` (k, 2)."""
    if len(standing) and float(np.linalg.norm(standing - goal, axis=1).min()) < NEAREST_M:
        return False
    regions = _regions(ground, standing, body_m)
    return bool(_near(regions, ground, start) & _near(regions, ground, goal))


def _regions(ground: Ground, standing: Float, body_m: float) -> NDArray[np.int32]:
    """Cells (rows, columns) numbered by the region in which one can walk past those who stand; 0 is none."""
    usable = ground.open_cells(body_m).copy()
    reach = math.ceil(ROOM_M / CELL_M)
    for place in standing:
        column, row = np.round((place - ground.low) / CELL_M).astype(int)
        window = (slice(max(row - reach, 0), row + reach + 1), slice(max(column - reach, 0), column + reach + 1))
        rows, columns = (np.arange(*part.indices(size)) for part, size in zip(window, usable.shape, strict=True))
        x, y = ground.low[0] + columns * CELL_M - place[0], ground.low[1] + rows * CELL_M - place[1]
        usable[window] &= x**2 + y[:, None] ** 2 >= ROOM_M**2
    regions, _ = label(usable, structure=np.ones((3, 3)))
    return np.asarray(regions, np.int32)


def _near(regions: NDArray[np.int32], ground: Ground, xy: Float) -> set[int]:
    """The regions within three cells of ``xy``."""
    column, row = np.round((xy - ground.low) / CELL_M).astype(int)
    patch = regions[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    return set(np.unique(patch).tolist()) - {0}


def shortest_route(ground: Ground, start: Float, goal: Float, body_m: float) -> Float:
    """Cells' middles (n, 2) on a shortest way from ``start`` to ``goal`` (2,) with nobody else there."""
    distances = ground.distances((float(goal[0]), float(goal[1])), body_m)
    cell = ground.cell((float(start[0]), float(start[1])), body_m)
    places = [start]
    while cell is not None and 0.0 < distances[cell] < np.inf:
        row, column = cell
        patch = distances[row - 1 : row + 2, column - 1 : column + 2]
        down, right = divmod(int(patch.argmin()), patch.shape[1])
        cell = (row - 1 + down, column - 1 + right)
        places.append(ground.low + np.array([cell[1], cell[0]]) * CELL_M)
    return np.array([*places, goal])


def places_aside(
    ground: Ground, stander: Float, passer: Float, goal: Float, standing: Float, body_m: float
) -> Iterator[tuple[float, float]]:
    """Places, the nearest first, where who stands at ``stander`` leaves a way from ``passer`` to ``goal``.

    ``standing`` (k, 2) are the others who stand.
    """
    if not has_way(ground, passer, goal, standing, body_m):
        return  # nor is there one with somebody more in it
    cells = ground.cells()[::2, ::2].reshape(-1, 2)
    walk = ground.distances((float(stander[0]), float(stander[1])))[::2, ::2].ravel()
    room = ground.clearance(cells) >= BODY_M + 0.02
    for place in (passer, goal, *standing):
        room &= np.linalg.norm(cells - place, axis=1) >= ROOM_M + 0.05
    room &= (walk > 0.15) & (walk < FAR_M)
    regions = _regions(ground, np.concatenate([standing, passer[None]]), BODY_M)
    room &= np.isin(regions[::2, ::2].ravel(), list(_near(regions, ground, stander)))
    route = shortest_route(ground, passer, goal, body_m)
    on_route = np.linalg.norm(cells[:, None] - route[None, ::2], axis=-1).min(axis=1) < ROOM_M
    # a gate is no place to stand in
    crowded = ground.from_gates(cells) < 0.6
    order = np.argsort(walk + 3.0 * crowded + FAR_M * on_route, kind="stable")
    for number in order[room[order]][:60]:
        if has_way(ground, passer, goal, np.concatenate([standing, cells[number][None]]), body_m):
            yield float(cells[number, 0]), float(cells[number, 1])
