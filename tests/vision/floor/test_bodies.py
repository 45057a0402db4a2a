import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.floor.rooms import boxes, camera
from vision.detections import Detections
from vision.floor import FloorTracker
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors, JointErrors

HIGH = camera("high", (0.5, -1.0, 3.0), (0.5, 0.0, 0.0), 420)  # looks steeply down
SIDE = camera("side", (0, -6, 2.6), (0, 0, 1), 600)
HEIGHTS = {5: 0.82, 6: 0.82, 11: 0.53, 12: 0.53, 13: 0.285, 14: 0.285, 15: 0.045, 16: 0.045}
places = st.tuples(st.floats(-1.5, 1.5), st.floats(-0.5, 2.0))


def joints(model, xy, tall=1.7, confidence=0.95, shift=None):
    """Keypoints (n, 17, 3) of people who stand straight at ``xy`` (n, 2); ``shift`` (n, 17, 3) metres moves joints."""
    xy = np.asarray(xy, np.float64).reshape(-1, 2)
    spots = np.zeros((len(xy), 17, 3))
    spots[..., :2] = xy[:, None]
    for joint, share in HEIGHTS.items():
        spots[:, joint, 2] = share * tall
        spots[:, joint, 0] += 0.15 if joint % 2 else -0.15
    pixels = model.project(spots if shift is None else spots + shift)
    points = np.concatenate([pixels, np.full((*pixels.shape[:2], 1), confidence)], axis=2)
    points[:, [0, 1, 2, 3, 4, 7, 8, 9, 10], 2] = 0.0
    return points


def look(model, xyxy, keypoints=None):
    xyxy = np.asarray(xyxy, np.float64).reshape(-1, 4)
    return observe(Rig.of((model,)), np.zeros(len(xyxy), np.int64), xyxy, BoxErrors(), keypoints=keypoints)


@settings(max_examples=30)
@given(places, st.floats(1.55, 1.85), st.sampled_from([HIGH, SIDE]))
def test_joints_tell_where_somebody_stands_and_how_tall_they_are(xy, tall, model):
    found = look(model, boxes(model, np.array([xy]), tall), joints(model, xy, tall))
    assert found.place[0, :2] == pytest.approx(xy, abs=0.06)
    if model is SIDE:  # from above nobody's height is seen
        assert found.place[0, 2] == pytest.approx(tall, abs=0.12)


def test_hidden_feet_mislead_a_box_and_not_the_joints():
    xy = np.array([[0.3, 1.0]])
    whole = boxes(SIDE, xy)
    half = whole.copy()
    half[0, 3] = whole[0, 1] + 0.55 * (whole[0, 3] - whole[0, 1])  # furniture hides the legs
    points = joints(SIDE, xy)
    points[:, 13:, 2] = 0.1
    plain, told = look(SIDE, half), look(SIDE, half, points)
    assert np.linalg.norm(plain.place[0, :2] - xy[0]) > 0.8
    assert np.linalg.norm(told.place[0, :2] - xy[0]) < 0.1


def test_fewer_than_two_pairs_leave_it_to_the_box():
    xy = np.array([[0.3, 1.0]])
    points = joints(SIDE, xy)
    points[:, 11:, 2] = 0.1
    whole = boxes(SIDE, xy)
    assert look(SIDE, whole, points).place == pytest.approx(look(SIDE, whole).place)
    assert look(SIDE, whole, points).value == pytest.approx(look(SIDE, whole).value)


def test_joints_beyond_the_picture_are_not_seen():
    xy = np.array([[0.3, 1.0]])
    points = joints(SIDE, xy)
    points[:, 13:, :2] = [300.0, SIDE.size[1] + 40.0]  # a guess below the edge, and sure of itself
    assert look(SIDE, boxes(SIDE, xy), points).place[0, :2] == pytest.approx(xy[0], abs=0.06)


def test_a_pair_that_does_not_fit_is_outvoted():
    xy = np.array([[0.3, 1.0]])
    points = joints(SIDE, xy)
    points[:, 15:, 0] += 150.0
    assert np.linalg.norm(look(SIDE, boxes(SIDE, xy), points).place[0, :2] - xy[0]) < 0.15


def test_the_error_is_what_noise_makes_of_it():
    rng, count, errors = np.random.default_rng(5), 3000, JointErrors()
    xy = np.tile([0.3, 1.0], (count, 1))
    tall = rng.normal(1.7, 0.1, count)
    whole = boxes(SIDE, xy, tall)
    shift = np.zeros((count, 17, 3))
    for pair, aside, up in zip(((5, 6), (11, 12), (13, 14), (15, 16)), errors.aside_m, errors.up_m, strict=True):
        shift[:, pair] = (rng.normal(size=(count, 3)) * [aside, aside, up])[:, None]
    points = joints(SIDE, xy, tall, shift=shift)
    side = (whole[:, 2:] - whole[:, :2]).max(axis=1)
    points[..., :2] += rng.normal(size=(count, 17, 2)) * errors.pixel * side[:, None, None]
    found = look(SIDE, whole, points)
    white = np.linalg.solve(np.linalg.cholesky(found.variance[:, :2, :2]), (found.place[:, :2] - xy)[..., None])[..., 0]
    # Rounder than 1 by the trust that is taken from what lies far off.
    assert np.cov(white.T) == pytest.approx(np.eye(2), abs=0.25)


def test_the_tracker_follows_by_joints_whom_boxes_alone_put_elsewhere():
    cameras = (SIDE, camera("other", (4, -4, 2.6), (0, 0, 1), 600))
    xy = np.array([[0.3, 1.0]])

    def cut(model):
        box = boxes(model, xy)
        box[0, 3] = box[0, 1] + 0.5 * (box[0, 3] - box[0, 1])
        points = joints(model, xy)
        points[:, 13:, 2] = 0.1
        return Detections(box.astype(np.float32), np.ones(1, np.float32), points.astype(np.float32))

    tracker = FloorTracker(cameras)
    for moment in range(10):
        tracks = tracker.update(moment / 5, {model.camera: cut(model) for model in cameras})
    assert len(tracks) == 1
    assert np.linalg.norm(tracks.xy[0] - xy[0]) < 0.1
