"""Bodies painted from some hundred points, against all their triangles."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cameras.geometry import CameraModel, look_at
from datasets.simulation.people.cast import cast
from datasets.simulation.truth.silhouettes import PARTS, Silhouette, full_box, paint, part_of_bone

EYE = np.array([0.0, -3.0, 2.6])
CAMERA = CameraModel(
    "c", (640, 360), np.array([[400.0, 0, 320], [0, 400, 180], [0, 0, 1]]), np.array([-0.1, 0, 0, 0, 0]),
    look_at(EYE, np.array([0.0, 0.0, 1.0])), EYE,
)  # fmt: skip


@pytest.fixture(scope="module")
def character():
    return cast(5, 1)[0]


def turned(character, angle):
    bones = len(character.skeleton.names)
    matrices = np.zeros((bones, 3, 4), np.float32)
    matrices[:, :2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrices[:, 2, 2] = 1
    return matrices


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.6, 3.1, 4.4])
def test_area_box_and_parts_are_the_meshs(character, angle):
    matrices, silhouette = turned(character, angle), Silhouette.of(character)
    assert len(silhouette.spread) < len(character.positions) / 8
    points = silhouette.posed(matrices)
    pixels = CAMERA.project(points)
    every = CAMERA.project(character.positions @ matrices[0, :, :3].T.astype(float))
    np.testing.assert_allclose(full_box(pixels), full_box(every), atol=1.0)
    fine = np.zeros((360 * 4, 640 * 4), np.uint8)
    for triangle in character.triangles:
        cv2.fillConvexPoly(fine, np.round(every[triangle] * 64).astype(np.int32), 1, cv2.LINE_8, 4)
    rim = np.count_nonzero(fine) - np.count_nonzero(cv2.erode(fine, np.ones((3, 3), np.uint8)))
    area = (np.count_nonzero(fine) - rim / 2) / 16
    painted = paint(silhouette, pixels, CAMERA.to_camera(points)[:, 2])
    assert 0.97 < painted.area / area < 1.09
    skeleton = character.skeleton
    head = CAMERA.project(matrices[0, :, :3] @ skeleton.tails[skeleton.index("head")] - [0, 0, 0.1])
    assert PARTS[painted.parts_at(head[None])[0]] == "head"
    assert painted.parts_at(np.array([[0.0, 0.0], [np.nan, np.nan]])).tolist() == [-1, -1]


def test_what_is_behind_the_camera_is_left_out(character):
    silhouette = Silhouette.of(character)
    points = silhouette.posed(turned(character, 0.0)) + np.array([0.0, -3.0, 1.5])
    pixels = CAMERA.project(points)
    assert 0 < np.isnan(pixels[:, 0]).sum() < len(pixels)
    assert np.isfinite(full_box(pixels)).all()
    assert paint(silhouette, pixels, CAMERA.to_camera(points)[:, 2]).area > 0
    assert np.isnan(full_box(np.full((3, 2), np.nan))).all()


@pytest.mark.parametrize(
    ("bone", "part"),
    [("Root", "hips"), ("spine_01", "hips"), ("spine_03", "chest"), ("clavicle_l", "chest"), ("neck_01", "head"),
     ("index_02_l", "hand_l"), ("thumb_01_r", "hand_r"), ("ball_r", "foot_r"), ("calf_l", "calf_l")],
)  # fmt: skip
def test_every_bone_moves_a_part(bone, part):
    assert part_of_bone(bone) == part
