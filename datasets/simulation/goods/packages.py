"""The shapes of packages: unit meshes, x and y in -0.5..0.5, z in 0..1, front at y = -0.5, printed all round."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from datasets.simulation.furnishing.shapes import circle, cuboid, disc, merged, rings, surface, turned
from datasets.simulation.goods.wrapping import SIDES, inset
from datasets.simulation.meshes import Mesh
from store.catalogue import Package

FLAT_M = 0.02  # thickness of a crimped end, as a share of the depth


@cache
def package_mesh(package: Package) -> Mesh:
    """The mesh of ``package``, to be scaled by a product's ``size_m``; uv by ``wrapping.SIDES``.

    Closed, below 250 triangles, smooth where the package is round.
    """
    return _SHAPES[package]()


def _box() -> Mesh:
    return cuboid(SIDES[Package.BOX])


def _can() -> Mesh:
    side = {name: inset(rect) for name, rect in SIDES[Package.CAN].items()}
    return merged(
        disc(0.44, 0.44, 0.0, side["bottom"], up=False),
        turned([(0.44, 0.0), (0.5, 0.05)], side["body"]),
        turned([(0.5, 0.05), (0.5, 0.94)], side["wrap"]),
        turned([(0.5, 0.94), (0.455, 0.985), (0.455, 1.0)], side["body"]),
        turned([(0.455, 1.0), (0.43, 0.98)], side["body"]),
        disc(0.43, 0.43, 0.98, side["top"]),
    )


def _bottle() -> Mesh:
    side, n = {name: inset(rect) for name, rect in SIDES[Package.BOTTLE].items()}, 14
    return merged(
        disc(0.45, 0.45, 0.0, side["bottom"], n, up=False),
        turned([(0.45, 0.0), (0.5, 0.04)], side["body"], n),
        turned([(0.5, 0.04), (0.5, 0.58)], side["wrap"], n),
        turned([(0.5, 0.58), (0.47, 0.66), (0.22, 0.82), (0.17, 0.92)], side["body"], n),
        turned([(0.17, 0.92), (0.21, 0.92)], side["cap"], n),
        turned([(0.21, 0.92), (0.205, 1.0)], side["cap"], n),
        disc(0.205, 0.205, 1.0, side["top"], n),
    )


def _jar() -> Mesh:
    side = {name: inset(rect) for name, rect in SIDES[Package.JAR].items()}
    return merged(
        disc(0.45, 0.45, 0.0, side["bottom"], up=False),
        turned([(0.45, 0.0), (0.5, 0.06)], side["body"]),
        turned([(0.5, 0.06), (0.5, 0.7)], side["wrap"]),
        turned([(0.5, 0.7), (0.49, 0.77), (0.43, 0.83)], side["body"]),
        turned([(0.43, 0.83), (0.47, 0.83)], side["cap"]),
        turned([(0.47, 0.83), (0.465, 1.0)], side["cap"]),
        disc(0.465, 0.465, 1.0, side["top"]),
    )


def _tube() -> Mesh:
    side = {name: inset(rect) for name, rect in SIDES[Package.TUBE].items()}
    flat = FLAT_M / 2
    return merged(
        disc(0.34, 0.42, 0.0, side["bottom"], up=False),
        rings([(0.34, 0.42, 0.0), (0.35, 0.43, 0.14)], side["cap"]),
        rings([(0.35, 0.43, 0.14), (0.4, 0.5, 0.17)], side["body"]),
        rings(
            [(0.4, 0.5, 0.17), (0.43, 0.44, 0.45), (0.48, 0.2, 0.8), (0.5, flat, 0.94), (0.5, flat, 1.0)], side["wrap"]
        ),
        disc(0.5, flat, 1.0, side["body"]),
    )


def _tray() -> Mesh:
    side = {name: inset(rect) for name, rect in SIDES[Package.TRAY].items()}
    rim, low, high, n = 0.72, 0.42, 0.5, 7
    step = np.linspace(-1.0, 1.0, n)
    x, y = np.meshgrid(step, step)
    dome = ((1 - x**4) * (1 - y**4)) ** 0.6
    film = np.stack([high * x, high * y, rim + (1 - rim) * dome], 2)
    foot = np.stack([low * x, low * y, np.zeros_like(x)], 2)
    border = np.stack([foot, film])
    walls = {"front": border[:, 0], "right": border[:, :, -1], "back": border[:, -1, ::-1], "left": border[:, ::-1, 0]}
    sides = [surface(edges, side[name]) for name, edges in walls.items()]
    return merged(surface(foot[:, ::-1], side["bottom"]), *sides, surface(film, side["top"]))


def _bag() -> Mesh:
    side, n = {name: inset(rect) for name, rect in SIDES[Package.BAG].items()}, 16
    flat = FLAT_M / 2
    # Half width, half depth, height: a standing bag that swells and ends in a flat crimp.
    levels = (
        (0.42, 0.3, 0.0),
        (0.46, 0.44, 0.06),
        (0.46, 0.5, 0.3),
        (0.45, 0.4, 0.65),
        (0.47, 0.15, 0.86),
        (0.5, flat, 0.94),
        (0.5, flat, 1.0),
    )
    round_ = circle(n)
    points = np.array([np.column_stack([round_ * (a, b), np.full(n + 1, z)]) for a, b, z in levels])
    quarter = n // 4
    front = points[:, quarter : n - quarter + 1]
    back = np.concatenate([points[:, n - quarter :], points[:, 1 : quarter + 1]], axis=1)
    a, b, _ = levels[0]
    return merged(
        surface(front, side["front"]),
        surface(back, side["back"]),
        disc(a, b, 0.0, side["bottom"], n, up=False),
        disc(levels[-1][0], flat, 1.0, side["top"], n),
    )


_SHAPES: dict[Package, Callable[[], Mesh]] = {
    Package.BOX: _box,
    Package.CAN: _can,
    Package.BOTTLE: _bottle,
    Package.JAR: _jar,
    Package.BAG: _bag,
    Package.TRAY: _tray,
    Package.TUBE: _tube,
}
