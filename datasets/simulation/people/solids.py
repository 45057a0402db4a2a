"""Simple bodies made of rows of points: tubes and bent sheets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.patches import Patch, hemmed, joined, normals


def tube(path: NDArray[np.float64], radii: NDArray[np.float64], weights: NDArray[np.float64], sides: int = 8) -> Patch:
    """A tube with round sections of ``radii`` (k, 2: across and along ``z``-most) around ``path`` (k, 3), closed at
    both ends; ``weights`` (k, bones) are the sections'.
    """
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.where(np.abs(along[:, 2:]) > 0.9, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    across = np.cross(along, up)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(across, along)
    angle = np.arange(sides) / sides * 2 * np.pi
    ring = radii[:, None, 0, None] * np.cos(angle)[:, None] * across[:, None]
    ring = ring + radii[:, None, 1, None] * np.sin(angle)[:, None] * up[:, None]
    k = len(path)
    positions = np.concatenate([(path[:, None] + ring).reshape(-1, 3), path[[0, -1]]])
    row, column = np.meshgrid(np.arange(k - 1), np.arange(sides), indexing="ij")
    here, beside = row * sides + column, row * sides + (column + 1) % sides
    walls = [np.stack([here, beside, here + sides], -1), np.stack([beside, beside + sides, here + sides], -1)]
    c = np.arange(sides)
    first = np.column_stack([np.full(sides, k * sides), (c + 1) % sides, c])
    last = np.column_stack([np.full(sides, k * sides + 1), (k - 1) * sides + c, (k - 1) * sides + (c + 1) % sides])
    triangles = np.concatenate([*(wall.reshape(-1, 3) for wall in walls), first, last])
    rows = np.concatenate([np.repeat(weights, sides, axis=0), weights[[0, -1]]])
    return Patch(positions, rows, np.zeros((len(positions), 2)), outward(positions, triangles))


def sheet(grid: NDArray[np.float64], weights: NDArray[np.float64], thick_m: float) -> Patch:
    """A closed sheet of ``thick_m``: its outer side goes through ``grid`` (rows, columns, 3).

    ``weights`` (rows, bones). Rows run from left to right as seen from outside, the first row is the upper one.
    """
    rows, columns = grid.shape[:2]
    positions = grid.reshape(-1, 3)
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    here = row * columns + column
    triangles = np.concatenate(
        [
            np.stack([here, here + columns, here + 1], -1).reshape(-1, 3),
            np.stack([here + 1, here + columns, here + columns + 1], -1).reshape(-1, 3),
        ]
    )
    outer = Patch(positions, np.repeat(weights, columns, axis=0), np.zeros((len(positions), 2)), triangles)
    inside = positions - thick_m * normals(positions, triangles)
    return joined([hemmed(outer, inside), replace(outer, positions=inside, triangles=triangles[:, ::-1])])


def outward(positions: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """The triangles of a closed surface, all turned if they wind inward."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    return triangles if np.einsum("ij,ij->", a, np.cross(b, c)) > 0.0 else triangles[:, ::-1]
