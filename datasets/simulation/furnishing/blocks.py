"""Pieces of the room that stand still, each a mesh put into a frame of its own, and their way into ``Instances``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from datasets.simulation.meshes import PLAIN, Instances

Span = tuple[float, float]
BLOCK, PILLAR, POSTER = "block", "pillar", "poster"


@dataclass(frozen=True, slots=True)
class Paint:
    """Linear red, green, blue and gloss in 0..1, and the layer of ``Instances`` that they multiply."""

    red: float
    green: float
    blue: float
    gloss: float = 0.15
    layer: int = PLAIN


def paint(colour: str, gloss: float = 0.15, layer: int = PLAIN) -> Paint:
    """The paint of an sRGB colour written ``#rrggbb`` (IEC 61966-2-1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return Paint(red, green, blue, gloss, layer)


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit mesh (x, y in -0.5..0.5, z in 0..1) stretched by ``matrix`` (4x4 in rows); ``shade`` darkens its paint."""

    mesh: str
    matrix: tuple[tuple[float, float, float, float], ...]
    paint: Paint
    shade: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame on the floor: metres ``along`` to the right and out along ``normal`` from ``origin``, as seen by who
    looks against the normal.
    """

    origin: tuple[float, float]
    along: tuple[float, float]
    normal: tuple[float, float]

    @classmethod
    def between(cls, a: tuple[float, float], b: tuple[float, float]) -> tuple[Frame, float]:
        """The frame that goes along from ``a`` to ``b`` with its normal to the right of that way, and the length."""
        length = math.dist(a, b)
        along = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
        return cls(a, along, (along[1], -along[0])), length

    def point(self, along: float, out: float) -> tuple[float, float]:
        """A point (x, y) of the shop."""
        (x, y), a, n = self.origin, self.along, self.normal
        return x + a[0] * along + n[0] * out, y + a[1] * along + n[1] * out

    def piece(self, along: Span, out: Span, z: Span, paint: Paint, shade: float = 1.0, mesh: str = BLOCK) -> Piece:
        """``mesh`` stretched over three spans in metres."""
        width, depth, height = along[1] - along[0], out[1] - out[0], z[1] - z[0]
        x, y = self.point((along[0] + along[1]) / 2, (out[0] + out[1]) / 2)
        (ax, ay), (nx, ny) = self.along, self.normal
        matrix = (
            (ax * width, -nx * depth, 0.0, x),
            (ay * width, -ny * depth, 0.0, y),
            (0.0, 0.0, height, z[0]),
            (0.0, 0.0, 0.0, 1.0),
        )
        return Piece(mesh, matrix, paint, shade)


ROOM = Frame((0.0, 0.0), (1.0, 0.0), (0.0, -1.0))
"""The shop's own axes: along is x; out is -y, so spans in y change their sign."""


def instances(pieces: Iterable[Piece]) -> tuple[Instances, ...]:
    """All ``pieces``, gathered by mesh."""
    by_mesh: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_mesh.setdefault(piece.mesh, []).append(piece)
    return tuple(
        Instances(
            mesh,
            np.array([p.matrix for p in found], np.float32),
            np.array([(p.paint.red, p.paint.green, p.paint.blue, p.paint.gloss) for p in found], np.float32),
            np.array([p.paint.layer for p in found], np.int32),
            np.array([p.shade for p in found], np.float32),
        )
        for mesh, found in by_mesh.items()
    )
