import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.layout import Plate
from vision.shop.evidence import PlateStep
from vision.shop.plates import PlateSettings, PlateWatcher

START = 1_767_254_400.0
HZ = 10.0


def readings(changes, until_s=20.0, *, level=5000.0, noise=1.5, seed=0, presses=(), hz=HZ):
    """Times and grams of a plate on which ``changes`` (seconds, grams) happen and hands press (from, to, grams)."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, until_s, 1 / hz)
    load = level + sum((grams * (times >= at) for at, grams in changes), np.zeros(len(times)))
    for start, end, grams in presses:
        load = load + grams * ((times >= start) & (times < end))
    keep = np.exp(-1 / (hz * 0.15))
    settled = np.empty_like(load)
    settled[0] = load[0]
    for i in range(1, len(load)):
        settled[i] = keep * settled[i - 1] + (1 - keep) * load[i]
    drift = np.cumsum(rng.normal(0, 3.0 / np.sqrt(3600 * hz), len(load)))
    return START + times, np.round(settled + drift + rng.normal(0, noise, len(load)))


def steps_of(times, grams, size=3, plates=(), watcher=None) -> list[PlateStep]:
    watcher = watcher or PlateWatcher(plates)
    found = []
    for at in range(0, len(times), size):
        found += watcher.update("p", times[at : at + size], grams[at : at + size])
    return found


def test_one_step_for_one_settled_change_of_the_right_grams_and_time():
    (step,) = steps_of(*readings([(8.0, -482.0)]))
    assert abs(step.grams + 482) < 5 * step.sigma_g
    assert step.sigma_g < 3
    assert START + 7.7 <= step.start_s <= START + 8.0 <= step.end_s <= START + 9.3


def test_what_is_put_back_is_a_step_up():
    taken, put = steps_of(*readings([(5.0, -300.0), (12.0, 300.0)]))
    assert taken.grams < 0 < put.grams
    assert abs(put.grams - 300) < 5 * put.sigma_g


@pytest.mark.parametrize(("apart_s", "expected"), [(2.0, [-400, -250]), (0.3, [-650])])
def test_changes_with_a_plateau_between_them_are_separate_else_one_of_the_sum(apart_s, expected):
    found = steps_of(*readings([(8.0, -400.0), (8.0 + apart_s, -250.0)]))
    assert [round(step.grams / 10) * 10 for step in found] == expected


def test_a_hand_that_rests_is_no_step_and_does_not_count_in_the_one_that_follows():
    (step,) = steps_of(*readings([(12.0, -150.0)], presses=[(8.0, 12.0, 45.0)]))
    assert abs(step.grams + 150) < 5 * step.sigma_g
    assert step.start_s > START + 11


def test_drift_spikes_and_gaps_are_no_steps():
    times, grams = readings([], 600.0, seed=3)
    grams = grams + np.linspace(0, 30, len(grams))
    grams[[500, 2000, 2001]] += 900
    keep = (times < START + 300) | (times > START + 340)
    assert steps_of(times[keep], grams[keep]) == []


def test_a_change_within_a_gap_is_between_its_ends():
    times, grams = readings([(10.0, -500.0)])
    keep = (times < START + 9) | (times > START + 13)
    (step,) = steps_of(times[keep], grams[keep])
    assert START + 8.5 <= step.start_s <= START + 9
    assert START + 13 <= step.end_s <= START + 13.5


def test_readings_that_come_twice_or_out_of_order_or_are_no_numbers_are_counted():
    times, grams = readings([(8.0, -482.0)])
    whole = steps_of(times, grams)
    watcher = PlateWatcher()
    broken_times, broken = np.insert(times, [50, 90], [times[49], times[30]]), np.insert(grams, [50, 90], [0.0, 9000.0])
    broken_times, broken = np.append(broken_times, times[-1] + 0.1), np.append(broken, np.nan)
    assert steps_of(broken_times, broken, watcher=watcher) == whole
    assert watcher.dropped == 3


def test_sigma_is_honest():
    off = []
    for seed in range(150):
        found = steps_of(*readings([(6.0, -482.0), (12.0, 360.0)], 16.0, seed=seed))
        off += [(step.grams - (-482 if step.grams < 0 else 360)) / step.sigma_g for step in found]
    off = np.abs(off)
    assert len(off) == 300
    assert 0.5 < np.mean(off < 1) < 0.8
    assert np.mean(off < 2) > 0.88
    assert np.mean(off < 4) > 0.99


def test_a_noisy_plate_says_so_and_is_believed_less():
    plate = Plate(name="p", noise_g=15.0)
    (step,) = steps_of(*readings([(8.0, -900.0)], noise=15.0), plates=[plate])
    assert step.sigma_g > 6
    assert abs(step.grams + 900) < 4 * step.sigma_g


def test_told_until_is_the_end_of_the_last_plateau():
    times, grams = readings([(8.0, -482.0)])
    watcher = PlateWatcher()
    before = times < START + 8.4
    watcher.update("p", times[before], grams[before])
    assert watcher.told_until()["p"] <= START + 8.0
    watcher.update("p", times[~before], grams[~before])
    assert watcher.told_until()["p"] > START + 19


def test_memory_does_not_grow_with_readings_or_rate():
    watcher = PlateWatcher()
    times, grams = readings([], 30.0, hz=500.0)
    watcher.update("p", times, grams)
    (state,) = watcher._states.values()
    assert len(state.recent) < 40


def test_reset_forgets():
    times, grams = readings([(8.0, -482.0)])
    watcher = PlateWatcher()
    whole = steps_of(times, grams, watcher=watcher)
    watcher.reset()
    assert watcher.told_until() == {}
    assert steps_of(times, grams, watcher=watcher) == whole


def test_shapes_and_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"one shape \(n,\), got \(2,\) and \(3,\)"):
        PlateWatcher().update("p", np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="smallest_g must be more than 0, found -1"):
        PlateSettings(smallest_g=-1.0)
    with pytest.raises(ValueError, match="four times fastest_s"):
        PlateSettings(fastest_s=0.2)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(2.0, 6.0), st.sampled_from([-900.0, -482.0, -130.0, 133.0, 700.0])), max_size=5),
    st.integers(1, 40),
    st.integers(0, 1000),
)
def test_steps_add_up_to_what_is_gone_however_readings_are_cut(waits, size, seed):
    at = np.cumsum([wait for wait, _ in waits])
    changes = [(3 + float(t), grams) for t, (_, grams) in zip(at, waits, strict=True)]
    times, grams = readings(changes, 8.0 + (float(at[-1]) if waits else 0.0), seed=seed)
    found = steps_of(times, grams, size)
    assert len(found) == len(changes)
    assert sum(step.grams for step in found) == pytest.approx(sum(g for _, g in changes), abs=15)
    assert found == steps_of(times, grams, len(times))
