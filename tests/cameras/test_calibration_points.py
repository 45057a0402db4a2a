from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.calibration.accuracy import floor_difference_cm, seen_floor
from cameras.calibration.errors import CollinearPointsError, PointsDisagreeError, TooFewPointsError
from cameras.calibration.parameters import angle_deg, at_size, lens_of, moved, pose_of, view_with
from cameras.calibration.points import calibrate_points
from cameras.calibration.proof import prove
from cameras.geometry import CameraModel
from store.views import CameraView, Lens, PlanError, Pose

SIZE = (640, 360)
FLOOR = np.array([[1, 2], [3, 2], [1.2, 4], [3.1, 4.4], [2, 3], [2.2, 5.2], [0.6, 3.2], [3.6, 3.4]], np.float64)
POINTS = np.column_stack([FLOOR, np.zeros(len(FLOOR))])
VIEW = CameraView(camera="door", size=SIZE)


def camera(
    position: tuple[float, float, float] = (0.4, 0.3, 2.8),
    target: tuple[float, float, float] = (2.2, 3.4, 0.4),
    roll: float = 3.0,
    view_deg: float = 84.0,
) -> CameraModel:
    lens = Lens(horizontal_view_deg=view_deg, distortion=(-0.2, 0.04, 0, 0, 0))
    return CameraModel.of(
        CameraView(camera="door", size=SIZE, lens=lens, pose=Pose(position=position, look_at=target, roll_deg=roll))
    )


steps = st.tuples(*[st.floats(-0.4, 0.4)] * 6, st.floats(-0.2, 0.2))


@given(steps, st.sampled_from([(2.2, 3.4, 0.4), (0.4, 0.3, 0.0), (0.41, 0.3, 0.0), (3.0, 0.3, 2.8)]))
def test_what_a_plan_writes_of_a_camera_is_the_camera(
    step: tuple[float, ...], target: tuple[float, float, float]
) -> None:
    model = moved(camera(target=target), np.array(step))
    again = CameraModel.of(VIEW.model_copy(update={"lens": lens_of(model), "pose": pose_of(model)}))
    assert angle_deg(model, again) < 0.02
    np.testing.assert_allclose(again.position, model.position, atol=1e-4)
    points = seen_floor(model)
    if len(points):
        assert float(np.median(floor_difference_cm(again, model, points))) < 0.3


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("target", [(2.2, 3.4, 0.4), (0.4, 0.31, 0.0)])
def test_eight_points_clicked_with_two_pixels_error_place_the_floor_to_ten_centimetres(
    known: bool, target: tuple[float, float, float]
) -> None:
    true = camera(target=target)
    floor = seen_floor(true, 8, 5.0)
    rng = np.random.default_rng(5)
    taken = [int(rng.integers(len(floor)))]
    for _ in range(7):
        away = np.linalg.norm(floor[:, None] - floor[taken], axis=2).min(axis=1)
        taken.append(int(away.argmax()))
    points = np.column_stack([floor[taken], np.zeros(8)])
    pixels = true.project(points) + rng.normal(0, 2, (8, 2))
    view = VIEW.model_copy(update={"lens": lens_of(true)}) if known else VIEW
    found = calibrate_points(view, pixels, points, keep_lens=known)
    assert found.used.all()
    assert float(np.median(floor_difference_cm(found.model, true, seen_floor(true)))) < 10.0
    assert 0.5 < found.expected_cm < 15.0
    assert (found.errors.pixels < 8).all()


def test_a_pair_that_was_mixed_up_is_left_out_and_named() -> None:
    true = camera()
    pixels = true.project(POINTS) + np.random.default_rng(2).normal(0, 1, (8, 2))
    pixels[3] += (90.0, -40.0)
    found = calibrate_points(VIEW, pixels, POINTS)
    assert found.used.tolist() == [n != 3 for n in range(8)]
    assert float(np.median(floor_difference_cm(found.model, true, seen_floor(true)))) < 10.0


@settings(max_examples=4)
@given(st.permutations(range(8)))
def test_the_order_of_points_does_not_matter(order: list[int]) -> None:
    pixels = camera().project(POINTS) + np.random.default_rng(3).normal(0, 1.5, (8, 2))
    plain = calibrate_points(VIEW.model_copy(update={"lens": lens_of(camera())}), pixels, POINTS, keep_lens=True)
    turned = calibrate_points(
        VIEW.model_copy(update={"lens": lens_of(camera())}), pixels[order], POINTS[order], keep_lens=True
    )
    np.testing.assert_array_equal(turned.model.rotation, plain.model.rotation)
    np.testing.assert_array_equal(turned.errors.pixels, plain.errors.pixels[order])
    assert turned.expected_cm == plain.expected_cm


def test_four_exact_points_are_enough_with_a_known_lens() -> None:
    true = camera()
    view = VIEW.model_copy(update={"lens": lens_of(true)})
    found = calibrate_points(view, true.project(POINTS[[0, 1, 2, 7]]), POINTS[[0, 1, 2, 7]], keep_lens=True)
    assert angle_deg(found.model, true) < 1.0


def test_points_above_the_floor_are_used_as_such() -> None:
    true = camera()
    raised = POINTS + np.array([[0, 0, z] for z in (0, 0, 0.9, 0, 1.4, 0, 1.1, 0)])
    found = calibrate_points(VIEW, true.project(raised), raised)
    assert float(np.median(floor_difference_cm(found.model, true, seen_floor(true)))) < 6.0


ROW = np.column_stack([np.linspace(1, 3, 6), np.linspace(2, 5, 6), np.zeros(6)])


@pytest.mark.parametrize(
    ("points", "error", "said"),
    [
        (POINTS[:3], TooFewPointsError, "3 different points"),
        (POINTS[[0, 1, 2, 2, 2]], TooFewPointsError, "3 different points"),
        (ROW, CollinearPointsError, "in a row on the plan"),
        (np.concatenate([ROW[:3], POINTS[7:]]), CollinearPointsError, "in a row"),
    ],
)
def test_points_that_tell_no_pose_are_refused(points: np.ndarray, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        calibrate_points(VIEW, camera().project(points), points)


def test_points_that_no_camera_sees_so_are_refused() -> None:
    pixels = np.random.default_rng(8).uniform((20, 20), (620, 340), (8, 2))
    with pytest.raises(PointsDisagreeError, match="door"):
        calibrate_points(VIEW, pixels, POINTS)


def test_a_picture_of_another_shape_is_refused_and_of_another_size_is_not() -> None:
    larger = at_size(camera(), (1280, 720))
    np.testing.assert_allclose(larger.project(POINTS), 2 * camera().project(POINTS), atol=1e-9)
    with pytest.raises(PlanError, match="another shape"):
        view_with(VIEW.model_copy(update={"size": (640, 480)}), larger)


def test_a_homography_in_the_plan_follows_the_calibration() -> None:
    rows = ((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 1.0))
    fresh = view_with(VIEW.model_copy(update={"homography": rows}), camera())
    assert fresh.homography is not None
    assert fresh.homography != rows
    assert view_with(VIEW, camera()).homography is None


def test_the_proof_shows_the_floor_and_the_errors() -> None:
    picture = np.full((360, 640, 3), 200, np.uint8)
    pixels = camera().project(POINTS)
    right = prove(camera(), picture, pixels, POINTS)
    wrong = prove(camera(), picture, pixels + 5.0, POINTS)
    assert right.shape == picture.shape
    assert (picture == 200).all()
    # The grid is drawn blue to green, arrows red; lines are smoothed.
    assert (right[..., 0].astype(int) - right[..., 2] > 60).sum() > 500
    red = [(image[..., 2].astype(int) - image[..., 0] > 60).sum() for image in (right, wrong)]
    assert red[1] > red[0] + 100
