"""What went from one hand into another's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from store.events import ProductHandedOver
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    EMPTY,
    RETURNS,
    attributor,
    front,
    gtin,
    meeting,
    reach,
    run,
    settled,
    take,
)
from vision.shop.giving import chances

CHANCE = st.floats(0.01, 0.99)
HANDS = st.lists(CHANCE, min_size=4, max_size=4).map(lambda found: np.array(found).reshape(2, 2))
MOVED = st.tuples(CHANCE, CHANCE).map(np.array)
SELDOM = np.full(2, 0.06)


# -- hands


@drawn(HANDS, HANDS, MOVED, st.floats(0.05, 0.8))
def test_probabilities_add_up_and_exchanging_the_people_exchanges_them(before, after, moved, usual):
    there, back = chances(before, after, moved, usual)
    assert 0 <= there + back <= 1 + 1e-9
    assert chances(before[::-1], after[::-1], moved[::-1], usual) == pytest.approx((back, there))
    assert chances(before[:, ::-1], after[:, ::-1], moved, usual) == pytest.approx((there, back))
    assert chances(after, before, moved, usual) == pytest.approx((back, there))  # the same film run backwards


@drawn(HANDS, MOVED, st.floats(0.05, 0.8))
def test_of_hands_that_nobody_saw_afterwards_only_what_is_usual_is_known(before, moved, usual):
    there, back = chances(before, np.full((2, 2), 0.5), np.full(2, 0.5), usual)
    ways = [np.mean(2 * before[giver]) * np.mean(2 * (1 - before[taker])) for giver, taker in ((0, 1), (1, 0))]
    assert there * ways[1] == pytest.approx(back * ways[0])
    half = np.full((2, 2), 0.5)
    assert chances(half, half, moved, usual) == pytest.approx((usual / 2, usual / 2))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
        ([[0, 1], [0, 0]], [[0, 1], [0, 0]]),
        ([[0, 1], [1, 0]], [[0, 1], [1, 0]]),
        ([[0, 1], [0, 0]], [[0, 0], [0, 0]]),  # put away
        ([[0, 0], [0, 0]], [[0, 0], [0, 1]]),  # out of a bag
    ],
)
def test_who_meets_and_keeps_what_they_have_hands_nothing_over(before, after):
    before, after = (0.05 + 0.9 * np.array(held, np.float64) for held in (before, after))
    assert max(chances(before, after, SELDOM, 0.2)) < 0.25


def test_the_more_hands_change_for_other_reasons_the_less_they_say():
    before, after = np.array([[0.05, 0.95], [0.05, 0.05]]), np.array([[0.05, 0.05], [0.95, 0.05]])
    found = [chances(before, after, np.array(moved), 0.2)[0] for moved in ((0.06, 0.06), (0.06, 0.9), (0.9, 0.9))]
    assert found[0] > 0.8
    assert found[0] > found[1] > found[2]


# -- facts


def over(*, taken=(), returned=(), met=15):
    """What is told in the end of the hand-overs of tea that Anna took at first, to Ben, whose hand is full afterwards;
    ``taken`` (when, who, what) and ``returned`` besides.
    """
    watch = attributor()
    take(watch, 5, ANNA, "tea")
    for at_s, who, product in taken:
        take(watch, at_s, who, product)
    for at_s, who, product in returned:
        watch.add_reach(reach(at_s, who, product), RETURNS)
    watch.add_meeting(meeting(ANNA, BEN, met))
    events = run(watch, 40, {ANNA: front("tea"), BEN: front("rice")})
    return [event for event in settled(events) if isinstance(event, ProductHandedOver)]


def test_what_the_taker_took_meanwhile_explains_a_full_hand():
    (plain,) = over()
    assert plain.confidence > 0.9
    assert [event.confidence for event in over(taken=[(9, BEN, "rice")])] == [pytest.approx(plain.confidence, abs=0.02)]
    assert [event.confidence for event in over(taken=[(25, BEN, "rice")])] == [
        pytest.approx(plain.confidence, abs=0.02)
    ]  # killed: takes at other times
    (explained,) = over(taken=[(15.5, BEN, "rice")])
    assert explained.confidence < plain.confidence - 0.2  # killed: takes meanwhile left out


def test_what_the_giver_returned_meanwhile_explains_an_empty_hand():
    (plain,) = over()
    (explained,) = over(returned=[(15.5, ANNA, "tea")])
    assert explained.confidence < plain.confidence - 0.2


def test_of_what_the_giver_holds_the_newest_is_given():
    (event,) = over(taken=[(9, ANNA, "rice")])
    assert event.gtin == gtin("rice")
    assert {chance.id: chance.probability for chance in event.what}[gtin("tea")] > 0.2


def test_meetings_at_which_nothing_was_given_leave_what_is_known_of_people():
    """An unclear take, known by its return, with many meetings in between."""

    def taken(meetings):
        watch = attributor()
        watch.add_reach(reach(5, ANNA, "tea"))
        for number in range(meetings):
            kept = meeting(ANNA, BEN, 10 + 3 * number)
            watch.add_meeting(replace(kept, before=(EMPTY, EMPTY), after=(EMPTY, EMPTY)))
        events = run(watch, 50, {ANNA: front("tea"), BEN: front("rice")})
        watch.add_reach(reach(50, ANNA, "tea"), RETURNS)
        events += run(watch, 55, {ANNA: front("tea"), BEN: front("rice")})
        return settled(events)[0].confidence

    assert taken(0) > 0.6
    assert taken(10) == pytest.approx(taken(0), abs=0.02)  # killed: facts of all meetings, of which the newest count
