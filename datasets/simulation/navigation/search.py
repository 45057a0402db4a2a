"""The way from here to there among people who move: dynamic programming over the cells of a grid, moment by moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import RATE_HZ, Others
from datasets.simulation.navigation.crowding import Crowding
from datasets.simulation.navigation.ground import CELL_M, Ground

Float = NDArray[np.float64]
Cost = NDArray[np.float32]

REACH_CELLS = 3  # a person moves at most so many cells from one moment to the next
_MOVES = tuple(
    (i, j)
    for i in range(-REACH_CELLS, REACH_CELLS + 1)
    for j in range(-REACH_CELLS, REACH_CELLS + 1)
    if math.hypot(i, j) <= REACH_CELLS
)
_STAY = _MOVES.index((0, 0))
_LENGTH_M = np.array([math.hypot(i, j) for i, j in _MOVES]) * CELL_M

SLACK_M = 2.5  # detours of up to so much are looked at
PATIENCE_S = 6.0  # and waits of so much
AT_EASE_M = 0.5  # from furniture, where there is room
# costs in seconds: of a metre, on top of a metre near furniture, and left of the middle; of waiting on the way
_METRE, _CLOSE, _LEFT, _PAUSE, _GATE = 0.4, 0.9, 0.25, 0.05, 0.6


@dataclass(frozen=True, eq=False)
class Errand:
    """Who wants to go where: ``start`` and ``goal`` (x, y), from tick ``first``, at up to ``speed_mps``.

    ``body_m`` is the room needed from the middle to furniture. ``taste`` (rows, columns) are costs of ground by the
    metre, which make people differ in their ways.
    """

    start: tuple[float, float]
    goal: tuple[float, float]
    first: int
    speed_mps: float
    body_m: float
    taste: Float
    leaves: bool = False


@dataclass(frozen=True, eq=False)
class Way:
    """Points (n, 2) in metres and when to be there (n,) in seconds, from the errand's start to its goal."""

    xy: Float
    time_s: Float


def find_way(ground: Ground, errand: Errand, others: Others, margin_m: float) -> Way | None:
    """The way that costs least, ``margin_m`` further from others than they need; None where none is found in time.

    The goal is reached when one can stay there for good, or at any moment if the person ``leaves`` there.
    """
    goal = np.array(errand.goal)
    free_from = 0.0 if errand.leaves else others.free_from(goal, errand.first)
    to_goal = ground.distances(errand.goal, errand.body_m)
    from_start = ground.distances(errand.start, errand.body_m)
    detour = to_goal + from_start
    shortest = float(detour.min())
    if not math.isfinite(free_from) or not math.isfinite(shortest):
        return None
    used = np.argwhere(detour <= shortest + SLACK_M)
    low = ground.low + used.min(axis=0)[::-1] * CELL_M - CELL_M
    high = ground.low + used.max(axis=0)[::-1] * CELL_M + CELL_M
    # cells are laid so that the goal is the middle of one
    before = np.ceil((goal - low) / CELL_M).astype(int) + REACH_CELLS
    after = np.ceil((high - goal) / CELL_M).astype(int) + REACH_CELLS
    origin = goal - before * CELL_M
    shape = (int(before[1] + after[1] + 1), int(before[0] + after[0] + 1))
    y, x = np.meshgrid(*(np.arange(count) * CELL_M for count in shape), indexing="ij")
    cells = origin + np.stack([x, y], axis=-1)
    end = (int(before[1]), int(before[0]))
    i, j = np.round((np.array(errand.start) - origin)[::-1] / CELL_M).astype(int)
    begin = (int(i), int(j))

    costs = _move_costs(ground, errand, cells, begin, end)
    step = REACH_CELLS * CELL_M / errand.speed_mps
    latest = (shortest + SLACK_M) / errand.speed_mps * 1.3 + PATIENCE_S
    latest = max(latest, (free_from - errand.first) / RATE_HZ + step)
    crowding = Crowding(others, errand.first, step, int(latest / step) + 2, origin, shape, margin_m)
    cost = np.full(shape, np.inf, np.float32)
    cost[begin] = 0.0
    layers = [cost]
    best, best_layer = math.inf, 0
    for layer in range(1, int(latest / step) + 2):
        now = layer * step
        cost = _spread(layers[-1], costs, begin, layer)
        stands = not errand.leaves and errand.first + now * RATE_HZ >= free_from
        arrives = cost[end]
        crowding.apply(cost, layer)
        # who stands still where all others know of it is safe, whatever the margin
        cost[begin] = 0.0
        if stands:
            cost[end] = arrives
        layers.append(cost)
        if cost[end] + now < best and (stands or errand.leaves):
            best, best_layer = float(cost[end]) + now, layer
        if now + 0.9 * _METRE * shortest > best:
            break
    if not best_layer:
        return None
    return _trace(errand, layers[: best_layer + 1], costs, end, origin, step)


def _spread(before: Cost, costs: Cost, begin: tuple[int, int], layer: int) -> Cost:
    """The least cost (rows, columns) of being in each cell one moment after ``before``."""
    reach = REACH_CELLS * layer
    bottom, left = max(begin[0] - reach, REACH_CELLS), max(begin[1] - reach, REACH_CELLS)
    top = min(begin[0] + reach + 1, before.shape[0] - REACH_CELLS)
    right = min(begin[1] + reach + 1, before.shape[1] - REACH_CELLS)
    after = np.full(before.shape, np.inf, np.float32)
    least = after[bottom:top, left:right]
    option = np.empty_like(least)
    for number, (i, j) in enumerate(_MOVES):
        came = before[bottom - i : top - i, left - j : right - j]
        np.add(came, costs[number, bottom:top, left:right], out=option)
        np.minimum(least, option, out=least)
    return after


def _trace(errand: Errand, layers: list[Cost], costs: Cost, end: tuple[int, int], origin: Float, step: float) -> Way:
    """Go back from the end: each cell was entered by the move that costs least."""
    moves = np.array(_MOVES)
    places = [np.array(end)]
    for before in reversed(layers[:-1]):
        came = places[-1] - moves
        option = before[came[:, 0], came[:, 1]] + costs[:, places[-1][0], places[-1][1]]
        places.append(came[option.argmin()])
    cells = np.array(places[::-1], np.float64)
    xy = origin + cells[:, ::-1] * CELL_M
    xy[(cells == cells[0]).all(axis=1)] = errand.start
    return Way(xy, errand.first / RATE_HZ + np.arange(len(xy), dtype=np.float64) * step)


def _move_costs(ground: Ground, errand: Errand, cells: Float, begin: tuple[int, int], end: tuple[int, int]) -> Cost:
    """Seconds (moves, rows, columns) that a move into a cell costs on top of its time, infinite into solid ones."""
    clearance = ground.clearance(cells)
    close = np.clip((AT_EASE_M - clearance) / (AT_EASE_M - errand.body_m), 0.0, 1.0)
    away = ground.away_from_walls(cells)
    rows, columns = errand.taste.shape
    at = np.clip((cells - ground.low) / (ground.high - ground.low), 0.0, 1.0) * (np.array([columns, rows]) - 1)
    taste = errand.taste[np.round(at[..., 1]).astype(int), np.round(at[..., 0]).astype(int)]
    metre = _METRE + _CLOSE * close**2 + taste
    aisle = np.clip((1.2 - clearance) / 0.6, 0.0, 1.0)
    costs = np.empty((len(_MOVES), *clearance.shape), np.float32)
    for number, (down, right) in enumerate(_MOVES):
        # walkers keep to the right: what is near stands on their right, not on their left
        left_wall = np.clip((away[..., 0] * down - away[..., 1] * right) / max(math.hypot(down, right), 1.0), 0.0, 1.0)
        costs[number] = _LENGTH_M[number] * (metre + _LEFT * aisle * left_wall)
    costs[_STAY] = _PAUSE + _GATE * (ground.from_gates(cells) < 0.8)
    costs[_STAY][begin] = 0.0
    solid = clearance < errand.body_m
    solid[:REACH_CELLS] = solid[-REACH_CELLS:] = solid[:, :REACH_CELLS] = solid[:, -REACH_CELLS:] = True
    solid[begin] = solid[end] = False
    costs[:, solid] = np.inf
    return costs
