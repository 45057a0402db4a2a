"""Pieces of surface with bone weights: cut along a line, moved outward, smoothed, thinned out, hemmed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree


@dataclass(frozen=True, eq=False)
class Patch:
    """Triangles int (m, 3), counter-clockwise from outside, over vertices that carry ``positions`` (n, 3) in metres,
    ``weights`` (n, bones), and ``uv`` (n, 2), v up where MakeHuman's, or zeros until a texture is laid out.
    """

    positions: NDArray[np.float64]
    weights: NDArray[np.float64]
    uv: NDArray[np.float64]
    triangles: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)


def from_quads(
    vertices: NDArray[np.float64],
    weights: NDArray[np.float64],
    quads: NDArray[np.int64],
    uv: NDArray[np.float64] | None = None,
    quad_uv: NDArray[np.int64] | None = None,
) -> Patch:
    """The quads (q, 4) as a patch; with ``uv``, vertices are doubled along the seams of the texture."""
    if uv is None or quad_uv is None:
        used, corner = np.unique(quads, return_inverse=True)
        patch_uv = np.zeros((len(used), 2))
    else:
        pairs, corner = np.unique(np.stack([quads.ravel(), quad_uv.ravel()]), axis=1, return_inverse=True)
        used, patch_uv = pairs[0], uv[pairs[1]]
    corner = corner.reshape(-1, 4)
    triangles = np.concatenate([corner[:, [0, 1, 2]], corner[:, [0, 2, 3]]])
    return Patch(vertices[used], weights[used], patch_uv, triangles)


def joined(patches: list[Patch]) -> Patch:
    """Several patches as one, not sewn together."""
    starts = np.cumsum([0, *(len(each) for each in patches)])
    return Patch(
        np.concatenate([each.positions for each in patches]),
        np.concatenate([each.weights for each in patches]),
        np.concatenate([each.uv for each in patches]),
        np.concatenate([each.triangles + start for each, start in zip(patches, starts, strict=False)]),
    )


def clip(patch: Patch, field: NDArray[np.float64]) -> Patch:
    """The part where ``field`` (n,), linear over each triangle, is positive; new vertices lie exactly on its zero."""
    inside = field > 0.0
    count = inside[patch.triangles].sum(axis=1)
    whole = patch.triangles[count == 3]
    one, two = patch.triangles[count == 1], patch.triangles[count == 2]
    # Turned so that the odd corner comes first: the only one inside, or the only one outside.
    one = np.take_along_axis(one, (np.argmax(inside[one], axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    two = np.take_along_axis(two, (np.argmin(inside[two], axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    edges = np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [0, 1]], two[:, [0, 2]]])
    cut, number = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    a, b = cut[:, 0], cut[:, 1]
    share = (field[a] / np.where(field[a] == field[b], 1.0, field[a] - field[b]))[:, None]
    number = number.reshape(-1) + len(patch)
    n, k = len(one), len(two)
    first, second, third, fourth = np.split(number, [n, 2 * n, 2 * n + k])
    triangles = np.concatenate(
        [
            whole,
            np.column_stack([one[:, 0], first, second]),
            np.column_stack([third, two[:, 1], two[:, 2]]),
            np.column_stack([third, two[:, 2], fourth]),
        ]
    )

    def extended(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([values, values[a] + share * (values[b] - values[a])])

    return compact(Patch(extended(patch.positions), extended(patch.weights), extended(patch.uv), triangles))


def compact(patch: Patch) -> Patch:
    """The same without vertices that no triangle uses."""
    used, triangles = np.unique(patch.triangles, return_inverse=True)
    return Patch(patch.positions[used], patch.weights[used], patch.uv[used], triangles.reshape(-1, 3))


def normals(positions: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit vertex normals (n, 3), weighted by area; vertices at one place share theirs."""
    _, place = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    place = place.reshape(-1)
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros((place.max() + 1, 3))
    for corner in range(3):
        np.add.at(total, place[triangles[:, corner]], face)
    total = total[place]
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def moved_out(patch: Patch, distance: NDArray[np.float64] | float) -> Patch:
    """Each vertex moved along its normal by ``distance`` metres."""
    step = np.broadcast_to(np.asarray(distance, np.float64), (len(patch),))[:, None]
    return replace(patch, positions=patch.positions + step * normals(patch.positions, patch.triangles))


def smoothed(patch: Patch, rounds: int, strength: NDArray[np.float64] | float = 0.5) -> Patch:
    """Vertices drawn ``rounds`` times towards their neighbours' mean, those of the border along the border only."""
    if rounds == 0 or not len(patch):
        return patch
    mean = _neighbour_mean(patch)
    pull = np.broadcast_to(np.asarray(strength, np.float64), (len(patch),))[:, None]
    positions = patch.positions
    for _ in range(rounds):
        positions = positions + pull * (mean @ positions - positions)
    return replace(patch, positions=positions)


def thinned(patch: Patch, target: int, still: NDArray[np.bool_] | None = None) -> Patch:
    """About ``target`` triangles by quadric edge collapse (Garland and Heckbert 1997); the border stays as it is.

    Triangles that touch a vertex of ``still`` (n,) are left alone. Weights and uv are the nearest old vertices'.
    """
    if len(patch.triangles) <= target:
        return patch
    held = np.zeros(len(patch.triangles), bool) if still is None else still[patch.triangles].any(axis=1)
    if held.any():
        loose = compact(replace(patch, triangles=patch.triangles[~held]))
        kept = compact(replace(patch, triangles=patch.triangles[held]))
        wanted = max(target - len(kept.triangles), len(loose.triangles) // 3)
        return sewn(joined([thinned(loose, wanted), kept]))
    positions, triangles = fast_simplification.simplify(
        patch.positions.astype(np.float64),
        patch.triangles.astype(np.int64),
        target_count=target,
        agg=3.0,
        preserve_border=True,
    )
    _, near = cKDTree(patch.positions).query(positions, k=1)
    return compact(Patch(positions, patch.weights[near], patch.uv[near], np.asarray(triangles, np.int64)))


def sewn(patch: Patch) -> Patch:
    """Vertices at the same place with the same uv made one."""
    key = np.round(np.column_stack([patch.positions, patch.uv]), 7)
    _, first, number = np.unique(key, axis=0, return_index=True, return_inverse=True)
    triangles = number.reshape(-1)[patch.triangles]
    sound = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    return Patch(patch.positions[first], patch.weights[first], patch.uv[first], triangles[sound])


def border_edges(patch: Patch) -> NDArray[np.int64]:
    """Edges (k, 2) of only one triangle, in that triangle's direction."""
    directed = np.concatenate([patch.triangles[:, [0, 1]], patch.triangles[:, [1, 2]], patch.triangles[:, [2, 0]]])
    _, number, count = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(directed[count[number.reshape(-1)] == 1])


def hemmed(patch: Patch, inside: NDArray[np.float64]) -> Patch:
    """With a strip from each border vertex to its point ``inside`` (n, 3): no one looks between cloth and skin."""
    edges = border_edges(patch)
    rim, number = np.unique(edges, return_inverse=True)
    number = number.reshape(-1, 2) + len(patch)
    a, b = edges[:, 0], edges[:, 1]
    strip = np.concatenate([np.column_stack([b, a, number[:, 0]]), np.column_stack([b, number[:, 0], number[:, 1]])])
    return Patch(
        np.concatenate([patch.positions, inside[rim]]),
        np.concatenate([patch.weights, patch.weights[rim]]),
        np.concatenate([patch.uv, patch.uv[rim]]),
        np.concatenate([patch.triangles, strip]),
    )


def _neighbour_mean(patch: Patch) -> csr_array:
    """The matrix (n, n) that takes a value per vertex to the mean of its neighbours' values."""
    t = patch.triangles
    rim = border_edges(patch)
    on_rim = np.zeros(len(patch), bool)
    on_rim[rim] = True
    pairs = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = np.unique(np.concatenate([pairs[~on_rim[pairs[:, 0]]], rim, rim[:, ::-1]]), axis=0)
    degree = np.bincount(pairs[:, 0], minlength=len(patch))
    return csr_array((1.0 / degree[pairs[:, 0]], (pairs[:, 0], pairs[:, 1])), shape=(len(patch), len(patch)))
