"""Two looks at one slot in one camera: how far they differ, and where the cells of the slot are in them.

What happens to a package is seen within its cell's front, whatever the camera's angle: what stands deeper is hidden by
what stands before it, so the cells beside it change at their edges alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.furniture import PlacedSlot
from vision.shop.slot_views import COLUMNS, ROWS, extent_of

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

FRONT_M = 0.015  # from the board's edge to the front row
GAP_M = 0.008  # between packages
DARK = 12.0  # added to grey values before their logarithm: gains are not told from what is nearly black
NOISE = 2.5  # grey values, of the median of three looks
EDGE_NOISE = 0.10  # of the difference to the point beside it: what a shift of a tenth of a point makes
CAP = 30.0  # no point counts for more squared deviations than this
FEWEST = 20  # points that tell a change of light


@dataclass(frozen=True, slots=True)
class Goods:
    """How a slot is filled: columns side by side, rows behind one another, layers; the package's size in metres."""

    columns: int
    rows: int
    layers: int
    size_m: tuple[float, float, float]

    @classmethod
    def of(cls, slot: PlacedSlot, size_m: tuple[float, float, float] | None) -> Goods:
        """Of a slot and its product's width, depth and height; where that is unknown, as large as the slot allows."""
        width, height = extent_of(slot)
        asked = slot.slot
        if size_m is None:
            across, deep, high = width / asked.facings - GAP_M, slot.depth_m / asked.rows - GAP_M, 0.8 * height
            return cls(asked.facings, asked.rows, asked.layers, (across, deep, high / asked.layers))
        columns = int((width + 1e-6) / (size_m[0] + GAP_M))
        rows = int((slot.depth_m - FRONT_M + GAP_M) / (size_m[1] + GAP_M))
        layers = int(height / size_m[2])
        return cls(
            max(1, min(asked.facings, columns)),
            max(1, min(asked.rows, rows)),
            max(1, min(asked.layers, layers)),
            size_m,
        )


def gain(before: Float32, after: Float32, seen: Mask) -> Float32:
    """By how much (3,) the light changed between looks (..., 3): the median of the channels' ratios where ``seen``."""
    if seen.sum() < FEWEST:
        return np.ones(3, np.float32)
    ratio = np.log(after[seen] + DARK) - np.log(before[seen] + DARK)
    return np.asarray(np.exp(np.median(ratio, axis=0)), np.float32)


def lit(look: Float32, factor: Float32) -> Float32:
    """A look as it would be with the light changed by ``factor`` (3,)."""
    return np.asarray((look + DARK) * factor - DARK, np.float32)


def deviations(before: Float32, after: Float32, spread: Float32) -> Float32:
    """Squared differences (..., ROWS, COLUMNS) of looks (..., ROWS, COLUMNS, 3), by the variance that noise explains.

    ``spread`` (..., ROWS, COLUMNS) is by how much the pictures that the looks are made of differ.
    """
    across = np.abs(np.diff(before, axis=-2, append=before[..., -1:, :])).max(axis=-1)
    down = np.abs(np.diff(before, axis=-3, append=before[..., -1:, :, :])).max(axis=-1)
    variance = NOISE**2 + spread**2 + (EDGE_NOISE * np.maximum(across, down)) ** 2
    return np.asarray(np.minimum(((after - before) ** 2).mean(axis=-1) / variance, CAP), np.float32)


@dataclass(frozen=True, slots=True)
class Cell:
    """One facing of a slot in one layer: its column from the left, its layer from below, and its front's lines and
    columns of the patch.
    """

    column: int
    layer: int
    place: tuple[slice, slice]


def cells_of(goods: Goods, slot: PlacedSlot) -> list[Cell]:
    """The cells of a slot, column by column."""
    width, height = extent_of(slot)
    half = goods.size_m[0] / width * COLUMNS / 2
    share = min(goods.size_m[2] / height, 1.0 / goods.layers)
    found = []
    for column in range(goods.columns):
        middle = (column + 0.5) * COLUMNS / goods.columns
        left, right = round(max(middle - half, 0.0)), round(min(middle + half, COLUMNS))
        for layer in range(goods.layers):
            bottom, top = round(ROWS * (1 - layer * share)), max(int(ROWS * (1 - (layer + 1) * share)), 0)
            lines = slice(min(top, ROWS - 2), max(bottom, top + 2))
            found.append(Cell(column, layer, (lines, slice(left, max(right, left + 2)))))
    return found
