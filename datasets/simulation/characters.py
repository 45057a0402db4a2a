"""A person's body as data: skeleton, skin, clothes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Bones in an order in which parents come first.

    ``heads`` and ``tails`` float64 (bones, 3) are the joints at rest in metres: standing on z = 0 at the origin, facing
    +y, x to the person's right. ``parents`` int (bones,) is -1 for the root. Names are those of MakeHuman's
    game_engine rig (``pelvis``, ``spine_01``, ``upperarm_l``, ``hand_r``, ``calf_l``, ``foot_r``, ``head``, ...).
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    heads: NDArray[np.float64]
    tails: NDArray[np.float64]

    def index(self, name: str) -> int:
        """The place of the bone called ``name``."""
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells people apart. ``age`` in years, ``build`` 0 (thin) to 1 (heavy), colours sRGB uint8 triples."""

    height_m: float
    age: float
    build: float
    gender: float  # 0 female to 1 male: MakeHuman's macro parameter
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    hair_style: str
    top: str
    bottom: str
    vest: bool = False  # the staff's vest


@dataclass(frozen=True, eq=False)
class Character:
    """A clothed body that can be posed by linear blend skinning.

    ``positions``, ``normals`` float32 (n, 3) at rest as in ``Skeleton``; ``uv`` float32 (n, 2), v down; ``layer`` int32
    (n,) the layer of ``textures`` uint8 (k, size, size, 4) sRGB + alpha; ``bones`` uint8 (n, 4) with ``weights``
    float32 (n, 4) that sum to 1; ``triangles`` int32 (m, 3) counter-clockwise from outside; ``outline`` int (p,) are
    the vertices (some hundred) whose projections bound those of all vertices to about a pixel. ``keypoints`` float64
    (17, 3) are COCO's keypoints at rest and ``keypoint_bones`` int (17,) the bones that they move with.
    """

    name: str
    traits: Traits
    skeleton: Skeleton
    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    layer: NDArray[np.int32]
    bones: NDArray[np.uint8]
    weights: NDArray[np.float32]
    triangles: NDArray[np.int32]
    textures: NDArray[np.uint8]
    outline: NDArray[np.int64]
    keypoints: NDArray[np.float64] = field(default_factory=lambda: np.zeros((17, 3)))
    keypoint_bones: NDArray[np.int64] = field(default_factory=lambda: np.zeros(17, np.int64))
