"""Looks of one camera against looks of before: pure functions, and who is who after people met."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.floor.rooms import corners, scene, walk
from training.evaluate.floor import follow
from training.evaluate.floor_metrics import Paths, score_floor
from training.evaluate.floor_noise import noisy_detections, true_detections
from vision.detections import Detections
from vision.floor import FloorTracker
from vision.floor.looks import clear, described, remembered, speaks

CAMERAS = corners(4)
DIMS = 32


def coats(people, seed=0):
    """What each of ``people`` looks like in each camera, (people, cameras, DIMS): cosines of .6 with one another."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(len(CAMERAS), DIMS))
    own = rng.normal(size=(people, len(CAMERAS), DIMS))
    mixed = np.sqrt(0.6) * common / np.linalg.norm(common, axis=-1, keepdims=True)
    mixed = mixed + np.sqrt(0.4) * own / np.linalg.norm(own, axis=-1, keepdims=True)
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def test_looks_of_one_speak_for_one_and_of_two_for_two():
    one, other = coats(2)
    assert (speaks(one, one) > 2).all()
    assert (speaks(one, other) < -1).all()
    assert speaks(one, other) == pytest.approx(speaks(other, one))
    assert speaks(one, 7 * one) == pytest.approx(speaks(one, one))  # however often it was seen
    assert (speaks(one, np.zeros_like(one)) == 0).all()
    assert speaks(np.zeros((3, 1, 4, 0)), np.zeros((1, 2, 4, 0))).tolist() == np.zeros((3, 2, 4)).tolist()


@settings(max_examples=30)
@given(st.integers(0, 999), st.floats(0.1, 1.0))
def test_what_is_remembered_fades_where_a_camera_sees_more_and_stays_where_it_does_not(seed, share):
    rng = np.random.default_rng(seed)
    before, now = rng.random((2, 3, 4, DIMS))
    unseen = rng.random((3, 4)) < 0.5
    now[unseen] = 0.0
    found = remembered(before, now, share)
    np.testing.assert_array_equal(found[unseen], before[unseen])
    np.testing.assert_allclose(found[~unseen], (share * before + now)[~unseen])


def test_who_stands_behind_somebody_is_not_clear():
    boxes = np.array([[0, 0, 10, 20], [5, 2, 15, 24], [40, 0, 50, 20], [41, 18, 49, 30]], np.float32)
    assert clear(boxes).tolist() == [False, True, True, True]
    assert clear(boxes[:0]).tolist() == []


def test_people_are_described_by_colours_and_vest():
    image = np.full((100, 100, 3), (40, 230, 220), np.uint8)
    people = Detections(np.array([[10, 10, 40, 90]], np.float32), np.ones(1, np.float32))
    assert described(image, people, None).vest is None
    found = described(image, people, (220, 230, 40))
    assert found.vest.tolist() == [1.0]
    assert found.embedding.shape[0] == 1
    known = replace(people, embedding=np.ones((1, 3), np.float32))
    assert described(image, known, None).embedding is known.embedding


def dressed(room, boxes, coat, rng=None):
    """The boxes of true people with what they look like; of boxes that are nobody's, with anything."""
    for t, seen in enumerate(boxes):
        told = {}
        for camera, name in enumerate(c.camera for c in CAMERAS):
            if name not in seen:
                continue
            rows = np.flatnonzero((room.box_camera == camera) & (room.frame[room.box_row] == t))
            middle = (room.xyxy[rows, :2] + room.xyxy[rows, 2:]) / 2
            mine = (seen[name].xyxy[:, :2] + seen[name].xyxy[:, 2:]) / 2
            apart = np.linalg.norm(mine[:, None] - middle[None], axis=2)
            person = room.person[room.box_row[rows]][apart.argmin(axis=1)] if len(rows) else np.zeros(len(mine), int)
            looks = coat[person, camera] + (0 if rng is None else rng.normal(0, 0.05, (len(mine), DIMS)))
            told[name] = replace(seen[name], embedding=looks.astype(np.float32))
        yield told


def met(side):
    """Two walk to one another, stand shoulder to shoulder, and go on; ``side`` 1 as they came, -1 back."""
    near = 0.12
    first = np.concatenate(
        [walk((-3, 0), (-near, 0), 15), np.tile((-near, 0.0), (12, 1)), walk((-near, 0), (3 * side, 1), 15)]
    )
    return scene(CAMERAS, np.stack([first, first * [-1, 1]]))


@pytest.mark.parametrize("side", [1, -1])
def test_who_is_who_after_two_met_is_told_by_their_looks(side):
    room, wrong = met(side), 0
    for seed in range(6):
        boxes = list(dressed(room, noisy_detections(room, seed), coats(2, seed), np.random.default_rng(seed)))
        moments = follow(room, boxes).moments
        tracks = Paths.joined([(t, m.tracks.track_id, m.tracks.xy) for t, m in enumerate(moments)])
        found = score_floor(Paths(room.frame, room.person, room.xy_m), tracks, len(room.time_s))
        wrong += found.idf1 < 0.8
    assert wrong == 0  # killed: looks are not compared, or another camera's


def test_without_looks_and_with_looks_that_are_all_alike_it_is_the_same():
    room = met(1)
    plain = list(noisy_detections(room, 1))
    alike = [
        {name: replace(d, embedding=np.zeros((len(d), DIMS), np.float32)) for name, d in each.items()} for each in plain
    ]
    for a, b in zip(follow(room, plain).moments, follow(room, alike).moments, strict=True):
        np.testing.assert_array_equal(a.tracks.track_id, b.tracks.track_id)
        np.testing.assert_array_equal(a.tracks.xy, b.tracks.xy)


def test_vectors_may_begin_later_but_keep_their_length():
    room = scene(CAMERAS, walk((-2, 0), (2, 0), 20)[None])
    tracker = FloorTracker(CAMERAS)
    boxes = list(true_detections(room))
    moments = []
    for t, each in enumerate([boxes[0], {}, *dressed(room, boxes, coats(1)), {}]):
        tracker.update(t / 5.0, each)
        moments += tracker.settled
    moments += tracker.finish()
    assert {number for moment in moments for number in moment.tracks.track_id.tolist()} == {1}
    longer = {"c0": Detections(boxes[0]["c0"].xyxy, boxes[0]["c0"].confidence, None, np.ones((1, 5), np.float32))}
    with pytest.raises(ValueError, match="must have the length 32 as before, got 5"):
        tracker.update(10.0, longer)
    both = {name: replace(longer["c0"], embedding=np.ones((1, n), np.float32)) for name, n in (("c0", 5), ("c1", 6))}
    with pytest.raises(ValueError, match="must have one length"):
        FloorTracker(CAMERAS).update(0.0, both)
