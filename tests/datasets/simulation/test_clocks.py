import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.simulation.sensors.clocks import MOST_OFFSET_S, camera_clock
from datasets.simulation.timeline import CameraOutage


@settings(max_examples=60)
@given(
    seed=st.integers(0, 99),
    camera=st.sampled_from(["a", "b", "door-in"]),
    rate_hz=st.sampled_from([2.0, 10.0, 25.0, 60.0]),
    duration_s=st.floats(0.5, 60.0),
)
def test_frames_keep_their_order_and_their_pace(seed, camera, rate_hz, duration_s):
    clock = camera_clock(seed, camera, rate_hz, duration_s)
    assert abs(len(clock) - duration_s * rate_hz) <= 1
    assert abs(clock.offset_s) <= MOST_OFFSET_S
    assert clock.time_s[0] >= 0
    assert clock.time_s[-1] <= duration_s
    assert (np.diff(clock.time_s) > 0.25 / rate_hz).all()
    assert (np.diff(clock.stamped_s) > 0.25 / rate_hz).all()
    stamping = clock.stamped_s - clock.time_s - clock.offset_s
    assert np.abs(stamping).max() < 0.01
    again = camera_clock(seed, camera, rate_hz, duration_s)
    assert again.stamped_s.tobytes() == clock.stamped_s.tobytes()


def test_cameras_and_seeds_differ_and_a_longer_run_begins_alike():
    clock = camera_clock(1, "a", 10.0, 60.0)
    offsets = {camera_clock(seed, camera, 10.0, 1.0).offset_s for seed in range(10) for camera in "ab"}
    assert len(offsets) == 20
    assert min(offsets) < -0.1
    assert max(offsets) > 0.1
    longer = camera_clock(1, "a", 10.0, 90.0)
    np.testing.assert_array_equal(longer.time_s[:590], clock.time_s[:590])
    np.testing.assert_array_equal(longer.kept[:590], clock.kept[:590])
    assert 0.001 < np.std(np.diff(clock.time_s)) < 0.01


def test_about_half_a_percent_is_lost():
    lost = [1 - camera_clock(seed, "a", 25.0, 400.0).kept.mean() for seed in range(40)]
    assert 0.003 < np.mean(lost) < 0.007
    assert max(lost) < 0.015


def test_an_outage_takes_this_cameras_frames():
    outages = [CameraOutage("a", 2.0, 5.0)]
    clock = camera_clock(0, "a", 10.0, 10.0, outages)
    during = (clock.time_s >= 2.0) & (clock.time_s < 5.0)
    assert during.sum() >= 28
    assert not clock.kept[during].any()
    assert clock.kept[~during].mean() > 0.9
    assert camera_clock(0, "b", 10.0, 10.0, outages).kept.mean() > 0.9
