"""All that stands still in a shop but for the packages, house and furniture, and how packages are put on show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.furnishing.blocks import BLOCK, PILLAR, POSTER, Frame, Paint, Piece, instances, paint
from datasets.simulation.furnishing.building import building
from datasets.simulation.furnishing.props import prop_mesh, prop_name
from datasets.simulation.furnishing.shapes import cuboid, disc, merged, turned
from datasets.simulation.goods.packages import package_mesh
from datasets.simulation.goods.wrapping import SIDES
from datasets.simulation.meshes import Instances, Mesh
from datasets.simulation.performance import Carrier
from store.catalogue import Catalogue, Package
from store.layout import BOARD_M, PANEL_M, Fixture, Plan, Shelf, Side, shelf_frame

RAIL_M = 0.011  # depth of a price rail with its tags, the foremost part of a board
GLOSS = {"box": 0.25, "can": 0.6, "bottle": 0.65, "jar": 0.7, "bag": 0.45, "tray": 0.5, "tube": 0.4}
"""Gloss of packages by the values of ``Package``."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The paints of a shop's furniture."""

    board: Paint
    panel: Paint
    plinth: Paint
    accent: Paint
    rail: Paint
    tag: Paint
    fridge: Paint
    table: Paint


_BOARDS = ("#e9e9e6", "#f3f2ee", "#cfd2d4", "#8f9397", "#e6dfd0")
_ACCENTS = ("#b3202c", "#1f4f9c", "#2c7a3d", "#d2761b", "#3c4148", "#7a2d6b", "#0f7f86")
_RAILS = ("#d9dbdd", "#b3202c", "#2b2d31", "#e8c531", "#f0f0ee")
_TAGS = ("#fbfbf7", "#fff3a8")
_TABLES = ("#a9764a", "#c9a878", "#6d4a33", "#e8e6e0")


def shop_set(plan: Plan, seed: int, catalogue: Catalogue | None = None) -> tuple[Instances, ...]:
    """House and furniture of ``plan``, in colours by ``seed``; mesh names are those of ``set_meshes``.

    With a ``catalogue`` its boxes' fronts hang on the walls as posters.
    """
    rng = np.random.default_rng([seed, 5])
    board = str(rng.choice(_BOARDS))
    finish = Finish(
        board=paint(board, 0.2),
        panel=paint(board, 0.15),
        plinth=paint("#3a3b3e", 0.1),
        accent=paint(str(rng.choice(_ACCENTS)), 0.25),
        rail=paint(str(rng.choice(_RAILS)), 0.35),
        tag=paint(str(rng.choice(_TAGS)), 0.1),
        fridge=paint("#f4f6f7", 0.3),
        table=paint(str(rng.choice(_TABLES)), 0.2),
    )
    products = catalogue.products if catalogue is not None else ()
    posters = [layer for layer, product in enumerate(products) if product.package in (Package.BOX, Package.BAG)]
    return instances([*building(plan, rng, posters), *(p for f in plan.fixtures for p in _furnish(f, finish))])


@cache
def set_meshes() -> Mapping[str, Mesh]:
    """Every mesh that ``Instances`` may name: furniture's, packages' by ``Package``'s values, props' by
    ``prop_name``.
    """
    front = SIDES[Package.BOX]["front"]
    return {
        BLOCK: cuboid(),
        PILLAR: merged(turned([(0.5, 0.0), (0.5, 1.0)]), disc(0.5, 0.5, 1.0), disc(0.5, 0.5, 0.0, up=False)),
        POSTER: cuboid(dict.fromkeys(SIDES[Package.BOX], front)),
        **{package.value: package_mesh(package) for package in Package},
        **{prop_name(carrier): prop_mesh(carrier) for carrier in Carrier if carrier is not Carrier.NONE},
    }


def package_instances(
    catalogue: Catalogue,
    products: Sequence[str],
    poses: NDArray[np.floating],
) -> list[Instances]:
    """Packages of the named ``products`` at ``poses`` (n, 4, 4) of the package frame, gathered by shape."""
    layers = {product.id: layer for layer, product in enumerate(catalogue.products)}
    layer = np.array([layers[product] for product in products], np.int32)
    matrices = np.array(poses, np.float32).reshape(-1, 4, 4)
    sizes = np.array([catalogue.products[i].size_m for i in layer], np.float32).reshape(-1, 1, 3)
    matrices[:, :3, :3] *= sizes
    kinds = np.array([catalogue.products[i].package.value for i in layer])
    found = []
    for kind in dict.fromkeys(kinds.tolist()):
        mask = kinds == kind
        colour = np.tile(np.array([1.0, 1.0, 1.0, GLOSS[kind]], np.float32), (int(mask.sum()), 1))
        found.append(Instances(kind, matrices[mask], colour, layer[mask], np.ones(int(mask.sum()), np.float32)))
    return found


def _shelves(fixture: Fixture, side: Side) -> list[tuple[Shelf, float | None]]:
    """A side's shelves from below, each with the height of the next board, None for the top one."""
    found = sorted((shelf for shelf in fixture.shelves if shelf.side == side), key=lambda shelf: shelf.z_m)
    return list(zip(found, [*(shelf.z_m for shelf in found[1:]), None], strict=True)) if found else []


def _furnish(fixture: Fixture, finish: Finish) -> Iterator[Piece]:
    if fixture.kind == "table":
        yield from _table(fixture, finish)
        return
    sides: list[Side] = ["front", "back"] if fixture.two_sided else ["front"]
    frame = Frame(*shelf_frame(fixture, "front"))
    back = (-PANEL_M, 0.0)
    wall = finish.fridge if fixture.kind == "fridge" else finish.panel
    top = max((shelf.z_m for shelf in fixture.shelves), default=0.0)
    yield frame.piece((0.0, fixture.length_m), back, (0.0, min(top, fixture.height_m)), wall, 0.6)
    if top < fixture.height_m:
        yield frame.piece((0.0, fixture.length_m), back, (top, fixture.height_m), wall, 0.95)
    if fixture.kind == "fridge":
        yield from _fridge(fixture, frame, finish)
    else:
        yield frame.piece((0.0, fixture.length_m), back, (fixture.height_m, fixture.height_m + 0.06), finish.accent)
    for side in sides:
        yield from _boards(fixture, side, finish)


def _boards(fixture: Fixture, side: Side, finish: Finish) -> Iterator[Piece]:
    """Plinth, boards, rails and price tags of a side."""
    frame = Frame(*shelf_frame(fixture, side))
    shelves = _shelves(fixture, side)
    if not shelves:
        return
    lowest = shelves[0][0]
    if fixture.kind == "gondola" and lowest.z_m > BOARD_M:
        span = (0.0, fixture.length_m)
        yield frame.piece(
            span, (0.0, max(lowest.depth_m - 0.05, 0.02)), (0.0, lowest.z_m - BOARD_M), finish.plinth, 0.7
        )
    posts = max(2, round(fixture.length_m / 1.0) + 1)
    inner = finish.panel if fixture.kind == "gondola" else finish.fridge
    for shelf, above in shelves:
        low, front = max(shelf.z_m - BOARD_M, 0.0), shelf.depth_m - RAIL_M
        half = front / 2
        dim = 0.95 if above is None or fixture.kind == "fridge" else 0.75
        yield frame.piece(
            (0.0, fixture.length_m), (0.0, half), (low, shelf.z_m), inner, dim * (1.0 if above is None else 0.7)
        )
        yield frame.piece((0.0, fixture.length_m), (half, front), (low, shelf.z_m), inner, dim)
        face = shelf.depth_m - 0.003
        yield frame.piece(
            (0.0, fixture.length_m), (front, face), (max(shelf.z_m - 0.036, 0.0), shelf.z_m + 0.003), finish.rail
        )
        if fixture.kind == "gondola" and above is not None and above - BOARD_M - shelf.z_m > 0.05:
            for at in np.linspace(0.012, fixture.length_m - 0.012, posts):
                yield frame.piece(
                    (at - 0.012, at + 0.012), (0.0, 0.003), (shelf.z_m, above - BOARD_M), finish.plinth, 0.55
                )
        yield from _tags(frame, shelf, face, finish)


def _tags(frame: Frame, shelf: Shelf, face: float, finish: Finish) -> Iterator[Piece]:
    """A tag for each slot: a card, a line of print and a price."""
    print_ = paint("#26262a", 0.05)
    high = shelf.z_m - 0.001
    for slot in shelf.slots:
        width = min(0.062, 0.8 * slot.width_m)
        left = slot.at_m + slot.width_m / 2 - width / 2
        low = max(high - 0.034, 0.0)
        if high - low < 0.02:
            continue
        yield frame.piece((left, left + width), (face, face + 0.002), (low, high), finish.tag)
        front = (face + 0.002, face + 0.0025)
        yield frame.piece((left + 0.004, left + width * 0.55), front, (high - 0.010, high - 0.006), print_)
        yield frame.piece((left + width * 0.5, left + width - 0.004), front, (low + 0.004, low + 0.018), print_)


def _fridge(fixture: Fixture, frame: Frame, finish: Finish) -> Iterator[Piece]:
    """Cheeks at both ends, a base, and a canopy with its lamp above the top shelf."""
    depth, length = fixture.depth_m - PANEL_M, fixture.length_m
    ends = [(slot.at_m, slot.at_m + slot.width_m) for shelf in fixture.shelves for slot in shelf.slots]
    free = min([0.035, *(start for start, _ in ends), *(length - end for _, end in ends)])
    cheek = max(free, 0.004)
    lowest = min((shelf.z_m for shelf in fixture.shelves), default=0.0)
    top = max((shelf.z_m for shelf in fixture.shelves), default=0.0)
    roof = max(fixture.height_m - 0.1, top + 0.36)
    for start in (0.0, length - cheek):
        yield frame.piece((start, start + cheek), (0.0, depth), (0.0, roof), finish.fridge, 0.95)
    if lowest > BOARD_M:
        yield frame.piece((cheek, length - cheek), (0.0, depth - 0.02), (0.0, lowest - BOARD_M), finish.plinth, 0.8)
    yield frame.piece((0.0, length), (-PANEL_M, depth * 0.75), (roof, roof + 0.1), finish.fridge)
    yield frame.piece((0.0, length), (depth * 0.75, depth * 0.75 + 0.012), (roof, roof + 0.1), finish.accent)
    yield frame.piece(
        (cheek, length - cheek), (depth * 0.62, depth * 0.72), (roof - 0.015, roof), Paint(1.0, 1.0, 1.0, 0.6)
    )


def _table(fixture: Fixture, finish: Finish) -> Iterator[Piece]:
    """A top on four legs with an apron, and tags along its front."""
    frame = Frame(*shelf_frame(fixture, "front"))
    length, depth = fixture.length_m, fixture.depth_m
    top = max((shelf.z_m for shelf in fixture.shelves), default=fixture.height_m)
    low = max(top - BOARD_M, 0.0)
    yield frame.piece((0.0, length), (0.0, depth - RAIL_M), (low, top), finish.table)
    yield frame.piece((0.0, length), (depth - RAIL_M, depth - 0.003), (low, top), finish.table)
    inset, leg = 0.04, 0.06
    if low > 0.15:
        for x in (inset, length - inset - leg):
            for y in (inset, depth - inset - leg):
                yield frame.piece((x, x + leg), (y, y + leg), (0.0, low), finish.table, 0.75)
        yield frame.piece(
            (inset + 0.01, length - inset - 0.01),
            (inset + 0.01, depth - inset - 0.01),
            (low - 0.1, low),
            finish.accent,
            0.8,
        )
    for shelf in fixture.shelves:
        yield from _tags(frame, shelf, depth - 0.003, finish)
