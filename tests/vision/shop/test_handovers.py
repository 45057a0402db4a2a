"""People who meet, and what went from one's hand into the other's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.vision.shop.test_asking import people
from vision.shop.evidence import Reach
from vision.shop.handovers import HandOverFinder, HandOverSettings, given

CHANCE = st.floats(0.01, 0.99)
CHANCES = st.lists(CHANCE, min_size=4, max_size=4).map(lambda found: np.array(found).reshape(2, 2))
SELDOM = np.full(2, 0.06)


class Truth:
    """Knows who held something at which times: (track, hand) to spans."""

    def __init__(self, spans, sure=0.95):
        self.spans, self.sure = spans, sure

    def held(self, track_id, hand, from_s, to_s):
        middle = (from_s + to_s) / 2
        holds = any(start <= middle < end for start, end in self.spans.get((track_id, hand), ()))
        return self.sure if holds else 1 - self.sure


def played(finder, apart=0.6, end_s=8.0, met=(3.0, 4.0), reaches=()):
    """Two people come within ``apart`` metres while they meet; what is told, with the times of telling."""
    told = []
    for time_s in np.arange(0.0, end_s, 0.2).tolist():
        gap = apart if met[0] <= time_s <= met[1] else 2.0
        tracks = people(time_s, t1=(1.0, 1.0), t2=(1.0 + gap, 1.0)).tracks
        told += [(time_s, each) for each in finder.update(tracks, time_s, reaches)]
    return told


GIVEN = {(1, 1): [(0, 3.5)], (2, 0): [(3.5, 99)]}


def test_what_one_held_before_and_the_other_holds_afterwards_was_handed_over():
    ((when, over),) = played(HandOverFinder(Truth(GIVEN)))
    assert (over.from_track, over.to_track) == (1, 2)
    assert over.probability > 0.8
    assert 3.0 <= over.time_s <= 4.0
    assert 6.0 < when < 6.8  # killed: judged before the hands could be seen afterwards


def test_the_giver_is_who_held_it():
    back = {(1, 1): [(3.5, 99)], (2, 0): [(0, 3.5)]}
    ((_, over),) = played(HandOverFinder(Truth(back)))
    assert (over.from_track, over.to_track) == (2, 1)


@pytest.mark.parametrize(
    "spans", [{}, {(1, 1): [(0, 99)]}, {(1, 1): [(0, 99)], (2, 0): [(0, 99)]}, {(1, 1): [(0, 3.5)]}]
)
def test_who_meets_and_keeps_what_they_have_hands_nothing_over(spans):
    assert played(HandOverFinder(Truth(spans))) == []


def test_people_who_do_not_meet_hand_nothing_over():
    assert played(HandOverFinder(Truth(GIVEN)), apart=1.2) == []


def test_a_reach_into_a_shelf_meanwhile_may_be_why_a_hand_is_empty():
    def reach(track, at_s):
        return Reach(track, 1, at_s - 0.4, at_s + 0.4, at_s, (0, 0, 1), (1.0, 1.0), {"a": 0.9})

    ((_, alone),) = played(HandOverFinder(Truth(GIVEN)))
    ((_, later),) = played(HandOverFinder(Truth(GIVEN)), reaches=[reach(1, 20.0), reach(9, 3.5)])
    assert later.probability == pytest.approx(alone.probability)  # killed: reaches of others, or long after
    both = played(HandOverFinder(Truth(GIVEN), HandOverSettings(least=0.01)), reaches=[reach(1, 3.2), reach(2, 3.8)])
    assert both[0][1].probability < alone.probability - 0.3


def test_nothing_is_left_of_meetings_that_are_over():
    finder = HandOverFinder(Truth(GIVEN))
    assert len(played(finder)) == 1
    nobody = people(8.0).tracks
    assert finder.update(nobody, 30.0) == []
    played(finder, end_s=4.0)
    finder.reset()
    assert finder.update(nobody, 30.0) == []


@drawn(CHANCES, CHANCES, st.floats(0.05, 0.8))
def test_probabilities_add_up_and_exchanging_the_people_exchanges_them(before, after, usual):
    there, back = given(before, after, SELDOM, usual)
    assert 0 <= there + back <= 1 + 1e-9
    assert given(before[::-1], after[::-1], SELDOM, usual) == pytest.approx((back, there))
    assert given(before[:, ::-1], after, SELDOM, usual) == pytest.approx(given(before, after[:, ::-1], SELDOM, usual))


def test_of_hands_that_nobody_saw_only_what_is_usual_is_known():
    half = np.full((2, 2), 0.5)
    there, back = given(half, half, SELDOM, 0.2)
    assert there == back == pytest.approx(0.1)
    assert played(HandOverFinder(Truth({}, sure=0.5), HandOverSettings(usual=0.2))) == []
