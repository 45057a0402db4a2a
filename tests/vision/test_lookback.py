import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.detections import Detections
from vision.lookback import Lookback, Moment
from vision.tracking import PersonTracker

RATE = 10.0


def person(x: float) -> Detections:
    return Detections(np.array([[x - 20, 200, x + 20, 300]], np.float32), np.array([0.9], np.float32))


def run(frames: list[float | None], lag_s: float = 1.5) -> tuple[list[Moment], list[int]]:
    """Settled moments, and how many frames late each came."""
    tracker, lookback, settled, late = PersonTracker(RATE), Lookback(lag_s), [], []
    for index, x in enumerate(frames):
        now = tracker.update(Detections.empty() if x is None else person(x))
        due = lookback.update(now, tracker.confirmed, 100 + index / RATE, index)
        settled += due
        late += [index - moment.index for moment in due]
    return settled + lookback.finish(), late


def centres(moments: list[Moment]) -> list[float | None]:
    return [float(m.tracks.xyxy[0, [0, 2]].mean()) if len(m.tracks) else None for m in moments]


def test_a_person_is_there_from_the_first_look_on():
    moments, late = run([None, None] + [100 + 4 * k for k in range(30)])
    found = centres(moments)
    assert found[:2] == [None, None]
    assert found[2] == pytest.approx(100, abs=1)
    assert None not in found[2:]
    assert min(late) == 15
    assert max(late) <= 21


def test_a_gap_is_filled_on_the_straight_line():
    path: list[float | None] = [100 + 4 * k for k in range(40)]
    path[20:26] = [None] * 6
    found = centres(run(path)[0])
    assert found[19:27] == pytest.approx([100 + 4 * k for k in range(19, 27)], abs=3)


def test_a_gap_longer_than_the_lag_stays_open():
    path: list[float | None] = [200.0] * 15 + [None] * 18 + [200.0] * 15
    moments, _ = run(path, lag_s=0.5)
    found = centres(moments)
    assert found[16:32] == [None] * 16
    assert {int(i) for m in moments for i in m.tracks.track_id} == {1}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sampled_from([0.3, 1.5]))
def test_every_frame_settles_once_in_order_with_each_id_at_most_once(there, lag_s):
    moments, _ = run([300.0 + 2 * k if here else None for k, here in enumerate(there)], lag_s)
    assert [moment.index for moment in moments] == list(range(len(there)))
    assert [moment.time_s for moment in moments] == pytest.approx([100 + k / RATE for k in range(len(there))])
    for moment in moments:
        assert len(set(moment.tracks.track_id.tolist())) == len(moment.tracks)


def test_the_jitter_of_boxes_is_smoothed_and_a_turn_is_kept():
    rng = np.random.default_rng(3)
    true = np.concatenate([100 + 4.0 * np.arange(40), 256 - 4.0 * np.arange(40)])
    found = centres(run((true + rng.normal(0, 4, 80)).tolist())[0])
    error = np.array(found) - true
    assert np.sqrt(np.mean(error**2)) < 2.7
    assert abs(np.mean(error[:3])) < 5, "the ends must not lean inwards"


def test_many_people_for_long_at_a_high_rate():
    tracker, lookback = PersonTracker(50.0), Lookback()
    low = np.stack([np.arange(70) * 60.0, np.full(70, 100.0)], axis=1).astype(np.float32)
    crowd = Detections(np.hstack([low, low + np.float32([30, 90])]), np.full(70, 0.9, np.float32))
    moments = []
    for k in range(300):
        moments += lookback.update(tracker.update(crowd), tracker.confirmed, k / 50, k)
    moments += lookback.finish()
    assert [moment.index for moment in moments] == list(range(300))
    assert {len(moment.tracks) for moment in moments} == {70}
    assert np.abs(moments[150].tracks.xyxy[np.argsort(moments[150].tracks.xyxy[:, 0]), 0] - low[:, 0]).max() < 1
