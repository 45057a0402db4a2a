"""What the renderer draws: triangle meshes, and many placed copies of one mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Values of ``Instances.layer`` that are no layer of the texture atlas.
PLAIN, FLOOR_TILES, WALL_PAINT, CEILING = -1, -2, -3, -4


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles: ``positions`` and ``normals`` float32 (n, 3), ``uv`` float32 (n, 2) with v down, ``triangles`` int32
    (m, 3).

    Triangles wind counter-clockwise as seen from outside.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.positions)
        for name, width in (("positions", 3), ("normals", 3), ("uv", 2)):
            found = getattr(self, name).shape
            if found != (n, width):
                raise ValueError(f"a mesh needs {name} of shape ({n}, {width}), found {found}")


@dataclass(frozen=True, eq=False)
class Instances:
    """Placed copies of the mesh called ``mesh``.

    ``matrices`` float32 (n, 4, 4) take mesh to shop coordinates (column vectors). ``colour`` float32 (n, 4) is linear
    red, green, blue in 0..1 and gloss in 0..1; it multiplies the texture of ``layer`` int32 (n,): a layer of the
    product atlas, or one of the constants of this module. ``shade`` float32 (n,) in 0..1 darkens what stands in a
    recess.
    """

    mesh: str
    matrices: NDArray[np.float32]
    colour: NDArray[np.float32]
    layer: NDArray[np.int32]
    shade: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.matrices)
        for name, shape in (("matrices", (n, 4, 4)), ("colour", (n, 4)), ("layer", (n,)), ("shade", (n,))):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"instances of {self.mesh} need {name} of shape {shape}, found {found}")

    def __len__(self) -> int:
        return len(self.matrices)
