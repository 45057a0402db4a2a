import numpy as np
import pytest

from tests.vision.floor.rooms import camera, corners
from tests.vision.shop.bodies import ELBOWS, WRISTS, body, moment
from vision.floor.tracks import FloorTracks
from vision.shop.adoption import adopted
from vision.shop.moment import ShopMoment
from vision.shop.ray_tables import RayTables
from vision.shop.wrists import LAG_S, WristFinder

FOUR = corners(4)
PHASES = (0.02, 0.07, 0.13, 0.18)


def standing(time_s):
    return body((0.2, -0.1))


def reaching(time_s):
    """The right hand goes out and back along +y, at up to 1 m/s."""
    out = 0.25 - 0.2 * np.cos(2 * np.pi * time_s / 1.3)
    return body((0.0, 0.0), [(-0.24, 0.04, 0.87), (0.2, 0.1 + out, 1.1)])


def played(people, models=FOUR, seconds=3.0, spoil=None, early=PHASES):
    finder = WristFinder(models)
    steps = range(int(seconds * 5))
    return [finder.update(moment(models, 100 + step / 5, people, spoil, early)) for step in steps]


def errors(hands, joints):
    """Of one person: (2,) metres."""
    return np.linalg.norm(hands.wrist[0] - joints(hands.time_s)[WRISTS], axis=1)


def swapped(keypoints):
    other = keypoints.copy()
    other[[5, 6, 7, 8, 9, 10]] = keypoints[[6, 5, 8, 7, 10, 9]]
    return other


def test_wrists_and_elbows_are_where_they_are_though_cameras_are_out_of_phase():
    found = played({7: reaching})
    assert found[-1].time_s == pytest.approx(102.8 - LAG_S)
    assert found[-1].track_id.tolist() == [7]
    # Half a picture's time at 1 m/s would be 10 cm.
    assert max(errors(hands, reaching).max() for hands in found[3:]) < 0.045
    elbow = np.linalg.norm(found[-1].elbow[0] - reaching(found[-1].time_s)[ELBOWS], axis=1)
    assert elbow.max() < 0.03
    assert found[-1].cameras.all()
    assert found[-1].error_m.max() < 0.05


def test_a_camera_that_takes_left_for_right_is_understood():
    finder = WristFinder(FOUR)
    for step in range(15):
        # First one of four, then two, when it is known which hand is where.
        wrong = ("c1",) if step < 6 else ("c1", "c3")

        def spoil(name, number, keypoints, wrong=wrong):
            return swapped(keypoints) if name in wrong else keypoints

        hands = finder.update(moment(FOUR, 100 + step / 5, {7: reaching}, spoil, PHASES))
        assert step < 3 or errors(hands, reaching).max() < 0.06
    # The swapped rays count, for the other hand.
    assert hands.cameras.all()


def test_a_wrist_that_is_somewhere_else_in_one_picture_counts_for_nothing():
    def spoil(name, number, keypoints):
        if name == "c2":
            keypoints = keypoints.copy()
            keypoints[10, :2] += (60, -45)
        return keypoints

    found = played({7: standing}, spoil=spoil)
    assert errors(found[-1], standing).max() < 0.02
    assert found[-1].cameras[0].tolist() == [[True] * 4, [True, True, False, True]]


def test_unsure_joints_weigh_less():
    def spoil(name, number, keypoints):
        if name in ("c0", "c1"):
            keypoints = keypoints.copy()
            keypoints[9:11, 0] += 14
            keypoints[9:11, 2] = 0.3
        return keypoints

    assert errors(played({7: standing}, spoil=spoil)[-1], standing).max() < 0.03


def test_another_persons_box_under_this_ones_number_is_outvoted():
    def other(time_s):
        return body((0.9, 0.8))

    def spoil(name, number, keypoints):
        if name == "c1":
            return keypoints, 16 - number
        return keypoints

    found = played({7: standing, 9: other}, spoil=spoil)
    assert errors(found[-1], standing).max() < 0.03


def test_one_camera_knows_across_its_ray_and_says_that_it_does_not_know_along_it():
    one = corners(1)
    found = played({7: standing}, one)[-1]
    off = found.wrist[0] - standing(0)[WRISTS]
    ray = one[0].rays(one[0].project(standing(0)[WRISTS]))
    along = (off * ray).sum(axis=1)
    assert np.linalg.norm(off - along[:, None] * ray, axis=1).max() < 0.02
    assert (found.error_m > 0.08).all()
    spread = np.sqrt(np.einsum("ki,kij,kj->k", ray, found.covariance[0], ray))
    assert (np.abs(along) < 2.5 * spread).all()
    assert (spread > 0.15).all()


def test_a_hand_that_nobody_sees_is_known_for_a_moment_and_then_not():
    finder = WristFinder(FOUR)
    for step in range(6):
        known = finder.update(moment(FOUR, 10 + step / 5, {7: standing}))
    blind = [finder.update(moment(FOUR, 11.2 + step / 5, {7: standing}, lambda *_: None)) for step in range(12)]
    assert errors(blind[1], standing).max() < 0.03
    assert blind[2].error_m.min() > 1.5 * known.error_m.max()
    assert np.isnan(blind[-1].wrist).all()
    again = [finder.update(moment(FOUR, 13.6 + step / 5, {7: standing})) for step in range(3)]
    assert errors(again[-1], standing).max() < 0.03


def test_the_tip_is_a_hand_beyond_the_wrist_on_the_elbows_other_side():
    hands = played({7: reaching})[-1]
    out = hands.tip[0] - hands.wrist[0]
    assert np.linalg.norm(out, axis=1) == pytest.approx([0.15, 0.15], abs=1e-6)
    assert out[1] @ (hands.wrist[0, 1] - hands.elbow[0, 1]) > 0.9 * 0.15 * np.linalg.norm(
        hands.wrist[0, 1] - hands.elbow[0, 1]
    )


def test_each_person_has_their_own_hands_and_who_is_gone_has_none():
    def other(time_s):
        return body((-0.8, 0.5), facing=2.0)

    finder = WristFinder(FOUR)
    for step in range(5):
        hands = finder.update(moment(FOUR, 10 + step / 5, {9: other, 7: standing}))
    assert hands.track_id.tolist() == [9, 7]
    assert np.abs(hands.wrist[0] - other(0)[WRISTS]).max() < 0.02
    assert np.abs(hands.wrist[1] - standing(0)[WRISTS]).max() < 0.02
    assert finder.update(moment(FOUR, 11.2, {7: standing})).track_id.tolist() == [7]
    assert len(finder.update(moment(FOUR, 11.4, {})).track_id) == 0


def test_floor_tracks_get_the_wrists_of_their_own_numbers():
    hands = played({7: standing})[-1]
    tracks = FloorTracks.empty(4)
    assert hands.on(tracks).wrists.shape == (0, 2, 3)
    two = moment(FOUR, 0.0, {5: standing, 7: standing}).tracks
    wrists = hands.on(two).wrists
    assert np.isnan(wrists[0]).all()
    assert wrists[1] == pytest.approx(hands.wrist[0])


def test_pictures_without_joints_and_unknown_cameras_say_nothing():
    bare = ShopMoment(5.0, {}, moment(FOUR, 5.0, {7: standing}).tracks)
    finder = WristFinder(FOUR[:2])
    assert np.isnan(finder.update(bare).wrist).all()
    for step in range(4):
        hands = finder.update(moment(FOUR, 5.2 + step / 5, {7: standing}))
    assert hands.cameras.shape == (1, 2, 2)
    assert errors(hands, standing).max() < 0.03
    finder.reset()
    assert np.isnan(finder.update(bare).wrist).all()


def test_a_box_from_overhead_goes_to_whom_its_trunk_shows():
    overhead = camera("over", (0.3, 0.2, 2.9), (0.3, 0.2, 0.0), focal=500.0)

    def other(time_s):
        return body((1.0, 0.6))

    def lost(name, number, keypoints):
        return keypoints, 0

    seen = moment([overhead], 5.0, {7: standing, 9: other}, lost)
    tables = RayTables([overhead])
    assert adopted(seen, tables).pictures["over"].owner.tolist() == [7, 9]
    # Who has a box already takes no other one, and who stands elsewhere takes none.
    first = moment([overhead], 5.0, {7: standing, 9: other}, lambda name, number, k: (k, 7 if number == 9 else 0))
    assert adopted(first, tables).pictures["over"].owner.tolist() == [0, 7]
    far = ShopMoment(5.0, seen.pictures, moment([overhead], 5.0, {7: lambda t: body((-0.9, -0.9))}).tracks)
    assert adopted(far, tables).pictures["over"].owner.tolist() == [0, 0]
    # Two who stand in one place: it cannot be told whose.
    same = moment([overhead], 5.0, {7: standing, 9: standing}, lost)
    assert adopted(same, tables).pictures["over"].owner.tolist() == [0, 0]
    assert adopted(seen, RayTables(FOUR)).pictures["over"].owner.tolist() == [0, 0]


def test_looked_up_rays_are_the_lens_rays():
    bent = camera("bent", (0, 0, 2.5), (2, 1, 1), focal=400.0, size=(640, 360), distortion=(-0.2, 0.04, 0, 0, 0))
    flat = camera("flat", (1, 0, 2.5), (2, 1, 1), focal=700.0, size=(1280, 720))
    tables = RayTables([bent, flat])
    xy = np.random.default_rng(0).uniform((-40, -40), (680, 400), (2, 50, 2))
    found = tables.rays(np.array([0, 1]), xy)
    assert np.abs(found - np.stack([bent.rays(xy[0]), flat.rays(xy[1])])).max() < 2e-4
    with pytest.raises(ValueError, match="different names, got flat, flat"):
        RayTables([flat, flat])
