"""Boxes of which half is hidden, and second boxes of one person: nobody is told of for them."""

import numpy as np
import pytest

from tests.vision.floor.rooms import boxes, corners, detections, walk
from vision.floor import FloorTracker
from vision.floor.motion import started
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors, Walking
from vision.floor.strays import strays

CAMERAS = corners(4)
RIG = Rig.of(CAMERAS)
PERSON = np.array([[0.5, 0.4, 1.7]])


def moved(along_m, across_m):
    """The box of the first camera that somebody has who stands so far behind the person, and so far beside."""
    ray = PERSON[0, :2] - CAMERAS[0].position[:2]
    ray /= np.linalg.norm(ray)
    xy = PERSON[:, :2] + along_m * ray + across_m * np.array([-ray[1], ray[0]])
    return observe(RIG, np.zeros(1, np.int64), boxes(CAMERAS[0], xy), BoxErrors())


def told(along_m, across_m=0.0, *, found=0.88, saw=False, alike=0.0):
    people = started(PERSON, np.diag([0.01, 0.01, 0.01])[None], Walking())
    chance, seen = np.full((1, 4), found), np.zeros((1, 4), np.bool_)
    seen[0, 0] = saw
    return float(strays(RIG, moved(along_m, across_m), people, chance, seen, np.full((1, 1), alike))[0])


@pytest.mark.parametrize("along_m", [-1.0, 0.8, 1.5, 2.5])
def test_a_box_behind_or_before_somebody_whom_the_camera_should_see_may_be_theirs(along_m):
    assert told(along_m) > 0.5
    assert told(along_m, 0.6) < told(along_m) - 2  # killed: errors as wide across the ray as along it
    assert told(along_m, 1.2) == -np.inf
    assert told(along_m, saw=True) < told(along_m) - 2  # killed: whoever has a better box in the picture
    assert told(along_m, found=0.05) < told(along_m) - 2  # killed: somebody hidden, who has no box
    assert told(along_m, alike=-3.0) == pytest.approx(told(along_m) - 3.0)


@pytest.mark.parametrize("along_m", [-0.1, 0.0, 0.2])
def test_a_second_box_of_somebody_may_be_a_double(along_m):
    assert told(along_m, saw=True) > 0.5  # killed: no doubles
    assert told(along_m, saw=True, found=0.05) == told(along_m, saw=True)  # they were found
    assert told(along_m, 0.5, saw=True) < told(along_m, saw=True) - 2


def test_nobody_explains_nothing():
    nobody = started(np.zeros((0, 3)), np.zeros((0, 3, 3)), Walking())
    none = np.zeros((0, 4))
    assert strays(RIG, moved(1.0, 0.0), nobody, none, none.astype(np.bool_), np.zeros((0, 1))).tolist() == [-np.inf]


def without_legs(xyxy, share):
    cut = xyxy.copy()
    cut[:, 3] = xyxy[:, 1] + share * (xyxy[:, 3] - xyxy[:, 1])
    return cut


def ids(*, hidden=False, newcomer=None, moments=60):
    """How many are told of while one walks, of whom the first camera sees the upper parts from moment 20 to 45.

    By these they seem to be where no other camera looks.
    """
    way = walk((-3.5, -2.5), (-4.5, 0.5), moments)
    other = np.full((moments, 2), np.nan) if newcomer is None else newcomer
    tracker, seen = FloorTracker(CAMERAS), set()
    for moment in range(moments):
        xy = np.array([way[moment], other[moment]])
        shown = {camera.camera: boxes(camera, xy[np.isfinite(xy[:, 0])]) for camera in CAMERAS}
        if hidden and 20 <= moment < 45:
            first = CAMERAS[0].camera
            shown[first][:1] = without_legs(shown[first][:1], 0.62)
        now = tracker.update(moment / 5, {name: detections(xyxy) for name, xyxy in shown.items()})
        seen.update(now.track_id.tolist())
        seen.update(number for each in tracker.settled for number in each.tracks.track_id.tolist())
    return len(seen)


def test_whose_legs_are_hidden_from_one_camera_is_one_person():
    assert ids() == 1
    assert ids(hidden=True) == 1  # killed: no strays: somebody new behind them


def test_who_comes_near_somebody_is_somebody_all_the_same():
    absent = np.full((25, 2), np.nan)
    newcomer = np.concatenate([absent, walk((-2.5, 1.5), (-3.5, 0.5), 35)])
    assert ids(newcomer=newcomer) == 2
