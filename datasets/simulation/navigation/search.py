"""The way from here to there among people who move: dynamic programming over the cells of a grid, moment by moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import RATE_HZ, Others
from datasets.simulation.navigation.ground import CELL_M, Ground

Float = NDArray[np.float64]

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
PERSONAL_M = 0.35  # room that others like on top of what they need
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

    clearance = ground.clearance(cells)
    solid = clearance < errand.body_m
    solid[:REACH_CELLS] = solid[-REACH_CELLS:] = solid[:, :REACH_CELLS] = solid[:, -REACH_CELLS:] = True
    solid[begin] = solid[end] = False
    costs = _move_costs(ground, errand, cells, clearance, begin)

    step = REACH_CELLS * CELL_M / errand.speed_mps
    latest = (shortest + SLACK_M) / errand.speed_mps * 1.3 + PATIENCE_S
    latest = max(latest, (free_from - errand.first) / RATE_HZ + step)
    people = _People(others, errand.first, step, int(latest / step) + 2, origin, shape, margin_m)

    cost = np.full(shape, np.inf, np.float32)
    cost[begin] = 0.0
    options = np.full((len(_MOVES), *shape), np.inf, np.float32)
    inner = (slice(REACH_CELLS, shape[0] - REACH_CELLS), slice(REACH_CELLS, shape[1] - REACH_CELLS))
    choices: list[NDArray[np.uint8]] = []
    best, best_layer = math.inf, 0
    for layer in range(1, int(latest / step) + 2):
        for number, (down, right) in enumerate(_MOVES):
            came = cost[
                REACH_CELLS - down : shape[0] - REACH_CELLS - down, REACH_CELLS - right : shape[1] - REACH_CELLS - right
            ]
            np.add(came, costs[number][inner], out=options[number][inner])
        choice = options.argmin(axis=0).astype(np.uint8)
        cost = np.take_along_axis(options, choice[None], axis=0)[0]
        taken, crowded = people.at(layer)
        cost += crowded
        cost[solid] = np.inf
        waits = cost[begin] if choice[begin] == _STAY else np.inf
        stands = not errand.leaves and errand.first + layer * step * RATE_HZ >= free_from
        arrives = cost[end] if stands else np.inf
        cost[taken] = np.inf
        cost[begin] = min(cost[begin], waits)
        cost[end] = min(cost[end], arrives)
        choices.append(choice)
        now = layer * step
        if cost[end] + now < best and (stands or errand.leaves):
            best, best_layer = float(cost[end]) + now, layer
        if now > best or not np.isfinite(cost).any():
            break
    if not best_layer:
        return None
    return _trace(errand, choices[:best_layer], end, origin, step)


def _trace(errand: Errand, choices: list[NDArray[np.uint8]], end: tuple[int, int], origin: Float, step: float) -> Way:
    places = [end]
    for choice in reversed(choices):
        down, right = _MOVES[choice[places[-1]]]
        places.append((places[-1][0] - down, places[-1][1] - right))
    xy = origin + np.array(places[::-1], np.float64)[:, ::-1] * CELL_M
    xy[0] = errand.start
    waiting = np.all(np.array(places[::-1]) == places[-1], axis=1)
    xy[waiting] = errand.start
    return Way(xy, errand.first / RATE_HZ + np.arange(len(xy)) * step)


def _move_costs(ground: Ground, errand: Errand, cells: Float, clearance: Float, begin: tuple[int, int]) -> Float:
    """Seconds (moves, rows, columns) that a move into a cell costs on top of its time."""
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
    return costs


class _People:
    """Which cells others take at each layer, and which they make unpleasant."""

    def __init__(
        self, others: Others, first: int, step: float, layers: int, origin: Float, shape: tuple[int, int], margin: float
    ) -> None:
        # three looks at a layer: others move between layers as far as the person does
        moments = (np.arange(layers + 1)[:, None] + np.array([-0.45, 0.0, 0.45])) * step * RATE_HZ
        ticks = first + np.maximum(np.round(moments), 0).astype(np.int64)
        where = others.at(ticks.ravel()).reshape(len(others.tracks), layers + 1, 3, 2)
        self._radius = others.apart_m + margin
        self._origin, self._shape = origin, shape
        high = origin + np.array(shape[::-1]) * CELL_M
        reach = self._radius[:, None, None, None] + PERSONAL_M
        inside = ((where > origin - reach) & (where < high + reach)).all(axis=-1).any(axis=2)
        moving = (
            (np.ptp(where.reshape(len(where), -1, 2), axis=1) > 1e-6).any(axis=1) if len(where) else np.zeros(0, bool)
        )
        self._where, self._inside, self._moving = where, inside, moving
        self._taken = np.zeros(shape, bool)
        self._crowded = np.zeros(shape, np.float32)
        for person in np.flatnonzero(~moving & inside.any(axis=1)):
            self._stamp(where[person, 0, :1], self._radius[person], self._taken, self._crowded)

    def at(self, layer: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        who = np.flatnonzero(self._moving & self._inside[:, layer])
        if not len(who):
            return self._taken, self._crowded
        taken, crowded = self._taken.copy(), self._crowded.copy()
        for person in who:
            self._stamp(self._where[person, layer], self._radius[person], taken, crowded)
        return taken, crowded

    def _stamp(self, xy: Float, radius: float, taken: NDArray[np.bool_], crowded: NDArray[np.float32]) -> None:
        """Mark the cells around the points ``xy`` (k, 2) of one person."""
        low = np.floor((xy.min(axis=0) - radius - PERSONAL_M - self._origin) / CELL_M).astype(int)
        high = np.ceil((xy.max(axis=0) + radius + PERSONAL_M - self._origin) / CELL_M).astype(int) + 1
        left, bottom = max(low[0], 0), max(low[1], 0)
        right, top = min(high[0], self._shape[1]), min(high[1], self._shape[0])
        if left >= right or bottom >= top or high[0] - low[0] > 100:
            return
        x = self._origin[0] + np.arange(left, right) * CELL_M
        y = self._origin[1] + np.arange(bottom, top) * CELL_M
        square = np.full((top - bottom, right - left), np.inf)
        for point in xy:
            np.minimum(square, (y[:, None] - point[1]) ** 2 + (x - point[0]) ** 2, out=square)
        apart = np.sqrt(square)
        taken[bottom:top, left:right] |= apart < radius
        crowded[bottom:top, left:right] += (
            0.15 * np.clip((radius + PERSONAL_M - apart) / PERSONAL_M, 0.0, 1.0)
        ).astype(np.float32)
