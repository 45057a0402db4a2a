import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.floor.rooms import boxes, camera, corners
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors

ERRORS = BoxErrors()
STIFF = BoxErrors(body_m=0.0)
places = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def look(model, xyxy, errors=ERRORS):
    xyxy = np.asarray(xyxy, np.float64).reshape(-1, 4)
    return observe(Rig.of((model,)), np.zeros(len(xyxy), np.int64), xyxy, errors)


@settings(max_examples=40)
@given(places, st.floats(1.5, 1.9), st.floats(2.2, 4.0))
def test_a_whole_box_without_errors_tells_place_and_height(xy, tall, high):
    model = camera("a", (0, -8, high), (0, 0, 1), 600)
    sure = BoxErrors(centre=1e-3, size=1e-3, body_m=0.0)
    seen = look(model, boxes(model, np.array([xy]), tall), sure)
    assert seen.place[0] == pytest.approx([*xy, tall], abs=0.03)


@settings(max_examples=10)
@given(places)
def test_the_error_on_the_floor_is_what_noise_makes_of_it(xy):
    model = camera("a", (1, -9, 3.0), (0, 0, 1), 600)
    rng = np.random.default_rng(7)
    count = 4000
    tall = rng.normal(ERRORS.height_m, ERRORS.height_sd_m, count)
    clean = boxes(model, np.tile(xy, (count, 1)), tall)
    height = clean[:, 3] - clean[:, 1]
    middle = (clean[:, :2] + clean[:, 2:]) / 2 + rng.normal(size=(count, 2)) * ERRORS.centre * height[:, None]
    size = height * (1 + rng.normal(size=count) * ERRORS.size)
    half = np.column_stack([0.15 * height, size / 2])
    seen = look(model, np.concatenate([middle - half, middle + half], axis=1), STIFF)
    assert len(seen) == count
    told = seen.variance[:, :2, :2].mean(axis=0)
    missing = seen.place[:, :2] - xy
    # In units of what was told, the errors are round and of size 1; the estimate is where the truth is.
    white = missing @ np.linalg.inv(np.linalg.cholesky(told)).T
    assert np.cov(white.T) == pytest.approx(np.eye(2), abs=0.15)
    assert np.abs(white.mean(axis=0)).max() < 0.2


def test_the_error_grows_with_distance_and_points_along_the_ray():
    model = camera("a", (0, -10, 3.0), (0, 0, 1), 600)
    near, far = look(model, boxes(model, np.array([[0.0, -4.0], [0.0, 6.0]]))).variance[:, :2, :2]
    assert far[1, 1] > 4 * near[1, 1]
    assert near[1, 1] > near[0, 0]
    assert far[1, 1] > far[0, 0]


def test_feet_below_the_picture_leave_the_head_and_a_usual_height():
    model = camera("a", (0, -4, 2.6), (0, 0, 1.6), 900)
    whole = boxes(model, np.array([[0.2, -1.5]]))
    assert whole[0, 3] > model.size[1]
    cut = whole.clip(0, [*model.size, *model.size])
    seen = look(model, cut)
    assert seen.place[0, :2] == pytest.approx([0.2, -1.5], abs=0.1)
    assert seen.place[0, 2] == pytest.approx(ERRORS.height_m)
    wrong = model.on_floor(np.array([[(cut[0, 0] + cut[0, 2]) / 2, cut[0, 3]]]))
    assert np.linalg.norm(wrong[0] - [0.2, -1.5]) > 0.3
    # A person of another height stands elsewhere for all that the head tells: the error along the ray says so.
    assert seen.variance[0, 1, 1] > 10 * look(model, whole).variance[0, 0, 0]


def test_a_side_that_is_cut_off_counts_by_a_usual_width():
    model = camera("a", (0, -8, 3.0), (0, 0, 1), 900)
    whole = boxes(model, np.array([[5.75, 0.0]]), wide=0.56)
    assert whole[0, 0] < model.size[0] < whole[0, 2]
    cut = whole.clip(0, [*model.size, *model.size])
    seen, full = look(model, cut), look(model, whole)
    assert seen.place[0, :2] == pytest.approx([5.75, 0.0], abs=0.25)
    assert seen.variance[0, 0, 0] > 1.5 * full.variance[0, 0, 0]


@pytest.mark.parametrize(
    "xyxy",
    [[600, 100, 640, 110], [600, 0, 700, 720], [0, 300, 1280, 500], [600, 40, 900, 719.9]],
    ids=["in the sky", "cut at both ends", "cut at both sides", "as tall as a house"],
)
def test_what_can_be_nobody_is_left_out(xyxy):
    assert len(look(camera("a", (0, -10, 3.0), (0, 0, 1), 300), xyxy)) == 0


def test_boxes_keep_their_camera_and_number():
    cameras = corners(3)
    xy = np.array([[0.0, 0.0], [1.0, 1.0]])
    xyxy = np.concatenate([boxes(model, xy) for model in cameras])
    xyxy[3] = [600, 0, 601, 5]  # nobody, of the second camera
    seen = observe(Rig.of(cameras), np.repeat([0, 1, 2], 2), xyxy, ERRORS)
    assert seen.camera.tolist() == [0, 0, 1, 2, 2]
    assert seen.box.tolist() == [0, 1, 0, 0, 1]
