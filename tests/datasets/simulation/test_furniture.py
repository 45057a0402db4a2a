from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datasets.simulation.furnishing.furniture import package_instances, set_meshes, shop_set
from datasets.simulation.goods.photos import catalogue_photo, photo_camera
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.meshes import FLOOR_TILES, WALL_PAINT, Instances
from datasets.simulation.placement import standing_poses
from datasets.simulation.render import Photographer, RendererError
from store.catalogue import Catalogue
from store.layout import Fixture, Floor, Gate, Plan, Shelf, Slot, Wall

CATALOGUE = generate_catalogue(0)
UNIT = np.array([(x, y, z, 1) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)], float)


def shelf(z: float, depth: float, *products: str, side: str = "front") -> Shelf:
    slots = [
        Slot(product=product, at_m=0.02 + 0.45 * n, width_m=0.44, facings=2, rows=3)
        for n, product in enumerate(products)
    ]
    return Shelf.model_validate({"z_m": z, "depth_m": depth, "side": side, "slots": slots})


def plan(turn: float = 0.0) -> Plan:
    """A room of 8 m x 6 m with a piece of furniture of every kind, each turned by ``turn`` degrees."""
    gondola = Fixture(
        name="double",
        xy=(2.0, 3.0),
        heading_deg=turn,
        length_m=1.5,
        depth_m=0.9,
        height_m=1.6,
        shelves=(
            shelf(0.15, 0.42, "box-01", "box-05", "bottle-01"),
            shelf(0.6, 0.35, "can-01", "can-04"),
            shelf(0.15, 0.42, "bag-01", "bag-02", side="back"),
            shelf(0.7, 0.40, "jar-01", side="back"),
        ),
    )
    fridge = Fixture(
        name="cold",
        kind="fridge",
        xy=(6.0, 4.5),
        heading_deg=turn,
        length_m=1.4,
        depth_m=0.7,
        height_m=2.0,
        shelves=(shelf(0.2, 0.6, "tray-01", "tray-05"), shelf(1.0, 0.5, "bottle-03"), shelf(1.6, 0.5, "tray-09")),
    )
    table = Fixture(
        name="offer",
        kind="table",
        xy=(4.5, 1.5),
        heading_deg=turn,
        length_m=1.2,
        depth_m=0.8,
        height_m=0.8,
        shelves=(shelf(0.8, 0.8, "tube-01", "tube-04"),),
    )
    return Plan(
        store="test",
        floor=Floor(polygon=((0, 0), (8, 0), (8, 6), (0, 6))),
        gates=(Gate(name="in", a=(1.0, 0.0), b=(2.2, 0.0), way="in"), Gate(name="out", a=(8.0, 1.0), b=(8.0, 2.0))),
        walls=(Wall(name="screen", a=(3.5, 5.0), b=(3.5, 6.0), height_m=1.2),),
        fixtures=(gondola, fridge, table),
    )


def matrices(parts: tuple[Instances, ...] | list[Instances]) -> NDArray[np.float64]:
    return np.concatenate([part.matrices for part in parts]).astype(float)


def inside(blocks: NDArray[np.float64], points: NDArray[np.float64], slack: float) -> NDArray[np.bool_]:
    """Whether points (n, 3) lie in unit shapes (k, 4, 4) by more than ``slack`` metres: (k, n)."""
    local = np.einsum("kij,nj->kni", np.linalg.inv(blocks), np.column_stack([points, np.ones(len(points))]))[..., :3]
    sides = np.linalg.norm(blocks[:, :3, :3], axis=1)[:, None]
    margin = np.minimum(0.5 - np.abs(local[..., :2]), 1.0) * sides[..., :2]
    up = np.minimum(local[..., 2], 1 - local[..., 2]) * sides[..., 2]
    return (margin > slack).all(axis=-1) & (up > slack)


TURNS = st.floats(-180, 180)


@settings(max_examples=12, deadline=None)
@given(TURNS)
def test_every_package_stands_on_a_board_and_in_nothing(turn: float) -> None:
    shop = plan(turn)
    blocks = matrices(shop_set(shop, 1))
    tops = blocks[:, 2, 3] + blocks[:, 2, 2]
    for slot in shop.slots():
        product = CATALOGUE.product(slot.slot.product)
        poses = standing_poses(slot, product).reshape(-1, 4, 4)
        assert len(poses)
        base = poses[:, :3, 3]
        below = inside(blocks, base - [0, 0, 0.01], 0.0) & (np.abs(tops[:, None] - base[:, 2]) < 1e-5)
        assert below.any(axis=0).all(), slot.id  # killed: boards with their lower face at z_m; a wrong side's frame
        corners = np.einsum("nij,kj->nki", poses, UNIT * [*product.size_m, 1])[..., :3].reshape(-1, 3)
        assert not inside(blocks, corners, 1e-4).any(), slot.id  # killed: a panel, post or canopy in the goods
        assert not inside(blocks, poses[:, :3, 3] + [0, 0, product.size_m[2] / 2], 1e-4).any()


@settings(max_examples=12, deadline=None)
@given(TURNS)
def test_furniture_keeps_within_its_place_on_the_floor(turn: float) -> None:
    shop = plan(turn)
    for fixture in shop.fixtures:
        alone = Plan(store="test", fixtures=(fixture,))
        corners = np.einsum("nij,kj->nki", matrices(shop_set(alone, 0)), UNIT)[..., :3].reshape(-1, 3)
        angle = np.radians(fixture.heading_deg)
        out = (corners[:, :2] - fixture.xy) @ [np.cos(angle), np.sin(angle)]
        across = (corners[:, :2] - fixture.xy) @ [-np.sin(angle), np.cos(angle)]
        assert np.abs(out).max() <= fixture.depth_m / 2 + 1e-5  # killed: rails that stick out into the aisle
        assert np.abs(across).max() <= fixture.length_m / 2 + 1e-5
        assert corners[:, 2].min() >= -1e-6
        assert corners[:, 2].max() <= fixture.height_m + 0.11  # a sign or a canopy on top
        assert np.ptp(out) > fixture.depth_m * 0.9


def test_gates_are_open_and_the_rest_of_the_edge_is_wall() -> None:
    shop = plan()
    everything = shop_set(shop, 2, CATALOGUE)
    walls = np.concatenate([part.matrices[part.layer == WALL_PAINT] for part in everything]).astype(float)
    high = np.array([1.0, 1.5, 2.0])

    def blocked(blocks: NDArray[np.float64], x: float, y: float) -> bool:
        return bool(inside(blocks, np.array([(x, y, z) for z in high]), 0.0).any())

    for gate in (0.1, 0.5, 0.9):
        for offset in (-0.5, -0.06, 0.05, 0.3, 0.6):  # outside, in the wall's thickness, inside
            assert not blocked(matrices(everything), 1.0 + 1.2 * gate, offset)  # killed: gates walled up; posts in them
            assert not blocked(matrices(everything), 8.0 - offset, 1.0 + gate)
    for x in np.linspace(2.4, 7.9, 12):
        assert blocked(walls, x, -0.06)  # killed: walls on the inner side, a wall only up to the first gate
        assert blocked(walls, x, 6.06)
    assert blocked(walls, 3.5, 5.5)  # the screen
    assert not inside(walls, np.array([(1.5, -0.06, 1.0)]), 0.0).any()
    assert inside(walls, np.array([(1.5, -0.06, 2.6)]), 0.0).any()  # killed: no lintel


def test_walls_do_not_depend_on_the_way_round_and_none_crosses_the_room() -> None:
    polygon = ((0, 0), (6, 0), (6, 3), (3, 3), (3, 5), (0, 5))  # an L
    walls = []
    for corners in (polygon, polygon[::-1]):
        parts = shop_set(Plan(store="l", floor=Floor(polygon=corners)), 0)
        found = np.concatenate([part.matrices[part.layer == WALL_PAINT] for part in parts]).astype(float)
        walls.append(found)
        x, y = np.meshgrid(np.linspace(0.05, 5.95, 40), np.linspace(0.05, 4.95, 40))
        room = ((x < 2.95) | (y < 2.95)).ravel()
        points = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 1.0)])
        assert not inside(found, points[room], 0.0).any()  # killed: walls prolonged at the inner corner
        corner = np.array([(-0.06, -0.06, 1.0), (6.06, 3.06, 1.0), (3.06, 5.06, 1.0)])
        assert inside(found, corner, 0.0).any(axis=0).all()  # killed: outer corners left open
    assert np.allclose(np.sort(walls[0][:, 0, 3]), np.sort(walls[1][:, 0, 3]))


def test_the_floor_lies_at_zero_under_the_whole_room() -> None:
    parts = shop_set(plan(), 0)
    tiles = np.concatenate([part.matrices[part.layer == FLOOR_TILES] for part in parts]).astype(float)
    points = np.array([(x, y, -0.001) for x in (0.01, 4, 7.99) for y in (0.01, 3, 5.99)])
    assert inside(tiles, points, 0.0).any(axis=0).all()
    assert (tiles[:, 2, 3] + tiles[:, 2, 2] == 0).all()


def test_a_tag_for_each_slot_before_its_board() -> None:
    shop = plan()
    bare = [
        f.model_copy(update={"shelves": tuple(s.model_copy(update={"slots": ()}) for s in f.shelves)})
        for f in shop.fixtures
    ]
    empty = Plan(store="test", fixtures=tuple(bare))
    full = Plan(store="test", fixtures=shop.fixtures)
    added = sum(map(len, shop_set(full, 0))) - sum(map(len, shop_set(empty, 0)))
    assert added == 3 * len(full.slots())  # killed: tags for a side only


def test_colours_are_the_seeds_and_every_mesh_is_known() -> None:
    shop = plan()
    first, again, other = (shop_set(shop, seed, CATALOGUE) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        assert one.mesh in set_meshes()
        assert np.array_equal(one.colour, two.colour)
        assert np.array_equal(one.matrices, two.matrices)
        assert ((one.colour >= 0) & (one.colour <= 1)).all()
        assert ((one.shade > 0) & (one.shade <= 1)).all()
    assert any(
        a.colour.shape != b.colour.shape or (a.colour != b.colour).any() for a, b in zip(first, other, strict=False)
    )


def test_posters_show_products_and_hang_inside() -> None:
    found = [part for seed in range(6) for part in shop_set(plan(), seed, CATALOGUE) if part.mesh == "poster"]
    assert found
    layers = np.concatenate([part.layer for part in found])
    assert {CATALOGUE.products[layer].package.value for layer in layers} <= {"box", "bag"}
    at = matrices(found)[:, :3, 3]
    assert ((at > 0) & (at < (8, 6, 3))).all()
    assert not any(part.mesh == "poster" for part in shop_set(plan(), 0))


def test_packages_become_scaled_copies_with_their_own_layer() -> None:
    products = ["box-02", "can-07", "box-05"]
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, :3, 3] = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
    poses[2, :2, :2] = [[0, -1], [1, 0]]
    found = {part.mesh: part for part in package_instances(CATALOGUE, products, poses)}
    assert set(found) == {"can", "box"}
    assert [CATALOGUE.products[layer].id for layer in found["box"].layer] == ["box-02", "box-05"]
    size = CATALOGUE.product("box-05").size_m
    top = found["box"].matrices[1] @ [0.5, 0, 1, 1]
    # killed: size applied after the turn; the translation scaled too
    assert top[:3] == pytest.approx([7, 8 + size[0] / 2, 9 + size[2]], abs=1e-5)
    assert package_instances(CATALOGUE, [], np.zeros((0, 4, 4))) == []


@pytest.mark.parametrize("view", ["front", "corner"])
@pytest.mark.parametrize("id", ["box-01", "bottle-02", "tray-03"])
def test_a_photo_camera_frames_the_package(id: str, view: str) -> None:
    product = CATALOGUE.product(id)
    camera = photo_camera(product, "corner" if view == "corner" else "front", 200)
    corners = (UNIT * [*product.size_m, 1])[:, :3]
    pixels = camera.project(corners)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    assert (high - low).max() == pytest.approx(168, abs=0.5)  # killed: a margin on one side only
    assert (low + high) / 2 == pytest.approx([100, 100], abs=0.5)
    assert camera.position[1] < 0  # killed: a photo of the back


def test_photos_tell_products_apart_before_white() -> None:
    catalogue = Catalogue(products=tuple(CATALOGUE.product(id) for id in ("box-01", "can-01")))
    labels = np.full((2, 8, 8, 4), 255, np.uint8)
    labels[0, ..., :3], labels[1, ..., :3] = (200, 20, 20), (20, 20, 200)
    try:
        with Photographer(set_meshes(), labels) as photographer:
            box, can = (catalogue_photo(photographer, catalogue, id, size=64) for id in ("box-01", "can-01"))
    except RendererError:
        pytest.skip("no OpenGL")
    assert box.shape == (64, 64, 3)
    assert (box[0, 0] == 255).all()
    assert box[32, 32, 2] > 2 * box[32, 32, 0]  # killed: red and blue swapped; another product's layer
    assert can[32, 32, 0] > 2 * can[32, 32, 2]
