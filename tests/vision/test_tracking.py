import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.detections import Detections, Tracks
from vision.tracking import PersonTracker

RATE = 10.0
RED, BLUE = np.eye(4)[0], np.eye(4)[1]


def seen(*people: tuple[float, float], looks: list[np.ndarray] | None = None, confidence: float = 0.9) -> Detections:
    """Detections of people 40 x 100 px whose feet are at these points."""
    xyxy = np.array([(x - 20, y - 100, x + 20, y) for x, y in people], np.float32).reshape(-1, 4)
    embedding = None if looks is None else np.array(looks, np.float32).reshape(len(people), 4)
    return Detections(xyxy, np.full(len(people), confidence, np.float32), embedding=embedding)


def follow(tracker: PersonTracker, frames: list[Detections]) -> list[Tracks]:
    return [tracker.update(frame) for frame in frames]


def id_at(tracks: Tracks, x: float) -> int:
    middle = (tracks.xyxy[:, 0] + tracks.xyxy[:, 2]) / 2
    return int(tracks.track_id[np.abs(middle - x).argmin()])


def walk(frames: int, start: float = 100, step: float = 5) -> list[float]:
    return [start + step * k for k in range(frames)]


def test_a_person_is_given_out_once_confirmed_and_keeps_the_id():
    tracker = PersonTracker(RATE)
    results = follow(tracker, [seen((x, 300)) for x in walk(20)])
    assert len(results[0]) == 0
    assert {tuple(tracks.track_id) for tracks in results[4:]} == {(1,)}
    assert results[-1].xyxy[0] == pytest.approx([175, 200, 215, 300], abs=3)


def test_what_was_seen_before_the_confirmation_is_told_then():
    tracker = PersonTracker(RATE)
    told = []
    for x in walk(8):
        tracker.update(seen((x, 300)))
        told += [(tracker.frame, confirmation) for confirmation in tracker.confirmed]
    ((when, confirmation),) = told
    assert confirmation.frame.tolist() == list(range(1, when))
    assert confirmation.xyxy[:, 0].tolist() == [x - 20 for x in walk(8)][: when - 1]


def test_a_flash_in_one_frame_is_nobody():
    tracker = PersonTracker(RATE)
    follow(tracker, [seen()] * 3 + [seen((200, 300), confidence=0.99)] + [seen()] * 10)
    results = follow(tracker, [seen((x, 300)) for x in walk(8)])
    assert id_at(results[-1], 135) == 1, "the flash must not have used an id"


def test_weak_detections_continue_a_track_but_start_none():
    tracker = PersonTracker(RATE)
    results = follow(tracker, [seen((x, 300)) for x in walk(8)])
    results += follow(tracker, [seen((x, 300), confidence=0.2) for x in walk(8, start=140)])
    assert [tuple(tracks.track_id) for tracks in results[-8:]] == [(1,)] * 8
    stranger = PersonTracker(RATE)
    assert not any(len(t) for t in follow(stranger, [seen((x, 300), confidence=0.2) for x in walk(20)]))


def test_two_people_who_cross_keep_their_ids_by_what_they_wear():
    tracker = PersonTracker(RATE)
    left, right = walk(40, start=100, step=5), walk(40, start=300, step=-5)
    results = []
    for a, b in zip(left, right, strict=True):
        # While they overlap only the nearer one is found.
        hidden = abs(a - b) < 40
        results.append(
            tracker.update(seen((a, 300), looks=[RED]) if hidden else seen((a, 300), (b, 296), looks=[RED, BLUE]))
        )
    before, after = results[8], results[-1]
    assert id_at(after, left[-1]) == id_at(before, left[8])
    assert id_at(after, right[-1]) == id_at(before, right[8])


@pytest.mark.parametrize(("look", "same"), [(RED, True), (BLUE, False)])
def test_someone_who_comes_out_from_behind_a_shelf_is_re_linked_by_looks(look, same):
    tracker = PersonTracker(RATE)
    follow(tracker, [seen((x, 300), looks=[RED]) for x in walk(15)])
    follow(tracker, [seen(looks=[])] * 22)
    results = follow(tracker, [seen((x, 300), looks=[look]) for x in walk(10, start=225)])
    assert (id_at(results[-1], 270) == 1) is same


@pytest.mark.parametrize(("hidden", "same"), [(16, True), (30, False)])
def test_without_looks_a_long_absence_is_not_bridged(hidden, same):
    tracker = PersonTracker(RATE)
    follow(tracker, [seen((x, 300)) for x in walk(15, step=0)])
    follow(tracker, [seen()] * hidden)
    results = follow(tracker, [seen((x, 300)) for x in walk(10, step=0)])
    assert (results[-1].track_id.tolist() == [1]) is same


def test_someone_who_left_long_ago_is_somebody_else():
    tracker = PersonTracker(RATE)
    follow(tracker, [seen((x, 300), looks=[RED]) for x in walk(15)])
    follow(tracker, [seen(looks=[])] * 200)
    results = follow(tracker, [seen((x, 300), looks=[RED]) for x in walk(10, start=170)])
    assert id_at(results[-1], 215) == 2


def test_a_second_box_on_a_person_is_no_second_person():
    tracker = PersonTracker(RATE)
    results = follow(tracker, [seen((x, 300), (x + 2, 298)) for x in walk(20)])
    assert max(len(tracks) for tracks in results) == 1


def test_the_clock_of_the_footage_counts_and_not_the_number_of_frames():
    tracker = PersonTracker(RATE)
    for k, x in enumerate(walk(15)):
        tracker.update(seen((x, 300)), 50.0 + k / RATE)
    # One frame later, but a minute later too: nobody waits that long.
    tracker.update(seen(), 111.0)
    results = [tracker.update(seen((x, 300)), 111.1 + k / RATE) for k, x in enumerate(walk(10, start=180))]
    assert id_at(results[-1], 225) == 2


def test_time_that_stands_still_is_refused():
    tracker = PersonTracker(RATE)
    tracker.update(seen(), 5.0)
    with pytest.raises(ValueError, match="advance"):
        tracker.update(seen(), 5.0)
    with pytest.raises(ValueError, match="frame_rate"):
        PersonTracker(0)


def test_state_and_ids_belong_to_the_instance():
    first, second = PersonTracker(RATE), PersonTracker(RATE)
    follow(first, [seen((x, 300), (x + 200, 300)) for x in walk(10)])
    assert follow(second, [seen((x, 300)) for x in walk(10)])[-1].track_id.tolist() == [1]
    first.reset()
    assert follow(first, [seen((x, 300)) for x in walk(10)])[-1].track_id.tolist() == [1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_detections_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    starts = rng.uniform([50, 200], [900, 600], (6, 2))
    steps = rng.normal(0, 4, (6, 2))
    straight, shuffled = PersonTracker(RATE), PersonTracker(RATE)
    for k in range(25):
        people = seen(*map(tuple, starts + steps * k))
        # Of two people in one place the surer one counts: nobody is as sure as another.
        people = Detections(people.xyxy, np.linspace(0.7, 0.95, 6, dtype=np.float32))
        a, b = straight.update(people), shuffled.update(people[rng.permutation(6)])
        assert a.xyxy[np.lexsort(a.xyxy.T)] == pytest.approx(b.xyxy[np.lexsort(b.xyxy.T)], abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_id_stands_twice_in_a_frame_and_no_track_grows_from_nothing(seed):
    rng = np.random.default_rng(seed)
    tracker = PersonTracker(RATE)
    for _ in range(30):
        n = int(rng.integers(0, 9))
        low = rng.uniform(0, 500, (n, 2))
        frame = Detections(
            np.concatenate([low, low + rng.uniform(5, 150, (n, 2))], axis=1).astype(np.float32),
            rng.random(n).astype(np.float32),
        )
        tracks = tracker.update(frame)
        assert len(set(tracks.track_id.tolist())) == len(tracks) <= n
        assert np.isfinite(tracks.xyxy).all()
