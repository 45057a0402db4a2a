from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cameras.geometry import CameraModel, distort, largest_radius, look_at, undistort
from store.views import CameraView, Lens, PlanError, Pose

seeds = st.integers(0, 10_000)
lenses = st.tuples(
    st.floats(-0.4, 0.3), st.floats(-0.05, 0.2), st.floats(-0.003, 0.003), st.floats(-0.003, 0.003), st.floats(0, 0.02)
)
positions = st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(2.2, 4))
targets = st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(0, 1.5))


def camera(
    position: tuple[float, float, float] = (1.0, -2.0, 2.8),
    target: tuple[float, float, float] = (3.0, 4.0, 0.5),
    lens: tuple[float, float, float, float, float] = (-0.2, 0.04, 0.0, 0.0, 0.0),
    roll: float = 0.0,
    view_deg: float = 85.0,
) -> CameraModel:
    view = CameraView(
        camera="c",
        size=(640, 360),
        lens=Lens(horizontal_view_deg=view_deg, distortion=lens),
        pose=Pose(position=position, look_at=target, roll_deg=roll),
    )
    return CameraModel.of(view)


@given(seeds, lenses, positions, targets, st.floats(-180, 180))
def test_projection_is_that_of_opencv(
    seed: int,
    lens: tuple[float, float, float, float, float],
    position: tuple[float, float, float],
    target: tuple[float, float, float],
    roll: float,
) -> None:
    model = camera(position, target, lens, roll)
    local = np.random.default_rng(seed).uniform((-1, -1, 0.5), (1, 1, 9.0), (50, 3))
    local[:, :2] *= local[:, 2:] * 0.98 * min(1.0, largest_radius(model.distortion)) / math.sqrt(2)
    points = local @ model.rotation + model.position
    turn, shift = cv2.Rodrigues(model.rotation)[0], -model.rotation @ model.position
    expected, _ = cv2.projectPoints(points, turn, shift, model.matrix, model.distortion)
    np.testing.assert_allclose(model.project(points), expected[:, 0], atol=1e-6)


@given(seeds, lenses)
def test_undistort_takes_back_distort_however_far_out(
    seed: int, lens: tuple[float, float, float, float, float]
) -> None:
    distortion = np.array(lens)
    # Near its largest radius a lens hardly grows, and the tangential part may fold there: that ring is left out.
    limit = largest_radius(distortion)
    rng = np.random.default_rng(seed)
    radius = rng.choice([0.3, 1.0, 3.0, 50.0], 200) * rng.uniform(0, 1, 200)
    turn = rng.uniform(0, 2 * math.pi, 200)
    near = np.abs(radius / limit - 1) < 0.15
    points = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])[~near]
    found = undistort(distort(points, distortion), distortion)
    np.testing.assert_allclose(found, points, atol=1e-7, rtol=1e-7)


@given(st.floats(-0.5, 0.3), st.floats(-0.1, 0.2), st.floats(-0.02, 0.02))
def test_further_out_stays_further_out(k1: float, k2: float, k3: float) -> None:
    distortion = np.array([k1, k2, 0.0, 0.0, k3])
    radius = np.linspace(0, 30, 3001)
    bent = distort(np.column_stack([radius, np.zeros_like(radius)]), distortion)[:, 0]
    assert (np.diff(bent) > 0).all()


def test_one_far_point_does_not_spoil_the_others() -> None:
    distortion = np.array([-0.2, 0.04, 0.001, 0.0, 0.0])
    points = np.array([[0.4, -0.3], [1e6, 2e6], [np.nan, 0.0]])
    found = undistort(points, distortion)
    np.testing.assert_allclose(found[0], undistort(points[:1], distortion)[0], atol=1e-12)
    np.testing.assert_allclose(distort(found[:1], distortion)[0], points[0], atol=1e-12)
    assert found[1, 0] > 10
    assert np.isnan(found[2]).all()
    assert undistort(np.zeros((0, 2)), distortion).shape == (0, 2)


@given(seeds, positions, targets, st.floats(-180, 180), st.floats(0, 1.9))
def test_a_pixel_meets_the_floor_where_its_ray_does(
    seed: int,
    position: tuple[float, float, float],
    target: tuple[float, float, float],
    roll: float,
    height: float,
) -> None:
    model = camera(position, target, (-0.15, 0.02, 0.001, -0.001, 0.0), roll)
    pixels = np.random.default_rng(seed).uniform((0, 0), (640, 360), (60, 2))
    floor = model.on_floor(pixels, height)
    rays = model.rays(pixels)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)
    down = rays[:, 2] < 0
    assert np.isnan(floor[rays[:, 2] > 0]).all()
    assume((rays[:, 2] < -0.02).any())
    steep = rays[:, 2] < -0.02
    points = np.column_stack([floor, np.full(len(floor), height)])[steep]
    np.testing.assert_allclose(model.project(points), pixels[steep], atol=1e-4)
    assert np.isfinite(floor[down & steep]).all()


@given(positions, targets, st.floats(-180, 180))
def test_a_camera_looks_at_its_target_with_a_level_horizon(
    position: tuple[float, float, float], target: tuple[float, float, float], roll: float
) -> None:
    model = camera(position, target, roll=roll)
    np.testing.assert_allclose(model.project(np.array(target)), (320, 180), atol=1e-6)
    np.testing.assert_allclose(model.rotation @ model.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(model.rotation) == pytest.approx(1.0)
    assume(math.dist(position[:2], target[:2]) > 0.1)
    level = camera(position, target)
    assert level.rotation[0, 2] == pytest.approx(0.0)  # the picture's right is level ...
    assert level.rotation[1, 2] < 0  # ... and its down is down


def test_a_roll_turns_the_camera_clockwise() -> None:
    # What is above the middle of a level picture is at the left of one whose camera was turned right by a quarter.
    above = np.array([3.0, 4.0, 1.5])
    level, turned = camera().project(above), camera(roll=90.0).project(above)
    assert level[1] < 180
    assert level[0] == pytest.approx(320)
    assert turned[0] < 320
    assert turned[1] == pytest.approx(180)


def test_straight_down_the_top_is_north() -> None:
    model = camera((2.0, 3.0, 2.9), (2.0, 3.0, 0.0))
    north, east = model.project(np.array([[2.0, 3.5, 0.0], [2.5, 3.0, 0.0]]))
    assert north[1] < 180 < 181 < east[1] + 1.5
    np.testing.assert_allclose((north[0], east[1]), (320, 180))
    assert east[0] > 320


def test_behind_the_camera_is_nowhere() -> None:
    model = camera((0.0, 0.0, 2.0), (5.0, 0.0, 2.0))
    pixels = model.project(np.array([[-1.0, 0.0, 2.0], [1.0, 0.0, 2.0]]))
    assert np.isnan(pixels[0]).all()
    np.testing.assert_allclose(pixels[1], (320, 180))
    assert np.isnan(model.on_floor(np.array([320.0, 10.0]))).all()


def test_the_view_is_as_wide_as_the_lens_says() -> None:
    model = camera((0.0, 0.0, 2.0), (5.0, 0.0, 2.0), (0.0, 0.0, 0.0, 0.0, 0.0), view_deg=90.0)
    edge = model.project(np.array([[1.0, 1.0, 2.0], [1.0, -1.0, 2.0]]))
    np.testing.assert_allclose(edge[:, 0], (0, 640), atol=1e-9)


def test_a_smaller_picture_shows_the_same() -> None:
    view = CameraView(
        camera="c",
        size=(1280, 720),
        lens=Lens(focal_px=(700, 690), centre_px=(630, 350), distortion=(-0.1, 0.01, 0.001, 0, 0)),
        pose=Pose(position=(0, 0, 3), look_at=(2, 2, 0)),
    )
    points = np.random.default_rng(1).uniform((1, 1, 0), (4, 4, 1.8), (20, 3))
    large, small = CameraModel.of(view), CameraModel.of(view, (640, 360))
    assert small.size == (640, 360)
    np.testing.assert_allclose(small.project(points), large.project(points) / 2, atol=1e-9)


def test_a_rotation_says_the_same_as_look_at() -> None:
    looking = camera()
    rows = [tuple(row) for row in look_at(np.array([1.0, -2.0, 2.8]), np.array([3.0, 4.0, 0.5])).tolist()]
    view = CameraView(
        camera="c",
        size=(640, 360),
        lens=Lens(horizontal_view_deg=85, distortion=(-0.2, 0.04, 0, 0, 0)),
        pose=Pose(position=(1.0, -2.0, 2.8), rotation=(rows[0], rows[1], rows[2])),  # type: ignore[arg-type]
    )
    np.testing.assert_allclose(CameraModel.of(view).rotation, looking.rotation, atol=1e-12)


def test_a_view_without_lens_or_pose_is_no_model() -> None:
    view = CameraView(camera="door", size=(640, 360), lens=Lens(horizontal_view_deg=80))
    with pytest.raises(PlanError, match="camera door needs a lens and a pose"):
        CameraModel.of(view)
