"""Simulated people: who they are, that their bodies are sound, and what is reckoned from their bones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datasets.simulation.characters import Character, Skeleton
from datasets.simulation.keypoints import COCO_KEYPOINTS, coco_keypoints, outline_points
from datasets.simulation.people.cast import cast, character, person
from datasets.simulation.people.source import fetch

SEEDS = st.integers(0, 8999)


@pytest.fixture(scope="module")
def people() -> tuple[Character, ...]:
    """Five people, the last of them staff."""
    return cast(3, 5, staff=1)


def posed(skeleton: Skeleton, seed: int, most_degrees: float) -> NDArray[np.float32]:
    """Bone matrices (1, bones, 3, 4) of a body that turned each joint by up to ``most_degrees``, stands somewhere and
    looks somewhere.
    """
    rng = np.random.default_rng(seed)
    turns = Rotation.from_rotvec(
        np.deg2rad(most_degrees) * rng.uniform(-0.57, 0.57, (len(skeleton.names), 3))
    ).as_matrix()
    rotation = np.zeros_like(turns)
    joint = np.zeros((len(turns), 3))
    for bone, parent in enumerate(skeleton.parents):
        if parent < 0:
            rotation[bone] = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
            joint[bone] = [*rng.uniform(-5, 5, 2), skeleton.heads[bone, 2]]
        else:
            rotation[bone] = rotation[parent] @ turns[bone]
            joint[bone] = joint[parent] + rotation[parent] @ (skeleton.heads[bone] - skeleton.heads[parent])
    offset = joint - np.einsum("bij,bj->bi", rotation, skeleton.heads)
    return np.concatenate([rotation, offset[..., None]], axis=2)[None].astype(np.float32)


def skinned(body: Character, matrices: NDArray[np.float32]) -> NDArray[np.float64]:
    blended = np.einsum("nk,nkij->nij", body.weights, matrices[0][body.bones].astype(np.float64))
    return np.asarray(np.einsum("nij,nj->ni", blended[..., :3], body.positions) + blended[..., 3])


# Who they are


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_forty_people_of_a_seed_are_distinct(seed: int) -> None:
    traits = [person(seed, number).traits for number in range(40)]
    assert len({each.top for each in traits}) >= 36
    assert len({(each.top, each.bottom, each.hair_style, each.skin) for each in traits}) == 40
    assert len({each.hair_style for each in traits}) >= 6
    assert all(1.50 <= each.height_m <= 1.98 and 16.0 <= each.age <= 80.0 for each in traits)
    assert 1 <= sum(each.age < 20.0 for each in traits) <= 2
    assert np.ptp([each.height_m for each in traits]) > 0.2
    assert 8 <= sum(each.gender < 0.5 for each in traits) <= 32


@given(SEEDS, SEEDS, st.integers(0, 39))
@settings(max_examples=30, deadline=None)
def test_a_seed_is_its_own(one: int, other: int, number: int) -> None:
    assert person(one, number) == person(one, number)
    assert (person(one, number).traits == person(other, number).traits) == (one == other)


def test_the_last_are_staff_in_vests_and_grown_up(people: tuple[Character, ...]) -> None:
    assert [each.traits.vest for each in people] == [False] * 4 + [True]
    assert all(person(7, number, staff=True).traits.age >= 20.0 for number in range(40))
    # Seen or not: some layer of the vest's wearer is mostly the yellow that nobody else has.
    yellow = [
        ((each.textures[..., 2] < 90) & (each.textures[..., :2].min(-1) > 170)).mean((1, 2)).max() for each in people
    ]
    assert yellow[4] > 0.5
    assert max(yellow[:4]) < 0.5


def test_the_same_seed_builds_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fetch().parents[2]
    built: list[Character] = []
    for home in ("one", "other", "one"):
        folder = tmp_path / home / "aisle" / "people"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / data.name).exists():
            (folder / data.name).symlink_to(data)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / home))
        character.cache_clear()
        built.append(character(11, 4))
    character.cache_clear()
    # The third comes from the disk where the first was kept.
    for again in built[1:]:
        assert again.traits == built[0].traits
        assert again.skeleton.names == built[0].skeleton.names
        for field in dataclasses.fields(Character):
            value = getattr(again, field.name)
            if isinstance(value, np.ndarray):
                first = getattr(built[0], field.name)
                assert (value.dtype, value.shape) == (first.dtype, first.shape)
                assert value.tobytes() == first.tobytes()


# Their bodies


def test_bodies_are_sound(people: tuple[Character, ...]) -> None:
    for body in people:
        n = len(body.positions)
        assert body.weights.shape == body.bones.shape == (n, 4)
        np.testing.assert_allclose(body.weights.sum(axis=1), 1.0, atol=1e-6)
        assert body.weights.min() >= 0.0
        assert body.bones.max() < len(body.skeleton.names)
        assert 4000 < len(body.triangles) < 8500
        assert body.triangles.min() == 0
        assert body.triangles.max() == n - 1
        assert (body.layer[body.triangles] == body.layer[body.triangles[:, :1]]).all()
        assert body.layer.max() == len(body.textures) - 1
        assert body.uv.min() >= 0.0
        assert body.uv.max() <= 1.0
        assert (body.textures[..., 3] == 255).all()
        np.testing.assert_allclose(np.linalg.norm(body.normals, axis=1), 1.0, atol=1e-3)


def test_triangles_wind_outward(people: tuple[Character, ...]) -> None:
    for body in people:
        a, b, c = (body.positions[body.triangles[:, k]].astype(np.float64) for k in range(3))
        # A person of 1.5 to 2 m has 40 to 130 litres; cloth lies over itself in places.
        assert 0.03 < np.einsum("ij,ij", a, np.cross(b, c)) / 6 < 0.2
        assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 0.0
        along = np.einsum("ij,ij->i", np.cross(b - a, c - a), body.normals[body.triangles].mean(axis=1))
        assert (along > 0.0).mean() > 0.97


def test_people_stand_on_the_floor_and_are_as_tall_as_they_say(people: tuple[Character, ...]) -> None:
    for body in people:
        head = body.positions[body.layer == 0, 2]
        assert head.max() == pytest.approx(body.traits.height_m, abs=0.004)
        assert body.positions[:, 2].min() == pytest.approx(0.0, abs=0.001)
        soles = body.positions[body.positions[:, 2] < 0.002]
        assert soles[:, 0].min() < -0.05 < 0.05 < soles[:, 0].max()


def test_bones_are_named_for_the_side_that_they_are_on_and_parents_come_first(people: tuple[Character, ...]) -> None:
    for body in people:
        skeleton = body.skeleton
        assert (skeleton.parents < np.arange(len(skeleton.names))).all()
        for bone, name in enumerate(skeleton.names):
            side = {"_l": -1.0, "_r": 1.0}.get(name[-2:], 0.0)
            assert np.sign(np.round(skeleton.heads[bone, 0], 3)) == side
        toes = skeleton.tails[skeleton.index("ball_l")] - skeleton.heads[skeleton.index("foot_l")]
        assert toes[1] > 0.08  # faces +y


def test_clothes_hide_the_skin_under_them(people: tuple[Character, ...]) -> None:
    for body in people:
        skin = body.positions[body.layer == 1]
        hip = body.keypoints[11, 2]
        trunk = (skin[:, 2] > hip) & (np.abs(skin[:, 0]) < 0.12) & (skin[:, 2] < body.keypoints[5, 2] - 0.15)
        assert not trunk.any()


# What is reckoned from bones


def test_keypoints_at_rest_are_where_the_parts_are(people: tuple[Character, ...]) -> None:
    for body in people:
        rest = np.tile(np.eye(3, 4, dtype=np.float32), (1, len(body.skeleton.names), 1, 1))
        points = dict(zip(COCO_KEYPOINTS, coco_keypoints(body, rest)[0], strict=True))
        for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            left, right = points[f"left_{part}"], points[f"right_{part}"]
            assert left[0] < -0.02 < 0.02 < right[0]
            assert left[2] == pytest.approx(right[2], abs=0.02)
        height = body.traits.height_m
        expected = {"nose": 0.91, "left_eye": 0.93, "left_shoulder": 0.81, "left_hip": 0.54, "left_knee": 0.31}
        for name, share in expected.items():
            assert points[name][2] / height == pytest.approx(share, abs=0.035)
        assert points["nose"][1] > points["left_eye"][1] > points["left_ear"][1]


@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_the_outline_bounds_the_body_and_its_keypoints(people: tuple[Character, ...], seed: int, who: int) -> None:
    body = people[who]
    matrices = posed(body.skeleton, seed, 60.0)
    every = skinned(body, matrices)
    outline = outline_points(body, matrices)[0]
    np.testing.assert_allclose(outline, every[body.outline], atol=1e-4)
    directions = np.random.default_rng(seed).standard_normal((60, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # A pixel at 100 pixels tall is 17 mm.
    assert ((every @ directions.T).max(axis=0) - (outline @ directions.T).max(axis=0)).max() < 0.025
    points = coco_keypoints(body, matrices)[0]
    assert ((points @ directions.T).max(axis=0) - (outline @ directions.T).max(axis=0)).max() < 0.01
    assert len(outline) < 1000


def test_keypoints_and_outline_move_with_the_body(people: tuple[Character, ...]) -> None:
    body = people[0]
    still = posed(body.skeleton, 5, 20.0)
    moved = still.copy()
    moved[..., 3] += np.float32([1.0, -2.0, 0.5])
    both = np.concatenate([still, moved])
    for reckoned in (coco_keypoints(body, both), outline_points(body, both)):
        assert reckoned.dtype == np.float64
        np.testing.assert_allclose(
            reckoned[1] - reckoned[0], np.broadcast_to([1.0, -2.0, 0.5], reckoned[0].shape), atol=1e-5
        )


def test_the_face_turns_with_the_head_only(people: tuple[Character, ...]) -> None:
    body = people[1]
    matrices = np.tile(np.eye(3, 4, dtype=np.float32), (1, len(body.skeleton.names), 1, 1))
    before = coco_keypoints(body, matrices)[0]
    head = body.skeleton.index("head")
    turn = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    matrices[0, head, :, :3] = turn
    matrices[0, head, :, 3] = body.skeleton.heads[head] - turn @ body.skeleton.heads[head]
    after = coco_keypoints(body, matrices)[0]
    # Turned to the person's left: the nose points to -x.
    assert after[0, 0] < before[0, 0] - 0.08
    np.testing.assert_array_equal(after[5:], before[5:])
