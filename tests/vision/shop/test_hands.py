"""Which hands are looked at, what is remembered of them, and what that makes of a reach."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vision.shop.painted_shelves import CAMERAS, plan
from vision.detections import Detections
from vision.floor.tracks import FloorTracks
from vision.shop.evidence import HandChange, Reach
from vision.shop.hands import (
    HandSettings,
    HandWatcher,
    Reading,
    Sight,
    agreed,
    arms_at,
    distance_to_fronts,
    moved,
    summed,
)
from vision.shop.moment import SeenPicture, ShopMoment
from vision.shop.wrists import Hands

SLOTS = plan().slots()
PLAIN = HandSettings(offset=0.0, counts=1.0)
NEAR, FAR = (2.0, 0.9), (1.8, 1.75)  # before the shelf, and away from it


class Colour:
    """Evidence is what the crop's middle is painted: red holds something, blue does not."""

    def __init__(self):
        self.shown = []

    def evidence(self, crops):
        self.shown.append(len(crops))
        return (crops[:, 26, 24, 0].astype(np.float32) - crops[:, 26, 24, 2]) / 51


def person(model, xy, colours, image, confidence=(0.9, 0.9), paint=True):
    """Joints (17, 3) of somebody at ``xy`` whose left and right hands are painted in ``colours``."""
    joints = np.zeros((17, 3), np.float32)
    for hand, colour in enumerate(colours):
        aside = -0.2 + 0.4 * hand
        elbow = model.project(np.array([[xy[0] + aside, xy[1], 1.2]]))[0]
        wrist = model.project(np.array([[xy[0] + aside, xy[1] - 0.2, 1.1]]))[0]
        joints[7 + hand], joints[9 + hand] = (*elbow, confidence[hand]), (*wrist, confidence[hand])
        at = np.rint(wrist).astype(int)
        if paint:
            image[max(at[1] - 40, 0) : at[1] + 40, max(at[0] - 16, 0) : at[0] + 16] = colour
    return joints


RED, BLUE, GREY = (0, 0, 255), (255, 0, 0), (90, 90, 90)


def moment(time_s, people, cameras=CAMERAS, confidence=(0.9, 0.9)):
    """``people`` are (track, xy, colours of both hands)."""
    pictures = {}
    for model in cameras:
        image = np.full((180, 320, 3), 90, np.uint8)
        joints = np.stack([person(model, xy, colours, image, confidence) for _, xy, colours in people])
        boxes = np.tile(np.array([10, 10, 90, 150], np.float32), (len(people), 1))
        seen = Detections(boxes, np.full(len(people), 0.9, np.float32), joints)
        pictures[model.camera] = SeenPicture(time_s, image, seen, np.array([track for track, *_ in people]))
    known = [(track, xy) for track, xy, _ in people if track]
    n = len(known)
    tracks = FloorTracks(
        np.array([track for track, _ in known], np.int64),
        np.array([xy for _, xy in known], np.float64).reshape(-1, 2),
        np.tile(0.01 * np.eye(2), (n, 1, 1)),
        np.zeros((n, 2)),
        np.ones(n),
        np.ones((n, len(cameras)), np.bool_),
        np.full((n, 2, 3), np.nan),
    )
    return ShopMoment(time_s, pictures, tracks)


def reach(track=1, hand=0, start_s=3.0, end_s=4.0):
    return Reach(track, hand, start_s, end_s, 3.5, (2.0, 0.3, 1.0), NEAR, {SLOTS[0].id: 1.0})


def watched(*scenes, settings=None, **how):
    reader = Colour()
    watcher = HandWatcher(reader, CAMERAS, SLOTS, settings or PLAIN)
    for time_s, people in scenes:
        watcher.update(moment(time_s, people, **how))
    return watcher, reader


def over(start_s, end_s, people):
    return [(float(time_s), people) for time_s in np.arange(start_s, end_s, 0.2)]


def test_a_hand_that_was_empty_and_holds_something_afterwards_has_taken():
    before, after = [(1, NEAR, (BLUE, GREY))], [(1, NEAR, (RED, GREY))]
    watcher, _ = watched(*over(2, 3, before), *over(4.2, 5.2, after))
    change = watcher.change(reach())
    assert change.before < 0.1
    assert change.after > 0.9
    other = watcher.change(reach(hand=1))
    assert other.before == pytest.approx(other.after)  # killed: both hands' looks in one memory
    assert other.before == pytest.approx(0.5, abs=0.1)
    assert watcher.holding(1, 0, 4.8) > 0.9
    assert watcher.holding(1, 0, 2.4) < 0.1


def test_what_is_seen_during_the_reach_and_long_before_or_after_says_nothing():
    empty, full = [(1, NEAR, (BLUE, BLUE))], [(1, NEAR, (RED, RED))]
    scenes = [*over(0, 1.6, full), *over(2, 2.8, empty), *over(2.9, 4.1, full), *over(4.2, 5.1, empty)]
    watcher, _ = watched(*scenes, *over(5.4, 7, full))
    change = watcher.change(reach())
    assert change.before < 0.1  # killed: a window that begins earlier, or ends at the reach's start
    assert change.after < 0.1  # killed: a window that begins within the reach


def test_of_a_hand_that_nobody_sees_nothing_is_known():
    watcher, _ = watched(*over(2, 3, [(1, NEAR, (RED, RED))]))
    assert watcher.change(reach()).after == 0.5
    assert watcher.change(reach(track=7)) == HandChange(0.5, 0.5)


def test_no_probability_is_surer_than_it_may_be():
    watcher, _ = watched(*over(2, 6, [(1, NEAR, (RED, BLUE))]), settings=HandSettings(counts=50, most_surely=0.9))
    assert watcher.change(reach()).before == 0.9
    assert watcher.change(reach(hand=1)).after == pytest.approx(0.1)


def test_only_hands_near_a_shelf_or_near_somebody_are_looked_at():
    _, alone = watched((1.0, [(1, FAR, (RED, BLUE))]))
    assert alone.shown == [0]
    _, near = watched((1.0, [(1, NEAR, (RED, BLUE))]))
    assert near.shown == [4]
    _, together = watched((1.0, [(1, FAR, (RED, BLUE)), (2, (2.3, 1.75), (RED, BLUE))]))
    assert together.shown[0] >= 3  # killed: hand-overs far from shelves


def test_nobody_s_boxes_and_unsure_joints_are_left_out():
    _, nobody = watched((1.0, [(0, NEAR, (RED, BLUE))]))
    assert nobody.shown == [0]
    _, unsure = watched((1.0, [(1, NEAR, (RED, BLUE))]), confidence=(0.9, 0.1))
    assert unsure.shown == [2]


def test_a_moment_costs_no_more_than_is_allowed_and_the_best_views_come_first():
    people = [(track, (1.4 + 0.3 * track, 0.9), (RED, BLUE)) for track in (1, 2, 3)]
    _, reader = watched((1.0, people), settings=HandSettings(most=7))
    assert reader.shown == [7]
    watcher, reader = watched((1.0, people), settings=HandSettings(each=1))
    assert reader.shown == [6]  # one camera for each of six hands
    assert all(len(watcher.readings(track, hand, 0, 2)) == 1 for track in (1, 2, 3) for hand in (0, 1))


def test_memory_is_bounded_and_people_are_forgotten():
    settings = HandSettings(keep_s=2.0)
    watcher, _ = watched(
        *over(0, 9, [(1, NEAR, (RED, BLUE))]), *over(9, 12, [(2, NEAR, (RED, BLUE))]), settings=settings
    )
    assert watcher.readings(1, 0, 0, 20) == []
    assert len(watcher.readings(2, 0, 0, 20)) <= 2 * 11
    watcher.reset()
    assert watcher.readings(2, 0, 0, 20) == []


def test_cameras_are_added_and_a_camera_s_looks_are_a_mean_weighed_by_how_surely_it_saw():
    one = [Reading(1.0, 0, 2.0, 1.0), Reading(1.2, 0, -1.0, 0.5)]
    assert summed(one) == pytest.approx(1.0)  # (2 - .5) / 1.5, killed: a sum over time, which counts a look twice
    both = [*one, Reading(1.1, 1, 3.0, 0.5)]
    assert summed(both) == pytest.approx(1.0 + 0.5 * 3.0)  # killed: a camera that hardly sees counts as much
    assert summed([]) is None


def test_distances_to_the_fronts_of_slots():
    fronts = np.array([[[0.0, 0.0], [2.0, 0.0]], [[5.0, 0.0], [5.0, 1.0]]])
    found = distance_to_fronts(np.array([[1.0, 1.5], [-3.0, 4.0], [4.0, 0.5]]), fronts)
    assert found == pytest.approx([1.5, 5.0, 1.0])
    assert np.isinf(distance_to_fronts(np.zeros((2, 2)), np.zeros((0, 2, 2)))).all()


def test_a_camera_that_is_not_ours_or_knows_no_joints_is_passed_over():
    scene = moment(1.0, [(1, NEAR, (RED, BLUE))])
    left = scene.pictures["left"]
    bare = SeenPicture(1.0, left.image, Detections(left.people.xyxy, left.people.confidence), left.owner)
    reader = Colour()
    watcher = HandWatcher(reader, CAMERAS, SLOTS)
    watcher.update(ShopMoment(1.0, {"left": bare, "elsewhere": left, "right": scene.pictures["right"]}, scene.tracks))
    assert reader.shown == [2]


def sights(*wrists):
    """Sights of one track's hands: (hand, x, y), 100 pixels a metre."""
    hand, x, y = np.array(wrists, np.float64).T
    n = len(hand)
    wrist = np.column_stack([x, y])
    ones, numbers = np.ones(n), np.arange(n)
    return Sight(np.ones(n, np.int64), hand.astype(np.int64), numbers, wrist, wrist + 20, ones, 100 * ones, ones)


def sides(found, expected):
    sight, row = agreed(found, np.zeros(len(found.hand), np.int64), expected, 0.35)
    assert len(row) == len(sight.hand)
    return sight.look.tolist(), sight.hand.tolist()


def test_a_wrist_that_is_seen_where_the_other_hand_is_is_the_other_hand_s():
    expected = np.array([[[100.0, 50.0], [180.0, 50.0]]])
    found = sights((0, 110, 50), (0, 175, 55), (1, 101, 50), (1, 300, 50))
    # Killed: left and right as the joints network said; a wrist that is nobody's kept.
    assert sides(found, expected) == ([0, 1, 2], [0, 1, 0])


def test_hands_close_together_keep_their_sides_and_so_do_those_that_are_not_known():
    close = np.array([[[100.0, 50.0], [120.0, 50.0]]])
    assert sides(sights((0, 118, 50), (1, 102, 50)), close)[1] == [0, 1]
    unknown = np.full((1, 2, 2), np.nan)
    assert sides(sights((0, 5, 5), (1, 300, 9)), unknown)[1] == [0, 1]
    half = np.array([[[100.0, 50.0], [np.nan, np.nan]]])
    assert sides(sights((0, 200, 50), (1, 300, 9)), half)[1] == [1]


def test_a_hand_is_cut_out_where_all_cameras_see_it_and_one_that_errs_counts_less():
    found = sights((0, 100, 50), (0, 100, 50), (0, 100, 50))
    wrist = np.array([[100.0, 50.0], [115.0, 50.0], [np.nan, np.nan]])
    there = moved(found, wrist, wrist + np.array([0.0, 30.0]))
    assert there.wrist.tolist() == [[100, 50], [115, 50], [100, 50]]
    assert there.elbow.tolist() == [[100, 80], [115, 80], [120, 70]]  # killed: an elbow that is not known
    assert there.weight == pytest.approx([1.0, np.exp(-0.5), 1.0])
    assert moved(found, wrist, np.full((3, 2), np.nan)).wrist.tolist() == [[100, 50]] * 3


def arms(time_s, x, track=1):
    """Hands of somebody before the shelf, the left at ``x``; the right one is not known."""
    wrist = np.array([[[x, 0.7, 1.1], [np.nan] * 3]])
    none = np.zeros((1, 2, 3, 3)), np.zeros((1, 2, 2), np.bool_)
    return Hands(time_s, np.array([track]), np.array([NEAR]), wrist, wrist + np.array([0.0, 0.2, 0.1]), wrist, *none)


def test_arms_move_evenly_between_two_times_and_are_not_known_of_others():
    both = [arms(1.0, 2.0), arms(1.2, 2.4)]
    wrist, elbow = arms_at(both, 1.1, np.array([1, 5]))
    assert wrist[0, 0] == pytest.approx([2.2, 0.7, 1.1])  # killed: where the hand is later
    assert elbow[0, 0] == pytest.approx([2.2, 0.9, 1.2])
    assert np.isnan(wrist[0, 1]).all()
    assert np.isnan(wrist[1]).all()
    assert arms_at([arms(1.0, 2.0, track=5), both[1]], 1.1, np.array([1]))[0][0, 0, 0] == 2.4
    assert np.isnan(arms_at([], 1.0, np.array([1]))[0]).all()


def test_pictures_wait_until_the_arms_of_their_time_are_known():
    reader = Colour()
    watcher = HandWatcher(reader, CAMERAS, SLOTS, PLAIN)
    scene = [(1, NEAR, (RED, GREY))]
    # The arms come .2 s late, at the left wrist, 10 cm from where the cameras' own joints are.
    for time_s in (1.0, 1.2, 1.4):
        watcher.update(moment(time_s, scene), arms(time_s - 0.2, 1.9))
    assert reader.shown == [0, 4, 4]  # killed: pictures of now with arms of before, or read again
    assert {each.time_s for each in watcher.readings(1, 0, 0, 2)} == {1.0, 1.2}
    assert {round(each.weight, 3) for each in watcher.readings(1, 0, 0, 2)} != {round(0.9**1.5, 3)}
    for time_s in np.arange(2.0, 9.0, 0.2):
        watcher.update(moment(float(time_s), scene), arms(1.3, 1.9))
    assert len(watcher._waiting) <= 4 * len(CAMERAS)  # arms that no longer come do not fill the memory
