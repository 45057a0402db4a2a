"""What people's hands held before and after they stood before shelves, with all else that is known."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import ProductSettled
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    EMPTY,
    FULL,
    START,
    UNSEEN,
    attributor,
    change,
    front,
    gtin,
    meeting,
    reach,
    run,
    settled,
    slot,
    stop,
    sure,
    take,
)
from vision.shop.evidence import HandChange, SlotChange
from vision.shop.weighing import stop_log

AT_TEA = {ANNA: front("tea"), BEN: front("tea")}
PAIR = st.tuples(st.floats(0, 1), st.floats(0, 1))


def unclear(watch, *stops, where=AT_TEA):
    """How sure it is that tea was taken at 8, by Anna it seems, of whose hand nothing was seen."""
    events = run(watch, 7, where)
    watch.add_reach(reach(8, ANNA, "tea"))
    for each in stops:
        watch.add_stop(each)
    found = [event for event in settled(events + run(watch, 12, where)) if event.time == START + 8]
    (taken,) = [event for event in found if event.gtin == gtin("tea")] or [None]
    return taken.confidence if taken else 0.0


def stayed(before, after, who=ANNA, from_s=7, to_s=9, product="tea"):
    return stop(who, from_s, to_s, product, before, after)


# -- one person


def test_hands_that_fill_at_a_stop_took_something_and_hands_that_stay_empty_did_not():
    plain = unclear(attributor())
    assert 0.3 < plain < 0.6
    assert unclear(attributor(), stayed(EMPTY, FULL)) > 0.8
    assert unclear(attributor(), stayed(EMPTY, EMPTY)) < plain - 0.15
    assert unclear(attributor(), stayed(FULL, FULL)) < plain - 0.1  # killed: what the hand held before left out
    assert unclear(attributor(), stayed(UNSEEN, UNSEEN)) == pytest.approx(plain, abs=1e-3)


def test_hands_that_empty_at_a_stop_returned_something():
    def returned(*stops):
        watch = attributor()
        take(watch, 2, ANNA, "tea")
        watch.add_reach(reach(8, ANNA, "tea"), HandChange(0.4, 0.3))
        for each in stops:
            watch.add_stop(each)
        events = settled(run(watch, 12, AT_TEA))
        return sum(event.confidence for event in events if event.type == "product.returned")

    assert returned(stayed(FULL, EMPTY)) > returned() + 0.1
    assert returned(stayed(FULL, FULL)) < returned() - 0.1


def test_a_stop_of_somebody_else_or_at_another_time_changes_nothing():
    apart = {ANNA: front("tea"), BEN: (front("tea")[0], 5.0)}
    plain = unclear(attributor(), where=apart)
    for other in (stayed(EMPTY, FULL, who=BEN), stayed(EMPTY, FULL, from_s=1, to_s=7), stayed(EMPTY, FULL, 9, 12)):
        assert unclear(attributor(), other, where=apart) == pytest.approx(plain)


def test_a_reach_is_of_who_stands_beside_if_their_hands_fill_and_the_own_ones_do_not():
    def whose(*stops):
        watch = attributor()
        run(watch, 7, AT_TEA)
        watch.add_reach(reach(8, ANNA, "tea"), HandChange(0.5, 0.5), [change("tea", 8.0, -8.0)])
        for each in stops:
            watch.add_stop(each)
        (taken,) = [event for event in settled(run(watch, 12, AT_TEA)) if event.confidence > 0.5]
        return {chance.id: chance.probability for chance in taken.who}

    assert whose()["anna"] > 0.8
    beside = whose(stayed(EMPTY, EMPTY), stayed(EMPTY, FULL, who=BEN))
    assert beside["ben"] > whose()["ben"] + 0.3  # killed: others' shares put in after evidence was weighed


def test_a_stop_that_comes_after_it_was_told_settles_it():
    watch = attributor()
    before = unclear(watch)
    watch.add_stop(stayed(EMPTY, FULL))
    (event,) = run(watch, 13, AT_TEA)
    assert isinstance(event, ProductSettled)  # killed: stops of incidents that were explained
    assert event.confidence > before + 0.3
    watch.add_stop(stayed(EMPTY, EMPTY))
    (event,) = run(watch, 14, AT_TEA)
    assert event.confidence < before  # killed: both sayings of one stop


# -- several


def empty_slot(*stops):
    """Who took the tea that is gone by 12, seen by cameras alone, while Anna and Ben stood there."""
    watch = attributor()
    run(watch, 11.8, AT_TEA)
    gone = {-2: 3.0, -1: 6.0}
    watch.add_change(SlotChange(slot("tea"), gone, ("c2", "c3"), before_s=START + 6, after_s=START + 12))
    for each in stops:
        watch.add_stop(each)
    (taken,) = settled(run(watch, 20, {}))
    return {chance.id: chance.probability for chance in taken.who}


def test_of_two_before_a_changed_slot_whose_hands_are_full_afterwards_took_it():
    plain = empty_slot()
    assert plain["anna"] == pytest.approx(plain["ben"])
    found = empty_slot(stayed(EMPTY, EMPTY), stayed(EMPTY, FULL, who=BEN))
    assert found["ben"] > 0.9
    far = replace(stayed(EMPTY, FULL, who=BEN), xy=(2.5, 2.5))
    assert empty_slot(far) == plain  # killed: stops before other shelves
    late = stayed(EMPTY, FULL, BEN, 13, 15)
    assert empty_slot(late) == plain  # killed: stops after it had changed


def test_of_ones_stops_the_nearest_to_the_slot_counts():
    there, beside = stayed(EMPTY, EMPTY, BEN, 6, 8), stayed(EMPTY, FULL, BEN, 9, 11, product="oats")
    near = empty_slot(there)
    assert empty_slot(there, beside) == near


# -- what is explained already


def test_what_another_take_of_the_same_stop_explains_is_not_asked_for_twice():
    def with_rice(*stops):
        watch = attributor()
        take(watch, 5, ANNA, "rice")
        return unclear(watch, *stops)

    alone = unclear(attributor(), stayed(EMPTY, FULL, from_s=4))
    plain = with_rice()
    assert with_rice(stayed(EMPTY, FULL, from_s=4)) < (alone + plain) / 2  # killed: facts that explain left out
    before = with_rice(stayed(EMPTY, FULL, from_s=6.5))
    assert before == pytest.approx(alone, abs=0.02)  # killed: facts before the stop


def test_what_was_handed_over_at_a_stop_fills_a_hand_too():
    def met(*more):
        watch = attributor()
        take(watch, 2, BEN, "rice")
        for each in more:
            watch.add_meeting(each)
        return unclear(watch, stayed(EMPTY, FULL, from_s=3.5))

    assert met(meeting(BEN, ANNA, 4)) < met() - 0.1


def test_who_took_two_carries_both():
    """Two reaches, of which nothing was seen: hands that are both full speak for two takes."""

    def both(after):
        watch = attributor()
        watch.add_reach(reach(7, ANNA, "tea"))
        watch.add_reach(reach(8.5, ANNA, "rice"))
        watch.add_stop(stayed(EMPTY, after, from_s=6, to_s=10))
        return sum(event.confidence for event in settled(run(watch, 14, AT_TEA)))

    assert both((0.98, 0.98)) > both(FULL) > both(EMPTY)


def test_a_reach_a_stop_and_pictures_together_tell_what_none_does_alone():
    watch = attributor()
    watch.add_reach(reach(8, ANNA, {"tea": 0.5, "rice": 0.5}))
    watch.add_stop(stayed(EMPTY, FULL))
    watch.add_change(SlotChange(slot("rice"), {-1: 3.0}, ("c2",), before_s=START + 6, after_s=START + 12))
    assert sure(run(watch, 20, AT_TEA)) == [("taken", "anna", gtin("rice"))]


# -- weights


@given(PAIR, PAIR, st.integers(-20, 20))
def test_what_a_stop_says_is_finite_and_unseen_hands_say_nothing(before, after, gained):
    def said(one, other):
        return stop_log(stop(ANNA, 0, 1, "tea", one, other), gained)

    assert math.isfinite(said(before, after))
    assert said(before[::-1], after[::-1]) == pytest.approx(said(before, after))
    # Killed: the one full hand of two counted as one way, though it may be the left or the right.
    assert said(before, UNSEEN) == pytest.approx(0.0, abs=1e-9)
