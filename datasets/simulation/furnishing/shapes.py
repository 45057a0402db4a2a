"""Triangle meshes from simple parts: cuboids, turned bodies, rods, and surfaces through rings of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from datasets.simulation.goods.wrapping import Rect, inset
from datasets.simulation.meshes import Mesh

Float = NDArray[np.float64]
WHOLE: Rect = (0.0, 0.0, 1.0, 1.0)
# Side of a cuboid: its corners seen from outside, upper left, lower left, lower right, upper right.
_CORNERS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "front": ((-0.5, -0.5, 1), (-0.5, -0.5, 0), (0.5, -0.5, 0), (0.5, -0.5, 1)),
    "right": ((0.5, -0.5, 1), (0.5, -0.5, 0), (0.5, 0.5, 0), (0.5, 0.5, 1)),
    "back": ((0.5, 0.5, 1), (0.5, 0.5, 0), (-0.5, 0.5, 0), (-0.5, 0.5, 1)),
    "left": ((-0.5, 0.5, 1), (-0.5, 0.5, 0), (-0.5, -0.5, 0), (-0.5, -0.5, 1)),
    "top": ((-0.5, 0.5, 1), (-0.5, -0.5, 1), (0.5, -0.5, 1), (0.5, 0.5, 1)),
    "bottom": ((-0.5, -0.5, 0), (-0.5, 0.5, 0), (0.5, 0.5, 0), (0.5, -0.5, 0)),
}


def mesh(positions: ArrayLike, normals: ArrayLike, uv: ArrayLike, triangles: ArrayLike) -> Mesh:
    """A mesh from anything array-like."""
    return Mesh(
        np.asarray(positions, np.float32),
        np.asarray(normals, np.float32),
        np.asarray(uv, np.float32),
        np.asarray(triangles, np.int32).reshape(-1, 3),
    )


def merged(*parts: Mesh) -> Mesh:
    """One mesh of all ``parts``."""
    starts = np.cumsum([0] + [len(part.positions) for part in parts[:-1]])
    return mesh(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.uv for part in parts]),
        np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=True)]),
    )


def placed(part: Mesh, scale: ArrayLike = 1.0, at: ArrayLike = 0.0) -> Mesh:
    """``part`` scaled along its axes by positive factors (3,), then moved by ``at`` (3,)."""
    factors = np.broadcast_to(np.asarray(scale, np.float64), 3)
    normals = part.normals / factors
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return mesh(part.positions * factors + np.asarray(at), normals, part.uv, part.triangles)


def cuboid(sides: Mapping[str, Rect] | None = None) -> Mesh:
    """The unit cuboid, x and y in -0.5..0.5, z in 0..1, each of its six sides printed with its own rect."""
    patches = []
    for side, corners in _CORNERS.items():
        patches.append(quad(np.array(corners), inset(sides[side]) if sides else WHOLE))
    return merged(*patches)


def quad(corners: Float, rect: Rect = WHOLE) -> Mesh:
    """A flat patch from its corners (4, 3): upper left, lower left, lower right, upper right as seen from outside."""
    normal = np.cross(corners[2] - corners[0], corners[3] - corners[1])
    u0, v0, u1, v1 = rect
    uv = [(u0, v0), (u0, v1), (u1, v1), (u1, v0)]
    return mesh(corners, np.tile(normal / np.linalg.norm(normal), (4, 1)), uv, [(0, 1, 2), (0, 2, 3)])


def surface(points: Float, rect: Rect = WHOLE, *, closed: bool = False) -> Mesh:
    """A smooth surface through a grid of points (rows, columns, 3), rows from below, columns from left to right as seen
    from outside; uv by row and column over ``rect``. ``closed``: the last column is the first again.
    """
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (q.ravel() for q in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    triangles = np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], 1).reshape(-1, 3)
    flat = points.reshape(-1, 3)
    corners = flat[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    triangles, facing = triangles[np.any(facing != 0, axis=1)], facing[np.any(facing != 0, axis=1)]
    normals = np.zeros_like(flat)
    np.add.at(normals, triangles.ravel(), np.repeat(facing, 3, axis=0))
    if closed:
        grid = normals.reshape(rows, columns, 3)
        grid[:, 0] = grid[:, -1] = grid[:, 0] + grid[:, -1]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    u0, v0, u1, v1 = rect
    along = np.linspace(u0, u1, columns)
    lengths = np.linalg.norm(np.diff(points.mean(axis=1) if not closed else points[:, 0], axis=0), axis=1)
    up = np.concatenate([[0.0], np.cumsum(lengths)]) / max(lengths.sum(), 1e-12)
    uv = np.stack([np.tile(along, rows), np.repeat(v1 + (v0 - v1) * up, columns)], 1)
    return mesh(flat, normals, uv, triangles)


def circle(segments: int) -> Float:
    """Points (segments + 1, 2) of the circle of radius 1: from the back (0, 1) by the left, the front and the right to
    the back again.
    """
    turn = np.linspace(-np.pi, np.pi, segments + 1)
    turn[-1] = -np.pi
    return np.stack([np.sin(turn), -np.cos(turn)], 1)


def turned(profile: Sequence[tuple[float, float]], rect: Rect = WHOLE, segments: int = 16) -> Mesh:
    """The band that a profile of (radius, z), from below, leaves when it turns about the z axis."""
    return rings([(radius, radius, z) for radius, z in profile], rect, segments)


def rings(ellipses: Sequence[tuple[float, float, float]], rect: Rect = WHOLE, segments: int = 16) -> Mesh:
    """The band through ellipses of (half width in x, half depth in y, z), from below."""
    round_ = circle(segments)
    points = np.array([np.column_stack([round_ * (a, b), np.full(len(round_), z)]) for a, b, z in ellipses])
    return surface(points, rect, closed=True)


def disc(a: float, b: float, z: float, rect: Rect = WHOLE, segments: int = 16, *, up: bool = True) -> Mesh:
    """An ellipse of half width ``a`` and half depth ``b`` at height ``z``, seen from above (``up``) or from below."""
    round_ = circle(segments)[:-1]
    u0, v0, u1, v1 = rect
    middle, half = np.array([(u0 + u1) / 2, (v0 + v1) / 2]), np.array([(u1 - u0) / 2, (v1 - v0) / 2])
    uv = middle + round_ * half * (1, -1 if up else 1)
    points = np.column_stack([round_ * (a, b), np.full(segments, z)])
    fan = np.column_stack([np.zeros(segments - 2, int), np.arange(1, segments - 1), np.arange(2, segments)])
    return mesh(points, np.tile([0, 0, 1 if up else -1], (segments, 1)), uv, fan if up else fan[:, ::-1])


def rod(a: ArrayLike, b: ArrayLike, radius: float, segments: int = 6) -> Mesh:
    """A closed round bar from ``a`` to ``b`` (3,), metres."""
    start, end = np.asarray(a, np.float64), np.asarray(b, np.float64)
    z = (end - start) / np.linalg.norm(end - start)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    turn = np.stack([x, np.cross(z, x), z], 1)
    length = float(np.linalg.norm(end - start))
    bar = merged(
        turned([(radius, 0.0), (radius, length)], segments=segments),
        disc(radius, radius, length, segments=segments),
        disc(radius, radius, 0.0, segments=segments, up=False),
    )
    return mesh(bar.positions @ turn.T + start, bar.normals @ turn.T, bar.uv, bar.triangles)
