"""Outlines of posed bodies in a picture, from a few points of each body part.

A body part (a forearm, the chest, ...) is nearly convex, so that a body covers in a picture what the convex hulls of
its projected parts cover together. A hull needs only the part's extreme points: some hundred for a whole body in place
of thousands of vertices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character

Float = NDArray[np.float64]

PARTS: Final = (
    "hips", "chest", "head", "upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r", "thigh_l",
    "calf_l", "foot_l", "thigh_r", "calf_r", "foot_r",
)  # fmt: skip
_OF_BONE: Final = {
    "pelvis": "hips", "spine_01": "hips", "spine": "chest", "clavicle": "chest", "breast": "chest",
    "neck": "head", "head": "head", "eye": "head", "jaw": "head", "upperarm": "upperarm", "lowerarm": "lowerarm",
    "hand": "hand", "thigh": "thigh", "calf": "calf", "foot": "foot", "ball": "foot",
}  # fmt: skip
# Parts that are no hull in one piece are cut across their longest side: hair and chin from the neck, a hem from a leg.
_PIECES: Final = {"head": 3, "hips": 2, "chest": 2, "thigh_l": 2, "thigh_r": 2, "calf_l": 2, "calf_r": 2}
_DIRECTIONS: Final = 40
_HEAD_DIRECTIONS: Final = 120  # hair has more corners, and it bounds most boxes
# The side, in pixels, of the raster on which areas are measured. They come out 1 to 5 % larger than the mesh's.
_RASTER: Final = 160


def part_of_bone(name: str) -> str:
    """The body part that moves with the bone called ``name``: fingers go with their hand, the root with the hips."""
    stem, _, side = name.rpartition("_") if name.endswith(("_l", "_r")) else (name, "", "")
    found = _OF_BONE.get(stem) or _OF_BONE.get(stem.split("_")[0], "hand" if side else "hips")
    return found if found in PARTS else f"{found}_{side}"


@dataclass(frozen=True, eq=False)
class Silhouette:
    """The points that span one character's body parts.

    ``spread`` float64 (p, 4 * bones) is each point's rest position (x, y, z, 1) times its weight on each bone, so that
    skinning is one product of matrices. Hull i has the rows ``starts[i]`` to ``starts[i + 1]`` and is (a piece of) the
    part ``part[i]`` of ``PARTS``.
    """

    spread: Float
    starts: NDArray[np.int64]
    part: NDArray[np.int64]

    @classmethod
    def of(cls, character: Character) -> Silhouette:
        """The extreme points of each piece of a body; neighbours share the triangles between them."""
        main = character.bones[np.arange(len(character.bones)), character.weights.argmax(axis=1)]
        names = [part_of_bone(name) for name in character.skeleton.names]
        corners = np.array([PARTS.index(name) for name in names])[main][character.triangles]
        few, many = _sphere(_DIRECTIONS), _sphere(_HEAD_DIRECTIONS)
        chosen, of_part = [], []
        for number, name in enumerate(PARTS):
            for members in _pieces(
                character, character.triangles[(corners == number).any(axis=1)], _PIECES.get(name, 1)
            ):
                along = character.positions[members] @ (many if name == "head" else few).T
                chosen.append(members[np.unique(along.argmax(axis=0))])
                of_part.append(number)
        starts = np.cumsum([0, *(len(rows) for rows in chosen)])
        rows = np.concatenate(chosen)
        rest = np.column_stack([character.positions[rows], np.ones(len(rows))]).astype(np.float64)
        dense = np.zeros((len(rows), len(names)))
        np.add.at(dense, (np.arange(len(rows))[:, None], character.bones[rows]), character.weights[rows])
        return cls((dense[:, :, None] * rest[:, None, :]).reshape(len(rows), -1), starts, np.array(of_part))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many points each hull has."""
        return np.diff(self.starts)

    def posed(self, matrices: NDArray[np.float32]) -> Float:
        """The points (p, 3) in the shop for bone ``matrices`` (bones, 3, 4)."""
        return np.asarray(self.spread @ matrices.astype(np.float64).transpose(0, 2, 1).reshape(-1, 3))


def full_box(pixels: Float) -> Float:
    """The box (4,) around projected points (p, 2), NaN ones left out; all NaN where none is in front of the camera."""
    across, down = np.ascontiguousarray(pixels.T)
    least, most = np.fmin.reduce, np.fmax.reduce  # these pass over NaN
    return np.array([least(across), least(down), most(across), most(down)])


@dataclass(frozen=True, eq=False)
class Painted:
    """A body painted alone: ``part`` uint8 (h, w), 0 where it is not, else 1 + the place in ``PARTS`` of what is
    nearest there; ``scale`` raster pixels to a picture's and ``corner`` (x, y) of the raster in the picture; ``area``
    in the picture's pixels; ``depth`` (parts,) metres from the camera, NaN for parts behind it.
    """

    part: NDArray[np.uint8]
    scale: float
    corner: Float
    area: float
    depth: Float

    def parts_at(self, pixels: Float) -> NDArray[np.int64]:
        """The part (n,) that stands at the picture's ``pixels`` (n, 2), -1 where none does or a pixel is NaN."""
        height, width = self.part.shape
        x, y = ((pixels - self.corner) * self.scale).round().T
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)  # NaN is not inside
        place = np.where(inside, x + y * width, 0.0).astype(np.int64)
        return np.asarray(np.where(inside, self.part.ravel()[place].astype(np.int64) - 1, -1))


def paint(silhouette: Silhouette, pixels: Float, depth: Float, box: Float | None = None) -> Painted:
    """Paint a body's parts, the far ones first.

    ``pixels`` (p, 2) and ``depth`` (p,) are the projections of the silhouette's points; those behind the camera are NaN
    and left out. At least one must be in front of it. ``box`` is their ``full_box``, where it is known.
    """
    x1, y1, x2, y2 = (full_box(pixels) if box is None else box).tolist()
    scale = _RASTER / max(x2 - x1, y2 - y1, 1.0)
    corner = np.array([x1 - 1.0 / scale, y1 - 1.0 / scale])
    width, height = math.ceil((x2 - x1) * scale) + 3, math.ceil((y2 - y1) * scale) + 3
    ahead = np.isfinite(pixels[:, 0])
    counts = silhouette.sizes
    if not ahead.all():
        counts = np.add.reduceat(ahead, silhouette.starts[:-1], dtype=np.int64)
        pixels, depth = np.where(ahead[:, None], pixels, corner), np.where(ahead, depth, 0.0)
    raster = np.rint((pixels - corner) * (scale * 16)).astype(np.int32)  # 4 bits of fraction
    starts = silhouette.starts.tolist()
    sums = np.add.reduceat(depth, silhouette.starts[:-1])
    depths = sums / np.maximum(counts, 1)
    colours, filled = (silhouette.part + 1).tolist(), counts.tolist()
    painted = np.zeros((height, width), np.uint8)
    for hull in np.argsort(-depths, kind="stable").tolist():
        if filled[hull] >= 3:
            points = raster[starts[hull] : starts[hull + 1]]
            if filled[hull] < len(points):
                points = points[ahead[starts[hull] : starts[hull + 1]]]
            cv2.fillConvexPoly(painted, cv2.convexHull(points), colours[hull], cv2.LINE_8, 4)
    of_part = np.bincount(silhouette.part, counts, len(PARTS))
    part_depths = np.bincount(silhouette.part, sums, len(PARTS)) / np.where(of_part > 0, of_part, np.nan)
    body = (painted > 0).view(np.uint8)
    # fillConvexPoly fills whatever the edge touches: half of the rim is too much.
    whole = cv2.countNonZero(body)
    rim = whole - cv2.countNonZero(cv2.erode(body, np.ones((3, 3), np.uint8)))
    area = max(whole - 0.5 * rim, 1.0) / scale**2
    return Painted(painted, scale, corner, area, part_depths)


def _pieces(character: Character, triangles: NDArray[np.int32], count: int) -> list[NDArray[np.int64]]:
    """The vertices of ``triangles`` (m, 3), cut into ``count`` pieces of the same length across their longest side."""
    if not len(triangles):
        return []
    middle = character.positions[triangles].mean(axis=1)
    low, high = middle.min(axis=0), middle.max(axis=0)
    axis = int((high - low).argmax())
    piece = np.minimum((middle[:, axis] - low[axis]) / max(high[axis] - low[axis], 1e-9) * count, count - 1).astype(int)
    return [np.unique(triangles[piece == number]) for number in range(count) if (piece == number).any()]


def _sphere(count: int) -> Float:
    """Unit vectors (count, 3) spread evenly over a sphere: the spiral of golden angles."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z])
