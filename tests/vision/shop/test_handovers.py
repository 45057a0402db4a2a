"""People who meet, and what their hands hold before and after."""

import numpy as np
import pytest

from tests.vision.shop.test_asking import people
from vision.shop.handovers import MeetingFinder, MeetingSettings

GIVEN = {(1, 1): (0.0, 3.5), (2, 0): (3.5, 99.0)}  # (track, hand): while it holds something
WAIT_S = MeetingSettings().after_s[1]


class Truth:
    """Knows which hands held something at which times."""

    def __init__(self, spans):
        self.spans = spans

    def held(self, track_id, hand, from_s, to_s):
        start, end = self.spans.get((track_id, hand), (0.0, 0.0))
        return 0.95 if start <= from_s and to_s <= end else 0.05


def played(finder, until_s=9.0, **gaps):
    """Track 1 stands; each other is so far from it at each of its times. What is told, with the times of telling."""
    told = []
    for time_s in np.arange(0.0, until_s, 0.2).tolist():
        there = {name: (1.0 + gap(time_s), 1.0) for name, gap in gaps.items()}
        told += [(time_s, each) for each in finder.update(people(time_s, **there, t1=(1.0, 1.0)).tracks, time_s)]
    return told


def near(time_s):
    """From 3 s to 4 s within a metre, nearest at 3.6 s."""
    return 0.4 + abs(time_s - 3.6) if 2.99 < time_s < 4.01 else 2.0


def test_who_meets_and_what_each_hand_held_before_and_after():
    ((told_s, met),) = played(MeetingFinder(Truth(GIVEN)), t2=near)
    assert met.tracks == (1, 2)  # whoever comes first in the arrays
    assert (met.start_s, met.end_s, met.at_s) == pytest.approx(
        (3.0, 4.0, 3.6)
    )  # killed: the first moment for the nearest
    assert met.before == ((0.05, 0.95), (0.05, 0.05))  # killed: one's hands for the other's, left for right
    assert met.after == ((0.05, 0.05), (0.95, 0.05))
    assert (
        WAIT_S - 1e-6 <= told_s - met.end_s < WAIT_S + 0.3
    )  # killed: judged before the hands could be seen afterwards


def test_people_who_pass_at_a_distance_do_not_meet():
    assert played(MeetingFinder(Truth(GIVEN)), t2=lambda time_s: near(time_s) + 0.7) == []


def test_who_steps_apart_for_a_moment_meets_once_and_who_comes_back_later_twice():
    def again(apart_s):
        return lambda time_s: near(time_s) if time_s < 4.1 else near(time_s - 1.0 - apart_s)

    assert [met.end_s for _, met in played(MeetingFinder(Truth({})), 12.0, t2=again(WAIT_S - 0.6))] == [
        pytest.approx(4.0 + 1.0 + WAIT_S - 0.6)
    ]
    assert len(played(MeetingFinder(Truth({})), 12.0, t2=again(WAIT_S + 0.6))) == 2


def test_of_three_each_two_meet():
    met = [each.tracks for _, each in played(MeetingFinder(Truth({})), t3=lambda time_s: -near(time_s), t2=near)]
    assert sorted(met) == [(1, 2), (1, 3), (2, 3)]


def test_nothing_is_left_of_meetings_that_are_over():
    finder = MeetingFinder(Truth(GIVEN))
    assert len(played(finder, t2=near)) == 1
    nobody = people(9.0).tracks
    assert finder.update(nobody, 30.0) == []
    played(finder, 4.0, t2=near)
    finder.reset()
    assert finder.update(nobody, 30.0) == []
