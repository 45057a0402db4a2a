"""Whose vest is whose: colours in pictures, and visits over the floor."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.geometry import CameraModel
from store.events import PersonEntered, PersonIsStaff, PersonLeft, PersonMoved
from tests.vision.floor.rooms import corners, scene, walk
from tests.vision.floor.test_bodies import SIDE, joints
from tests.vision.worker.walkers import VISIT, looks, plan
from training.evaluate.floor_noise import true_detections
from vision.detections import Detections
from vision.floor import FloorTracker
from vision.floor.staff import vest_share
from vision.worker.floor import FloorFollower, calibrated

VEST = (222, 232, 44)
SHIRTS = {"yellow": (216, 180, 70), "white": (226, 226, 222), "green": (48, 112, 70), "black": (34, 34, 38)}
BOX = np.array([[100, 50, 160, 250]], np.float32)
SURE = np.ones(1, np.float32)


def picture(upper, lower=(40, 50, 90), light=1.0, noise=0.0, seed=0):
    """Somebody in ``BOX``, RGB: a head, what they wear above and below; a grey room around."""
    image = np.full((300, 300, 3), 120.0)
    image[50:90, 110:150] = (190, 150, 130)
    image[85:155, 100:160] = upper
    image[155:250, 105:155] = lower
    rng = np.random.default_rng(seed)
    return np.clip(image[..., ::-1] * light + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


@settings(max_examples=30)
@given(light=st.floats(0.5, 1.05), noise=st.floats(0, 5), seed=st.integers(0, 99))
def test_a_vest_is_seen_in_light_and_in_shadow_and_no_shirt_is_one(light, noise, seed):
    people = Detections(BOX, SURE)
    assert vest_share(picture(VEST, light=light, noise=noise, seed=seed), people, VEST)[0] > 0.8
    for shirt in SHIRTS.values():
        assert vest_share(picture(shirt, light=light, noise=noise, seed=seed), people, VEST)[0] < 0.2


def test_trousers_and_the_wall_are_no_torso():
    assert vest_share(picture((90, 90, 90), lower=VEST), Detections(BOX, SURE), VEST) == pytest.approx([0.0])
    image = picture(VEST)
    image[:, 100:160] = 0
    image[:, :100] = VEST[::-1]
    assert vest_share(image, Detections(BOX, SURE), VEST) == pytest.approx([0.0])


def test_joints_say_where_the_torso_is():
    points = np.zeros((1, 17, 3), np.float32)
    points[0, [5, 6, 11, 12]] = [(150, 170, 0.9), (110, 170, 0.9), (150, 230, 0.9), (110, 230, 0.9)]
    low = picture((90, 90, 90), lower=VEST)  # somebody who stoops: what is below is the torso
    assert vest_share(low, Detections(BOX, SURE, points), VEST)[0] > 0.9
    points[0, 5, 2] = 0.1  # one of the four is not known: the box says it
    assert vest_share(low, Detections(BOX, SURE, points), VEST)[0] == 0.0


def test_a_torso_that_the_picture_does_not_show_tells_nothing():
    outside = np.array([[-200, 50, -100, 250], [100, 50, 160, 250]], np.float32)
    found = vest_share(picture(VEST), Detections(outside, np.ones(2, np.float32)), VEST)
    assert np.isnan(found[0])
    assert found[1] > 0.8
    assert vest_share(picture(VEST), Detections.empty(), VEST).shape == (0,)
    far = joints(SIDE, (0.0, 0.0)).astype(np.float32)
    far[..., :2] = 1e30
    assert np.isnan(vest_share(picture(VEST), Detections(BOX, SURE, far), VEST)).all()


CAMERAS = corners(4)


def shown(room, shares, rng):
    """True boxes, each with a share of vest that is near its person's."""
    for t, seen in enumerate(true_detections(room)):
        told = {}
        for name, boxes in seen.items():
            camera = [c.camera for c in CAMERAS].index(name)
            rows = room.box_row[(room.box_camera == camera) & (room.frame[room.box_row] == t)]
            share = np.array([shares[p] for p in room.person[rows]]) + rng.uniform(-0.05, 0.05, len(rows))
            share[rng.random(len(rows)) < 0.3] = np.nan
            told[name] = replace(boxes, vest=share.astype(np.float32))
        yield t / 5.0, told


@settings(max_examples=10, deadline=None)
@given(shares=st.permutations([0.6, 0.05, 0.0]), seed=st.integers(0, 99))
def test_each_visit_is_staffs_or_not_whoever_passes_whom(shares, seed):
    paths = np.stack([walk((-3, -1.0), (3, 1.0), 40), walk((3, -1.0), (-3, 1.0), 40), walk((-3, 2), (3, 2), 40)])
    room = scene(CAMERAS, paths)
    tracker = FloorTracker(CAMERAS)
    moments = []
    for time_s, seen in shown(room, shares, np.random.default_rng(seed)):
        tracker.update(time_s, seen)
        moments += tracker.settled
    last = [*moments, *tracker.finish()][-1]
    chance = {int(n): last.staff[int(n)] for n in last.tracks.track_id}
    for n, xy in zip(last.tracks.track_id.tolist(), last.tracks.xy, strict=True):
        person = int(np.linalg.norm(paths[:, -1] - xy, axis=1).argmin())
        assert (chance[n] > 0.8) == (shares[person] > 0.3)
        assert (chance[n] < 0.02) == (shares[person] < 0.3)  # killed: what one wears is told of another


def test_where_no_vest_was_looked_for_nobody_is_staff():
    room = scene(CAMERAS, walk((-2, 0), (2, 0), 20)[None])
    tracker = FloorTracker(CAMERAS)
    for t, seen in enumerate(true_detections(room)):
        tracker.update(t / 5.0, seen)
    (*_, last) = tracker.finish()
    assert len(last.tracks) == 1
    assert last.staff == {}


@pytest.mark.parametrize(("share", "staff"), [(0.7, True), (0.02, False)])
def test_a_visit_of_staff_is_told_of_once_before_it_moves(share, staff):
    shop = plan()
    models = {view.camera: CameraModel.of(view) for view in shop.cameras}
    events = []
    follower = FloorFollower(shop, calibrated(shop, list(models)), events.extend, store="shop")
    for look in looks(models, [VISIT]):
        vest = np.full(len(look.detections), share, np.float32)
        follower.take(replace(look, detections=replace(look.detections, vest=vest)))
    for name in models:
        follower.end(name)
    (entered,) = (event for event in events if isinstance(event, PersonEntered))
    told = [event for event in events if isinstance(event, PersonIsStaff)]
    assert [event.track_id for event in told] == [entered.track_id] * staff
    assert all(0.9 <= event.confidence < 1 for event in told)
    assert any(isinstance(event, PersonLeft) for event in events)
    assert follower.facts.is_staff(1) is staff  # killed: who has left is a shopper when what they did is settled
    # killed: told of after the first second's places, which then count as a shopper's
    assert [type(event) for event in events[:3]] == [PersonEntered, *[PersonIsStaff] * staff, *[PersonMoved] * 2][:3]
