import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import ProductSettled
from store.views import PlanError
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    EMPTY,
    FULL,
    IDLE,
    RETURNS,
    START,
    TAKES,
    attributor,
    catalogue,
    change,
    front,
    gtin,
    meeting,
    plan,
    reach,
    run,
    settled,
    slot,
    step,
    stop,
    sure,
    take,
    tracks,
)
from vision.shop.attribution import Attributor
from vision.shop.deeds import Deed
from vision.shop.evidence import HandChange, Lying, Meeting, PlateStep, Stop
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.telling import Teller
from vision.shop.weighing import AttributionSettings

AT_BEANS = {ANNA: front("beans")}


# -- when


def test_what_is_clear_is_told_at_once_else_within_the_time_to_settle():
    watch = attributor()
    take(watch, 5, ANNA, "tea")
    (clear,) = run(watch, 5.6, {ANNA: front("tea")})
    watch.add_reach(reach(15, ANNA, "rice"), HandChange(0.3, 0.8))
    assert run(watch, 16.8, {ANNA: front("tea")}) == []
    (unclear,) = run(watch, 17.0, {ANNA: front("tea")})
    assert clear.confidence > 0.97 > unclear.confidence


def test_late_evidence_settles_what_was_told():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, {"tea": 0.6, "rice": 0.4}), TAKES)
    (taken,) = run(watch, 8, {ANNA: front("tea")})
    assert taken.gtin == gtin("tea")
    watch.add_reach(reach(5, ANNA, {"tea": 0.6, "rice": 0.4}), None, [change("rice", 6.0, -6.0)])
    (settling,) = run(watch, 9, {ANNA: front("tea")})
    assert isinstance(settling, ProductSettled)
    assert (settling.settles, settling.by, settling.gtin) == (taken.id, "evidence", gtin("rice"))
    assert settling.time == pytest.approx(START + 8.2)


def test_what_becomes_sure_is_told_anew_though_it_moved_little():
    goods = Goods(plan(True), catalogue())
    teller = Teller("store", goods, str, AttributionSettings())
    place = next(iter(goods.slots))
    deed = Deed(1, "take", goods.home(place), place)

    def fact(probability):
        return Fact(Source("reach", 10.0, 11.0), "take", 0, place, chances={deed: probability})

    assert teller.tell(fact(0.93)) is not None
    assert teller.tell_anew(fact(0.94), 12.0) is None
    settled = teller.tell_anew(fact(0.97), 13.0)
    assert settled is not None
    assert settled.confidence == 0.97
    assert teller.tell_anew(fact(0.99), 14.0) is None


def test_a_reach_that_comes_after_its_step_takes_it_over():
    watch = attributor()
    watch.add_step(step(5, -482.0))
    (first,) = run(watch, 8, {ANNA: front("beans"), BEN: front("oats")}, plates=True)
    watch.add_reach(reach(5, ANNA, "oats"), TAKES)
    events = run(watch, 9, {ANNA: front("beans"), BEN: front("oats")}, plates=True)
    assert first.track_id == "ben"
    assert [event.settles for event in events] == [first.id]
    assert sure([first, *events]) == [("taken", "anna", gtin("oats"))]


def test_what_comes_twice_or_much_too_late_changes_nothing():
    watch = attributor()
    take(watch, 5, ANNA, "tea")
    assert len(run(watch, 8, {ANNA: front("tea")})) == 1
    take(watch, 5, ANNA, "tea")
    assert run(watch, 30, {ANNA: front("tea")}) == []
    take(watch, 5, ANNA, "tea")
    assert run(watch, 40, {ANNA: front("tea")}) == []


def test_finish_tells_what_is_left():
    watch = attributor()
    run(watch, 5.4, {ANNA: front("tea")})
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.3, 0.8))
    watch.add_meeting(meeting(ANNA, BEN, 8))
    assert [event.type for event in watch.finish()] == ["product.taken", "product.handed_over"]


def test_reset_forgets_and_the_same_evidence_gives_the_same_events():
    watch = attributor()
    told = []
    for _ in range(2):
        watch.reset()
        watch.told_s = 0.0
        take(watch, 5, ANNA, "tea")
        watch.add_reach(reach(15, ANNA, "tea"), RETURNS)
        told.append(run(watch, 20, {ANNA: front("tea")}))
    assert told[0] == told[1]
    assert len(told[0]) == 2


def test_steps_of_unknown_plates_and_slots_outside_the_plan_say_nothing():
    watch = attributor()
    watch.add_step(PlateStep("z", START + 4, START + 5, -482.0, 1.0))
    watch.add_reach(reach(5, ANNA, {"tea": 0.0}))
    assert run(watch, 9, AT_BEANS) == []


def test_memory_is_bounded_by_how_long_people_are_remembered():
    watch = attributor(settings=AttributionSettings(gone_s=60.0, balance_s=30.0))
    for number in range(60):
        take(watch, 5 + 10 * number, ANNA, "tea")
        watch.add_stop(stop(ANNA, 4 + 10 * number, 6 + 10 * number, "tea", EMPTY, FULL))
        watch.add_meeting(meeting(ANNA, BEN, 7 + 10 * number))
        at = START + 8 + 10 * number
        watch.add_lying(Lying(number, front("tea"), at - 2, at, gone=False))
        run(watch, 9 + 10 * number, {ANNA: front("tea")})
    run(watch, 1000, {})
    assert watch._carried._stops == watch._passing._seen == {}
    assert watch._incidents == []
    assert watch._accounts.facts_of(ANNA) == []
    assert len(watch._accounts.facts_at(slot("tea"))) <= 50
    assert watch._past == []
    assert watch._teller._said == {}


def test_settings_and_plans_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="several must be probabilities that add up to 1"):
        AttributionSettings(several=(0.5, 0.1))
    with pytest.raises(ValueError, match="unseen must be more than 0, found 0"):
        AttributionSettings(unseen=0.0)
    few = catalogue().model_copy(update={"products": catalogue().products[:1]})
    with pytest.raises(PlanError, match="no product 'oats'"):
        Attributor(plan(), few)


# -- properties

PRODUCTS = st.sampled_from(["beans", "oats", "rice", "tea"])
CHANCE = st.floats(0.0, 1.0)
REACHES = st.tuples(
    st.floats(2, 12), st.sampled_from([ANNA, BEN]),
    st.dictionaries(PRODUCTS, st.floats(0.05, 0.33), min_size=1, max_size=3), st.integers(0, 1),
    st.none() | st.builds(HandChange, CHANCE, CHANCE, st.dictionaries(PRODUCTS, st.floats(0.01, 0.3))),
    st.lists(st.builds(change, PRODUCTS, st.floats(-30, 30), st.floats(-30, 30)), max_size=3),
)  # fmt: skip
STEPS = st.builds(step, st.floats(2, 12), st.floats(-2000, 2000), st.sampled_from(["p", "q"]))
PEOPLE = st.sampled_from([ANNA, BEN])
PAIR = st.tuples(CHANCE, CHANCE)
MEETINGS = st.builds(
    lambda at_s, *hands: Meeting((ANNA, BEN), at_s - 0.5, at_s + 0.5, at_s, hands[:2], hands[2:]),
    st.floats(START + 2, START + 12), PAIR, PAIR, PAIR, PAIR,
)  # fmt: skip
STOPS = st.builds(
    lambda who, at_s, long_s, product, before, after: stop(who, at_s, at_s + long_s, product, before, after),
    PEOPLE, st.floats(2, 12), st.floats(0.8, 8), PRODUCTS, PAIR, PAIR,
)  # fmt: skip
PLACES = {ANNA: front("beans"), BEN: front("rice")}


def told(evidence, order, plates):
    watch = attributor(settings=AttributionSettings(clear=1.0))
    watch.update(START, tracks(PLACES))
    for number in order:
        item = evidence[number]
        if isinstance(item, PlateStep):
            watch.add_step(item)
        elif isinstance(item, Meeting):
            watch.add_meeting(item)
        elif isinstance(item, Stop):
            watch.add_stop(item)
        else:
            at_s, who, slots, hand, held, changes = item
            watch.add_reach(reach(at_s, who, slots, hand), held, changes)
    return run(watch, 40, PLACES, plates=plates) + watch.finish()


@settings(max_examples=30, deadline=None)
@given(st.lists(REACHES | STEPS | MEETINGS | STOPS, max_size=6), st.randoms(use_true_random=False), st.booleans())
def test_probabilities_are_valid_and_the_order_of_arrival_does_not_matter(evidence, random, plates):
    once = {(e[1], e[3], e[0]) if isinstance(e, tuple) else repr(e): e for e in evidence}
    evidence = list(once.values())
    order = list(range(len(evidence)))
    events = told(evidence, order, plates)
    for event in events:
        assert 0 <= event.confidence <= 1
        assert all(0 <= chance.probability <= 1 for chance in (*event.who, *event.what))
        json.dumps(event.to_cloudevent(), allow_nan=False)
    random.shuffle(order)
    assert told(evidence, order, plates) == events


@pytest.mark.parametrize("late_s", [0.4, 1.2])
def test_what_comes_late_within_the_lag_comes_to_the_same(late_s):
    evidence = [(5.0, ANNA, "oats", TAKES), (5.2, BEN, "beans", IDLE), (9.0, BEN, "oats", TAKES)]
    found = []
    for delay in (0.0, late_s):
        watch = attributor()
        waiting = [(at + 0.5 + delay * (n % 2 == 0), (at, *rest)) for n, (at, *rest) in enumerate(evidence)]
        events = []
        for moment in np.arange(0.2, 14, 0.2):
            for due, (at, who, product, held) in waiting:
                if moment - 0.2 < due <= moment:
                    watch.add_reach(reach(at, who, product), held)
            if abs(moment - 6) < 0.05 or abs(moment - 10) < 0.05:
                watch.add_step(step(moment - 1, -482.0))
            watch.plates_told({"p": START + moment})
            events += watch.update(START + moment, tracks(PLACES))
        found.append(
            [(e.id, e.track_id, e.gtin, round(e.confidence, 2)) for e in settled(events) if e.confidence > 0.1]
        )
    assert found[0] == found[1]
    assert [who for _, who, *_ in found[0]] == ["anna", "ben"]
