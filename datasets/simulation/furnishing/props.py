"""What people carry their purchases in: shapes in metres, in the frames in which the poser places them.

Basket: origin in the middle of the handle's grip, hanging down along -z, its length along y. Trolley: origin on the
floor below the middle of the push handle, the basket ahead along +y. Bag: origin at the top of the straps, where the
shoulder carries it, hanging along -z, its flat side across x.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from datasets.simulation.furnishing.shapes import cuboid, merged, mesh, placed, rod, surface
from datasets.simulation.meshes import Mesh
from datasets.simulation.performance import Carrier

# Inner floor of basket and trolley: width in x, length in y, its z and middle y; height of the sides.
_INSIDE = {
    Carrier.BASKET: (0.25, 0.38, -0.385, 0.0, 0.22),
    Carrier.TROLLEY: (0.34, 0.40, 0.45, 0.31, 0.30),
}
_GAP_M, _PILE_GAP_M = 0.006, 0.002


def prop_colour(carrier: Carrier) -> tuple[float, float, float, float]:
    """Linear red, green, blue and gloss of a carrier, plain all over."""
    return _COLOURS[carrier]


_COLOURS = {
    Carrier.NONE: (0.5, 0.5, 0.5, 0.1),
    Carrier.BASKET: (0.46, 0.025, 0.03, 0.35),
    Carrier.TROLLEY: (0.02, 0.09, 0.26, 0.35),
    Carrier.BAG: (0.42, 0.33, 0.2, 0.03),
}


def prop_name(carrier: Carrier) -> str:
    """What ``Instances`` call the mesh of ``carrier``: no package's name."""
    return f"prop-{carrier.value}"


@cache
def prop_mesh(carrier: Carrier) -> Mesh:
    """The mesh of ``carrier`` in metres. Raises ``ValueError`` for ``Carrier.NONE``, which has no shape."""
    if carrier is Carrier.BASKET:
        return _basket()
    if carrier is Carrier.TROLLEY:
        return _trolley()
    if carrier is Carrier.BAG:
        return _bag()
    raise ValueError("Carrier.NONE has no mesh: draw nothing for it")


def content_poses(carrier: Carrier, sizes: ArrayLike) -> NDArray[np.float64]:
    """Where packages of ``sizes`` (n, 3) lie in ``carrier``, in the order in which they were put in.

    Returns poses (n, 4, 4) of the package frame in the prop's frame: each lies as low as what is there already lets
    it, then as far back and left; (0, 4, 4) for what hides its contents. Packages never overlap: what is more than the
    carrier holds is heaped over its rim.
    """
    wanted = np.asarray(sizes, np.float64).reshape(-1, 3)
    if carrier not in _INSIDE:
        return np.zeros((0, 4, 4))
    width, length, floor, middle, deep = _INSIDE[carrier]
    poses = np.zeros((len(wanted), 4, 4))
    low, high = np.zeros((2, 0, 3))
    for pose, size in zip(poses, wanted, strict=True):
        axes, extent = _lying(size, deep)
        corner = _lowest(low, high, extent, (width, length))
        low, high = np.vstack([low, corner]), np.vstack([high, corner + extent])
        pose[:3, :3], pose[3, 3] = axes, 1.0
        centre = corner + extent / 2 + [-width / 2, middle - length / 2, floor]
        # From the middle of the lying package's base to the package's own origin, the middle of its own base.
        pose[:3, 3] = centre - axes @ [0.0, 0.0, size[2] / 2]
    return poses


def _lowest(
    low: NDArray[np.float64], high: NDArray[np.float64], extent: NDArray[np.float64], inside: tuple[float, float]
) -> NDArray[np.float64]:
    """The lowest corner (x, y, z) where a box of ``extent`` (3,) may stand among boxes ``low`` to ``high`` (n, 3)."""
    room = [max(side - own, 0.0) for side, own in zip(inside, extent[:2], strict=True)]
    # Packed as in a corner: beside what lies there, or at the walls.
    along = [np.append(high[:, axis] + _GAP_M, 0.0) for axis in (0, 1)]
    at = np.array([(x, y) for x in along[0] for y in along[1] if x <= room[0] and y <= room[1]])
    beneath = ((low[:, :2] < at[:, None] + extent[:2]) & (high[:, :2] > at[:, None])).all(axis=2)
    z = (beneath * (high[:, 2] + _PILE_GAP_M)).max(axis=1, initial=0.0)
    best = np.lexsort((at[:, 0], at[:, 1], z))[0]
    return np.append(at[best], z[best])


def _lying(size: NDArray[np.float64], deep: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axes (3, 3) of a package as it lies, and its extent (3,) in x, y, z: low ones stand, others lie on the back."""
    width, depth, height = size
    if height <= 0.8 * deep and height < 0.2:
        return np.eye(3), np.array([width, depth, height])
    # The top points along +y, the front up.
    return np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]), np.array([width, height, depth])


def _block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Mesh:
    size = (x[1] - x[0], y[1] - y[0], z[1] - z[0])
    return placed(cuboid(), size, ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, z[0]))


def _crate(low: tuple[float, float, float], high: tuple[float, float, float], middle: float) -> Mesh:
    """An open crate of slats from (half width, half length, z) below to above, around y = ``middle``."""
    parts = [_block((-low[0], low[0]), (middle - low[1], middle + low[1]), (low[2] - 0.006, low[2]))]

    def corner(share: float, i: int) -> NDArray[np.float64]:
        sign = ((-1, -1), (1, -1), (1, 1), (-1, 1))[i % 4]
        half = [a + (b - a) * share for a, b in zip(low, high, strict=True)]
        return np.array([sign[0] * half[0], middle + sign[1] * half[1], half[2]])

    for i in range(4):
        for share, radius in ((0.02, 0.006), (0.34, 0.005), (0.66, 0.005), (1.0, 0.011)):
            parts.append(rod(corner(share, i), corner(share, i + 1), radius, 5))
        count = 5 if i % 2 == 0 else 7
        for at in np.arange(count) / count:
            below = corner(0.0, i) * (1 - at) + corner(0.0, i + 1) * at
            above = corner(1.0, i) * (1 - at) + corner(1.0, i + 1) * at
            parts.append(rod(below, above, 0.005, 4))
    return merged(*parts)


def _basket() -> Mesh:
    width, length, floor, middle, deep = _INSIDE[Carrier.BASKET]
    half, long = width / 2 + 0.008, length / 2 + 0.008
    rim = floor + deep
    crate = _crate((half, long, floor), (half + 0.025, long + 0.025, rim), middle)
    arms = [rod((side * (half + 0.02), 0.0, rim), (side * 0.07, 0.0, 0.0), 0.007, 6) for side in (-1.0, 1.0)]
    return merged(crate, *arms, rod((-0.075, 0.0, 0.0), (0.075, 0.0, 0.0), 0.012, 8))


def _trolley() -> Mesh:
    width, length, floor, middle, deep = _INSIDE[Carrier.TROLLEY]
    half, long = width / 2 + 0.008, length / 2 + 0.008
    parts = [_crate((half, long, floor), (half + 0.02, long + 0.03, floor + deep), middle)]
    handle = 0.95
    for side in (-1.0, 1.0):
        x = side * (half - 0.005)
        parts.append(rod((x, 0.0, handle), (x, middle - long + 0.02, floor), 0.011, 6))
        parts.append(rod((x, middle - long + 0.02, floor), (x, middle - long + 0.02, 0.06), 0.012, 6))
        parts.append(rod((x, middle + long - 0.03, floor), (x, middle + long - 0.03, 0.06), 0.012, 6))
        parts.append(rod((x, middle - long + 0.02, 0.09), (x, middle + long - 0.03, 0.09), 0.011, 6))
        axles = (middle - long + 0.02, middle + long - 0.03)
        parts += [rod((x - 0.014, y, 0.045), (x + 0.014, y, 0.045), 0.045, 12) for y in axles]
    parts.append(rod((-half - 0.01, 0.0, handle), (half + 0.01, 0.0, handle), 0.016, 8))
    return merged(*parts)


def _bag() -> Mesh:
    """A tote: a flat sack 36 cm along y and 38 cm high under two loops of strap."""
    top, low = -0.28, -0.66
    turn = np.linspace(-np.pi, np.pi, 17)
    turn[-1] = -np.pi
    outline = np.stack([np.sin(turn), -np.cos(turn)], 1)
    levels = (
        (0.02, 0.165, low),
        (0.055, 0.175, low + 0.03),
        (0.06, 0.18, low + 0.14),
        (0.035, 0.18, top - 0.1),
        (0.018, 0.18, top),
    )
    grid = np.array([np.column_stack([outline * (a, b), np.full(17, z)]) for a, b, z in levels])
    ground = grid[0, :-1]
    fan = np.column_stack([np.zeros(14, int), np.arange(1, 15), np.arange(2, 16)])
    floor = mesh(ground, np.tile([0.0, 0.0, -1.0], (16, 1)), np.zeros((16, 2)), fan[:, ::-1])
    lid = mesh(grid[-1, :-1], np.tile([0.0, 0.0, 1.0], (16, 1)), np.zeros((16, 2)), fan)
    parts = [surface(grid, closed=True), floor, lid]
    for side in (-1.0, 1.0):
        x = side * 0.016
        knots = [
            (x, -0.09, top - 0.02),
            (x, -0.065, -0.1),
            (x * 0.6, -0.03, -0.01),
            (x * 0.6, 0.03, -0.01),
            (x, 0.065, -0.1),
        ]
        knots.append((x, 0.09, top - 0.02))
        parts += [rod(a, b, 0.008, 5) for a, b in pairwise(knots)]
    return merged(*parts)
