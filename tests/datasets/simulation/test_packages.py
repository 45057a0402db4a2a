from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datasets.simulation.furnishing.furniture import set_meshes
from datasets.simulation.furnishing.props import content_poses, prop_colour, prop_mesh
from datasets.simulation.goods.packages import package_mesh
from datasets.simulation.goods.wrapping import SIDES
from datasets.simulation.meshes import Mesh
from datasets.simulation.performance import Carrier
from store.catalogue import Package

CARRIERS = [carrier for carrier in Carrier if carrier is not Carrier.NONE]


def open_edges(mesh: Mesh) -> int:
    """Edges that are not shared by two triangles in opposite directions, vertices in one place being one."""
    _, place = np.unique(np.round(mesh.positions, 4), axis=0, return_inverse=True)
    corners = place.reshape(-1)[mesh.triangles]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(axis=1)]
    edges = Counter(map(tuple, np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]).tolist()))
    return sum(count != edges[(b, a)] for (a, b), count in edges.items())


def volume(mesh: Mesh) -> float:
    a, b, c = np.moveaxis(mesh.positions[mesh.triangles].astype(float), 1, 0)
    return float(np.einsum("ni,ni->", a, np.cross(b, c)) / 6)


@pytest.mark.parametrize("name", sorted(set_meshes()))
def test_meshes_are_closed_and_look_outwards(name: str) -> None:
    mesh = set_meshes()[name]
    assert open_edges(mesh) == 0  # killed: a missing lid, a wall wound the wrong way
    assert volume(mesh) > 0  # killed: all of it turned inside out
    a, b, c = np.moveaxis(mesh.positions[mesh.triangles].astype(float), 1, 0)
    facing = np.cross(b - a, c - a)[:, None] * mesh.normals[mesh.triangles]
    assert (facing.sum(axis=2) > -3e-3).all()  # killed: a normal turned inwards
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1


@pytest.mark.parametrize("package", Package)
def test_packages_fill_their_box_and_no_more(package: Package) -> None:
    mesh = package_mesh(package)
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    assert low == pytest.approx([-0.5, -0.5, 0], abs=0.02)  # killed: a base off the board, a shape off its middle
    assert high == pytest.approx([0.5, 0.5, 1], abs=0.02)
    assert (low >= [-0.5, -0.5, 0]).all()
    assert (high <= [0.5, 0.5, 1]).all()
    assert len(mesh.triangles) < 250
    assert (len(mesh.triangles) == 12) == (package is Package.BOX)


@pytest.mark.parametrize("package", Package)
def test_the_front_shows_the_front_of_the_print_upright(package: Package) -> None:
    mesh = package_mesh(package)
    centre = mesh.positions[mesh.triangles].mean(axis=1)
    a, b, c = np.moveaxis(mesh.positions[mesh.triangles].astype(float), 1, 0)
    facing = np.cross(b - a, c - a)
    towards_front = facing[:, 1] < -0.7 * np.linalg.norm(facing, axis=1)
    if package is Package.TRAY:  # is read from above
        name, towards_front, up = "top", centre[:, 2] > 0.73, 1
    else:
        name, up = ("wrap" if "wrap" in SIDES[package] else "front"), 2
    u0, v0, u1, v1 = SIDES[package][name]
    uv = mesh.uv[mesh.triangles]
    inside = ((uv >= (u0, v0)) & (uv <= (u1, v1))).all(axis=(1, 2)) & towards_front
    assert inside.any()  # killed: front and back swapped
    at, where = mesh.positions[mesh.triangles][inside].reshape(-1, 3), uv[inside].reshape(-1, 2)
    assert np.corrcoef(at[:, 0], where[:, 0])[0, 1] > 0.9  # killed: mirrored print
    assert np.corrcoef(at[:, up], where[:, 1])[0, 1] < -0.9  # killed: print upside down


@pytest.mark.parametrize("package", Package)
def test_sides_of_a_label_do_not_share_texels(package: Package) -> None:
    used = np.zeros((64, 64), int)
    for u0, v0, u1, v1 in SIDES[package].values():
        used[round(v0 * 64) : round(v1 * 64), round(u0 * 64) : round(u1 * 64)] += 1
    assert used.max() == 1  # killed: two sides on one part of the layer


def test_props_hang_and_stand_where_the_poser_holds_them() -> None:
    basket, trolley, bag = (prop_mesh(kind).positions for kind in (Carrier.BASKET, Carrier.TROLLEY, Carrier.BAG))
    assert basket[:, 2].max() < 0.03  # killed: a basket above the hand
    assert np.ptp(basket[:, 1]) > np.ptp(basket[:, 0])
    assert trolley[:, 2].min() == pytest.approx(0, abs=1e-3)  # killed: wheels in the air
    assert trolley[:, 2].max() == pytest.approx(0.95, abs=0.03)
    assert trolley[:, 1].min() > -0.03
    assert trolley[:, 1].max() < 0.6
    assert bag[:, 2].max() < 0.01
    assert np.ptp(bag[:, 0]) < np.ptp(bag[:, 1]) / 2  # killed: the bag's edge against the body
    with pytest.raises(ValueError, match="no mesh"):
        prop_mesh(Carrier.NONE)
    assert len({prop_colour(kind) for kind in CARRIERS}) == 3
    assert all(0 <= part <= 1 for kind in Carrier for part in prop_colour(kind))


SIZE = st.tuples(st.floats(0.05, 0.2), st.floats(0.04, 0.1), st.floats(0.06, 0.3))


def extent(pose: NDArray[np.float64], size: tuple[float, float, float]) -> NDArray[np.float64]:
    """Lowest and highest x, y, z (2, 3) of a package at ``pose``."""
    unit = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)]) * size
    corners = unit @ pose[:3, :3].T + pose[:3, 3]
    return np.array([corners.min(axis=0), corners.max(axis=0)])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([Carrier.BASKET, Carrier.TROLLEY]), st.lists(SIZE, min_size=1, max_size=12))
def test_contents_lie_side_by_side_in_the_carrier(carrier: Carrier, sizes: list[tuple[float, float, float]]) -> None:
    poses = content_poses(carrier, sizes)
    assert poses.shape == (len(sizes), 4, 4)
    boxes = np.array([extent(pose, size) for pose, size in zip(poses, sizes, strict=True)])
    prop = prop_mesh(carrier).positions
    assert (boxes[:, 0, :2] > prop.min(axis=0)[:2] - 1e-6).all()  # killed: contents beside the basket
    assert (boxes[:, 1, :2] < prop.max(axis=0)[:2] + 1e-6).all()
    for i, one in enumerate(boxes):
        assert np.linalg.det(poses[i, :3, :3]) == pytest.approx(1)  # killed: a mirrored package
        for other in boxes[:i]:
            overlap = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
            assert (overlap < 1e-6).any()  # killed: all at one place; one put into a full carrier at its floor
    floor = boxes[:, 0, 2].min()
    assert boxes[0, 0, 2] == pytest.approx(floor)  # killed: the first one in the air


def test_what_came_before_stays_when_more_is_put_in() -> None:
    sizes = [(0.1, 0.06, 0.2), (0.07, 0.07, 0.12), (0.2, 0.1, 0.28), (0.06, 0.05, 0.18)]
    assert np.array_equal(content_poses(Carrier.BASKET, sizes)[:3], content_poses(Carrier.BASKET, sizes[:3]))
    assert content_poses(Carrier.BAG, sizes).shape == (0, 4, 4)
    assert content_poses(Carrier.TROLLEY, np.zeros((0, 3))).shape == (0, 4, 4)
