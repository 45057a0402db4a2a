"""Hands that meet, and what went from one into the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from vision.shop.handovers import HandOverFinder, HandOverSettings, given
from vision.shop.wrists import Hands

CHANCE = st.floats(0.01, 0.99)


class Truth:
    """Knows who held something at which times: (track, hand) to spans."""

    def __init__(self, spans, sure=0.9):
        self.spans, self.sure = spans, sure

    def held(self, track_id, hand, from_s, to_s):
        middle = (from_s + to_s) / 2
        holds = any(start <= middle < end for start, end in self.spans.get((track_id, hand), ()))
        return self.sure if holds else 1 - self.sure


def hands(time_s, wrists):
    """``wrists`` maps (track, hand) to a place."""
    tracks = sorted({track for track, _ in wrists})
    place = np.full((len(tracks), 2, 3), np.nan)
    for (track, hand), xyz in wrists.items():
        place[tracks.index(track), hand] = xyz
    n = len(tracks)
    return Hands(
        time_s,
        np.array(tracks, np.int64),
        np.zeros((n, 2)),
        place,
        place,
        place,
        np.zeros((n, 2, 3, 3)),
        np.zeros((n, 2, 0), np.bool_),
    )


def played(finder, apart, start_s=0.0, end_s=8.0, met=(3.0, 4.0), pair=((1, 1), (2, 0))):
    """Two hands come within ``apart`` metres while they meet; what is told, with the times of telling."""
    told = []
    for time_s in np.arange(start_s, end_s, 0.2):
        gap = apart if met[0] <= time_s <= met[1] else 1.5
        places = {pair[0]: (1.0, 1.0, 1.1), pair[1]: (1.0 + gap, 1.0, 1.1)}
        told += [(float(time_s), each) for each in finder.update(hands(float(time_s), places), float(time_s) + 0.2)]
    return told


GIVEN = {(1, 1): [(0, 3.5)], (2, 0): [(3.5, 99)]}


def test_what_one_held_before_and_the_other_holds_afterwards_was_handed_over_once():
    told = played(HandOverFinder(Truth(GIVEN)), 0.25)
    ((when, over),) = told
    assert (over.from_track, over.to_track) == (1, 2)
    assert over.probability > 0.9
    assert 3.0 <= over.time_s <= 4.0
    assert 5.0 < when < 6.5  # killed: judged before the hands could be seen afterwards


def test_the_giver_is_who_held_it():
    back = {(1, 1): [(3.5, 99)], (2, 0): [(0, 3.5)]}
    ((_, over),) = played(HandOverFinder(Truth(back)), 0.25)
    assert (over.from_track, over.to_track) == (2, 1)


@pytest.mark.parametrize(
    "spans", [{}, {(1, 1): [(0, 99)]}, {(1, 1): [(0, 99)], (2, 0): [(0, 99)]}, {(1, 1): [(0, 3.5)]}]
)
def test_hands_that_meet_and_keep_what_they_have_are_no_hand_over(spans):
    assert played(HandOverFinder(Truth(spans)), 0.25) == []


def test_hands_that_do_not_meet_hand_nothing_over():
    assert played(HandOverFinder(Truth(GIVEN)), 0.7) == []


def test_one_hand_over_seen_at_several_hands_is_told_once_at_the_likeliest():
    finder = HandOverFinder(Truth({**GIVEN, (2, 1): [(3.9, 99)]}, sure=0.85))
    told = []
    for time_s in np.arange(0, 8, 0.2):
        gap = 0.2 if 3 <= time_s <= 4 else 1.5
        places = {(1, 1): (1, 1, 1.1), (2, 0): (1 + gap, 1, 1.1), (2, 1): (1 + gap, 1.1, 1.1)}
        told += finder.update(hands(float(time_s), places), float(time_s))
    assert len(told) == 1  # killed: one for each pair of hands


def test_nothing_is_left_of_meetings_that_are_over():
    finder = HandOverFinder(Truth(GIVEN))
    played(finder, 0.25)
    assert finder.update(hands(8.0, {}), 30.0) == []
    played(finder, 0.25, end_s=4.0)
    finder.reset()
    assert finder.update(hands(8.0, {}), 30.0) == []


@drawn(CHANCE, CHANCE, CHANCE, CHANCE, st.floats(0.05, 0.8))
def test_probabilities_add_up_and_exchanging_the_hands_exchanges_them(a, b, c, d, usual):
    there, back = given([a, b], [c, d], usual)
    assert 0 <= there + back <= 1 + 1e-9
    assert given([b, a], [d, c], usual) == pytest.approx((back, there))
    surer, _ = given([max(a, 0.99), b], [c, d], usual)
    assert surer >= there - 1e-9 or a > 0.99


def test_of_hands_that_nobody_saw_only_what_is_usual_is_known():
    there, back = given([0.5, 0.5], [0.5, 0.5], 0.2)
    assert there == back == pytest.approx(0.5 * 0.2 * 0.0625 / (0.2 * 0.0625 + 0.8 * 0.0625))
    settings = HandOverSettings(usual=0.2)
    told = HandOverFinder(Truth({}, sure=0.5), settings)
    assert played(told, 0.2) == []
