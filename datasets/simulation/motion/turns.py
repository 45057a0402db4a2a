"""Rotation matrices of many times at once, and smooth steps from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

X, Y, Z = 0, 1, 2


def about(axis: int, angle: Array) -> Array:
    """Rotations (..., 3, 3) by ``angle`` (...) radians about a coordinate axis, right-handed."""
    angle = np.asarray(angle, np.float64)
    cos, sin = np.cos(angle), np.sin(angle)
    turns = np.zeros((*angle.shape, 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    turns[..., axis, axis] = 1.0
    turns[..., a, a] = turns[..., b, b] = cos
    turns[..., b, a], turns[..., a, b] = sin, -sin
    return turns


def about_axis(axis: Array, angle: Array) -> Array:
    """Rotations (..., 3, 3) by ``angle`` (...) radians about unit vectors ``axis`` (..., 3): Rodrigues' formula."""
    axis, angle = np.broadcast_arrays(axis, np.asarray(angle, np.float64)[..., None])
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    cos, sin = np.cos(angle[..., 0]), np.sin(angle[..., 0])
    rest = 1.0 - cos
    rows = [
        cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin,
        y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin,
        z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest,
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*x.shape, 3, 3)


def unit(vectors: Array) -> Array:
    """``vectors`` (..., 3) of length 1; a null vector stays null."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return np.asarray(vectors / np.maximum(length, 1e-12)[..., None])


def frame(first: Array, second: Array) -> Array:
    """Right-handed axes (..., 3, 3) in columns: along ``first`` (..., 3), ``second`` made square to it, their cross
    product.
    """
    a = unit(first)
    b = unit(second - a * np.einsum("...i,...i->...", a, second)[..., None])
    return np.stack([a, b, cross(a, b)], axis=-1)


def cross(a: Array, b: Array) -> Array:
    """Cross products (..., 3); quicker than ``np.cross``."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )


def apply(turns: Array, vectors: Array) -> Array:
    """``turns`` (..., 3, 3) of ``vectors`` (..., 3)."""
    return np.asarray((turns @ vectors[..., None])[..., 0])


def minimum_jerk(share: Array) -> Array:
    """From 0 to 1 with no speed and no acceleration at either end, as hands move (Flash and Hogan 1985)."""
    u = np.clip(share, 0.0, 1.0)
    return np.asarray(u * u * u * (10.0 + u * (6.0 * u - 15.0)))


def smooth(share: Array) -> Array:
    """From 0 to 1 with no speed at either end; less hurried in the middle than ``minimum_jerk``."""
    u = np.clip(share, 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u))


def pulse(times: Array, start: float, full: float, fading: float, end: float) -> Array:
    """0 before ``start``, 1 from ``full`` to ``fading``, 0 after ``end``; minimum-jerk ramps between."""
    up = minimum_jerk((times - start) / max(full - start, 1e-3))
    down = minimum_jerk((times - fading) / max(end - fading, 1e-3))
    return np.asarray(up * (1.0 - down))


def wrapped(angle: Array) -> Array:
    """Angles in (-pi, pi]."""
    return np.asarray(np.pi - (np.pi - angle) % (2.0 * np.pi))
