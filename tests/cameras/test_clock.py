from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.clock import FootageClock, LiveClock

calm = settings(deadline=None, derandomize=True)
NOON = 1_700_000_000.0
gaps = st.floats(0.001, 5.0)


class Machine:
    """A machine whose clocks stand where the test puts them; the wall clock is ahead of the monotonic one."""

    def __init__(self, ahead: float = NOON) -> None:
        self.time, self.ahead = 100.0, ahead
        self.clock = LiveClock(lambda: self.time, lambda: self.time + self.ahead)

    def arrive(self, pts_s: float | None, arrived: float) -> float:
        self.time = max(self.time, arrived)
        return self.clock.captured_at(pts_s, arrived)


@calm
@given(st.lists(gaps, max_size=40), st.floats(-1e4, 1e4))
def test_footage_takes_its_times_from_the_timestamps(steps: list[float], first: float) -> None:
    pts = list(itertools.accumulate(steps, initial=first))
    clock = FootageClock(NOON, 10)
    for index, at in enumerate(pts):
        assert clock.captured_at(index, at) == pytest.approx(NOON + at - first, abs=1e-5)


@calm
@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=2, max_size=40), st.integers(0, 39))
def test_footage_never_goes_back_whatever_its_timestamps(pts: list[float | None], rewound: int) -> None:
    clock = FootageClock(NOON, 25)
    times = []
    for index, at in enumerate(pts):
        if index == rewound:
            clock.rewind()
        times.append(clock.captured_at(index, at))
    assert times[0] == NOON
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_a_splice_goes_on_one_frame_later_and_small_disorder_moves_one_frame_only() -> None:
    clock = FootageClock(0.0, 10)
    spliced = [clock.captured_at(i, at) for i, at in enumerate([5.0, 5.1, 5.2, 0.0, 0.3])]
    assert spliced == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.6])
    clock = FootageClock(0.0, 10)
    disordered = [clock.captured_at(i, at) for i, at in enumerate([0.0, 0.2, 0.1, 0.3])]
    assert disordered == pytest.approx([0.0, 0.2, 0.201, 0.3])


def test_frames_without_timestamps_come_at_the_frame_rate() -> None:
    clock = FootageClock(7.0, 4)
    assert [clock.captured_at(i, at) for i, at in enumerate([None, None, 9.0, None])] == [7.0, 7.25, 7.5, 7.75]


def test_a_repetition_begins_when_the_last_frame_has_been_shown() -> None:
    clock = FootageClock(0.0, 10)
    times = []
    for duration_s in (2.5, None):
        times += [clock.captured_at(len(times), at) for at in (3.0, 3.5)]
        clock.rewind(duration_s)
    assert [*times, clock.captured_at(4, 0.0)] == pytest.approx([0.0, 0.5, 3.0, 3.5, 3.6])


@calm
@given(st.lists(st.tuples(st.floats(0.0, 0.2), st.floats(0.0, 0.4)), min_size=1, max_size=80))
def test_live_times_increase_and_never_lie_after_the_arrival(frames: list[tuple[float, float]]) -> None:
    machine = Machine()
    captured, arrived, last = 100.0, 100.0, float("-inf")
    for step, latency in frames:
        captured += step
        arrived = max(arrived, captured + latency)
        moment = machine.arrive(captured - 40.0, arrived)
        assert last < moment <= NOON + arrived + 1e-3
        last = moment


def test_jitter_of_arrival_does_not_show() -> None:
    machine, jitter = Machine(), random.Random(1)
    times = []
    for i in range(2500):
        captured = 200 + i / 25
        arrived = captured + 0.05 + (0.0 if i % 50 == 20 else jitter.uniform(0.0, 0.039))
        times.append(machine.arrive(i / 25, arrived))
    steps = [later - earlier for earlier, later in itertools.pairwise(times[21:])]
    assert steps == pytest.approx([1 / 25] * len(steps), abs=1e-5)
    assert times[-1] == pytest.approx(NOON + captured + 0.05, abs=1e-5)


def test_a_camera_whose_clock_runs_slow_is_followed() -> None:
    machine = Machine()
    for i in range(3600 * 5):
        moment = machine.arrive(i / 5 * (1 - 100e-6), 200 + i / 5)
    assert NOON + 200 + i / 5 - moment < 0.01


def test_what_piled_up_while_connecting_is_not_taken_for_fresh() -> None:
    machine = Machine()
    for i in range(30):
        machine.arrive(i / 25, 200 + i * 1e-4)
        assert not machine.clock.settled
    for i in range(30, 33):
        machine.arrive(i / 25, 200 + (i - 29) / 25)
    assert machine.clock.settled
    machine.clock.restart()
    assert not machine.clock.settled


def test_a_connection_settles_even_if_it_has_no_timestamps() -> None:
    machine = Machine()
    assert machine.arrive(None, 200.0) == NOON + 200
    assert not machine.clock.settled
    assert machine.arrive(None, 202.5) == NOON + 202.5
    assert machine.clock.settled


def settled_stream(machine: Machine) -> float:
    return max(machine.arrive(50 + i / 25, 200 + i / 25) for i in range(50))


def test_times_go_on_when_a_reconnection_starts_the_timestamps_anew() -> None:
    machine = Machine()
    last = settled_stream(machine)
    machine.clock.restart()
    again = [machine.arrive(i / 25, 210 + i / 25) for i in range(10)]
    assert again[0] > last
    assert again == pytest.approx([NOON + 210 + i / 25 for i in range(10)], abs=1e-5)


@pytest.mark.parametrize("jump", [-49.0, 49.0, 1e5])
def test_a_jump_of_the_timestamps_ties_the_clocks_anew(jump: float) -> None:
    machine = Machine()
    settled_stream(machine)
    times = [machine.arrive(52 + jump + i / 25, 202 + i / 25) for i in range(10)]
    assert times == pytest.approx([NOON + 202 + i / 25 for i in range(10)], abs=1e-5)
    back = [machine.arrive(52 + i / 25, 203 + i / 25) for i in range(10)]
    assert back == pytest.approx([NOON + 203 + i / 25 for i in range(10)], abs=1e-5)


def test_frames_that_were_held_up_are_as_old_as_they_are() -> None:
    machine = Machine()
    settled_stream(machine)
    late = [machine.arrive(52 + i / 25, 205 + i * 1e-3) for i in range(20)]
    assert late == pytest.approx([NOON + 202 + i / 25 for i in range(20)], abs=1e-5)
    assert machine.clock.now() - late[0] > 3


def test_a_wall_clock_set_forward_is_followed_and_one_set_back_is_not() -> None:
    machine = Machine()
    last = settled_stream(machine)
    machine.ahead += 3600
    machine.clock.now()
    forward = machine.arrive(52.0, 202.0)
    assert forward == pytest.approx(NOON + 3600 + 202, abs=1e-5)
    machine.ahead -= 7200
    assert machine.arrive(52.04, 202.04) == pytest.approx(forward + 0.04, abs=1e-5)
    assert forward > last
