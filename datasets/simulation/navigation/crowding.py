"""What others take of the ground, moment by moment, for the search of a way among them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import RATE_HZ, Others
from datasets.simulation.navigation.ground import CELL_M

Float = NDArray[np.float64]
Cost = NDArray[np.float32]
Bool = NDArray[np.bool_]

PERSONAL_M = 0.35  # room that others like on top of what they need
COST_S = 0.15  # of a moment at the inner edge of that room
LOOKS = (-0.45, 0.0, 0.45)  # moments at which others are looked at, in steps: they too move between layers
_CHUNK = 16  # layers that are worked out at once
_MOVED_M = 0.3  # others move less than that between a layer and a look


class Crowding:
    """Costs that other people cause on a grid at each layer of a search; infinite where they are."""

    def __init__(
        self, others: Others, first: int, step: float, layers: int, origin: Float, shape: tuple[int, int], margin: float
    ) -> None:
        """Cells lie at ``origin`` + (column, row) ``CELL_M``, layers ``step`` seconds apart from tick ``first`` on.

        ``margin`` metres are added to the distances that others need.
        """
        moments = (np.arange(layers + 1)[:, None] + np.array(LOOKS)) * step * RATE_HZ
        ticks = first + np.maximum(np.round(moments), 0).astype(np.int64)
        where = others.at(ticks.ravel()).reshape(len(others.tracks), layers + 1, len(LOOKS), 2)
        radius = others.apart_m + margin
        self._half = math.ceil((float(radius.max(initial=0.0)) + PERSONAL_M + _MOVED_M) / CELL_M)
        self._shape = shape
        cell = np.round((where[:, :, 1] - origin) / CELL_M)
        limit = np.array(shape[::-1]) + self._half
        inside: Bool = np.all((cell > -self._half) & (cell < limit), axis=-1)
        moves: Bool = np.ptp(where, axis=(1, 2)).max(axis=-1) > 1e-6
        near: Bool = np.any(inside, axis=1)
        moving, still = moves & near, ~moves & near
        self._inside = inside[moving]
        self._where, self._radius = where[moving] - origin, radius[moving]
        self._cell = np.where(self._inside[..., None], cell[moving], 0.0).astype(int)
        self._chunk, self._patches = -1, np.zeros((0, 0, 0, 0), np.float32)
        spots = (where[still][:, :1, :1] - origin).reshape(-1, 1, 1, 2)
        self._still = self._empty()
        cells = cell[still][:, :1].astype(int)
        for patch, place in zip(self._price(spots, cells, radius[still])[:, 0], cells[:, 0], strict=True):
            self._stamp(self._still, patch, place)

    def apply(self, cost: Cost, layer: int) -> None:
        """Add what others cost at ``layer`` to ``cost`` (rows, columns) in place."""
        who = np.flatnonzero(self._inside[:, layer])
        price = self._still
        if len(who):
            if layer // _CHUNK != self._chunk:
                self._chunk = layer // _CHUNK
                part = slice(self._chunk * _CHUNK, (self._chunk + 1) * _CHUNK)
                self._patches = self._price(self._where[:, part], self._cell[:, part], self._radius)
            price = price.copy()
            for person in who:
                self._stamp(price, self._patches[person, layer % _CHUNK], self._cell[person, layer])
        cost += price[self._half : -self._half, self._half : -self._half]

    def _empty(self) -> Cost:
        """No cost on the grid and, around it, room for patches that stand out of it."""
        return np.zeros((self._shape[0] + 2 * self._half, self._shape[1] + 2 * self._half), np.float32)

    def _price(self, where: Float, cell: NDArray[np.int64], radius: Float) -> Cost:
        """Costs (people, layers, side, side) around ``cell`` (people, layers, 2) of who is at ``where`` (people,
        layers, looks, 2).
        """
        side = np.arange(-self._half, self._half + 1)
        x = (cell[..., 0, None] + side) * CELL_M
        y = (cell[..., 1, None] + side) * CELL_M
        square = (y[..., None, :] - where[..., 1, None]) ** 2  # (people, layers, looks, side)
        across = (x[..., None, :] - where[..., 0, None]) ** 2
        apart = np.sqrt((square[..., :, None] + across[..., None, :]).min(axis=2)) - radius[:, None, None, None]
        price = COST_S * np.clip(1.0 - apart / PERSONAL_M, 0.0, 1.0)
        price[apart < 0.0] = np.inf
        return np.asarray(price, np.float32)

    def _stamp(self, price: Cost, patch: Cost, place: NDArray[np.int64]) -> None:
        """Add ``patch`` around the cell ``place`` (column, row), as far as the array reaches."""
        column, row = int(place[0]), int(place[1])
        side = 2 * self._half + 1
        left, bottom = max(-column, 0), max(-row, 0)
        target = price[max(row, 0) : row + side, max(column, 0) : column + side]
        target += patch[bottom : bottom + target.shape[0], left : left + target.shape[1]]
