import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import ProductHandedOver, ProductMisplaced, ProductReturned, ProductSettled, ProductTaken
from store.views import PlanError
from tests.vision.shop.corner import (
    IDLE,
    RETURNS,
    START,
    TAKES,
    catalogue,
    change,
    front,
    gtin,
    plan,
    reach,
    run,
    settled,
    slot,
    step,
    sure,
    tracks,
)
from vision.shop.attribution import Attributor
from vision.shop.deeds import Deed
from vision.shop.evidence import HandChange, HandOver, PlateStep, SlotChange
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.telling import Teller
from vision.shop.weighing import AttributionSettings

ANNA, BEN = 1, 2
NAMES = {ANNA: "anna", BEN: "ben"}
AT_BEANS = {ANNA: front("beans")}


def attributor(**options) -> Attributor:
    return Attributor(plan(options.pop("plates", True)), catalogue(), NAMES.__getitem__, **options)


# -- each source alone


def test_a_hand_that_was_empty_and_comes_out_full_took_something():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), TAKES)
    (taken,) = run(watch, 8, {ANNA: front("tea")})
    assert isinstance(taken, ProductTaken)
    assert (taken.track_id, taken.gtin, taken.slot, taken.quantity) == ("anna", gtin("tea"), slot("tea"), 1)
    assert taken.confidence > 0.8
    assert taken.time == START + 5
    assert taken.cameras == ("c1",)


def test_pictures_of_the_slot_alone():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), None, [change("tea", 4.0, -3.0)])
    watch.add_reach(reach(15, ANNA, "tea"), None, [change("tea", -4.0, -4.0)])
    (taken,) = [e for e in run(watch, 20, {ANNA: front("tea")}) if e.confidence > 0.2]
    assert taken.time == START + 5
    assert taken.confidence > 0.9
    assert taken.cameras == ("c1", "c2")


def test_a_reach_alone_may_be_anything():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"))
    (taken,) = run(watch, 8, {ANNA: front("tea")})
    assert 0.3 < taken.confidence < 0.6


def test_an_idle_hand_is_told_of_nothing():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), IDLE)
    assert run(watch, 8, {ANNA: front("tea")}) == []


def test_a_step_without_a_reach_is_of_whoever_is_near():
    watch = attributor()
    watch.add_step(step(5, -482.0))
    (taken,) = run(watch, 9, AT_BEANS | {BEN: (2.5, 2.5)}, plates=True)
    assert (taken.track_id, taken.gtin) == ("anna", gtin("oats"))
    assert taken.confidence > 0.95
    assert taken.who[0].probability > 0.8
    assert sum(chance.probability for chance in taken.who) < 1  # the rest is for nobody known
    assert {chance.id for chance in taken.who} == {"anna"}


def test_a_step_with_nobody_near_is_nobodys():
    watch = attributor()
    watch.add_step(step(5, -482.0))
    (taken,) = run(watch, 9, {BEN: (2.5, 2.5)}, plates=True)
    assert taken.track_id == "unknown"


def test_grams_tell_which_of_the_slots_on_a_plate_and_how_many():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, {"beans": 0.6, "oats": 0.4}), TAKES)
    watch.add_step(step(5, -2 * 482.0))
    events = run(watch, 9, AT_BEANS, plates=True)
    assert sure(events) == [("taken", "anna", gtin("oats"))] * 2
    assert min(event.confidence for event in events) > 0.95


# -- together and in conflict


def test_a_plate_that_was_watched_and_told_of_nothing_outweighs_a_hand():
    seen, unseen = attributor(), attributor()
    for watch in (seen, unseen):
        watch.add_reach(reach(5, ANNA, "beans"), HandChange(0.2, 0.8))
    (doubtful,) = run(unseen, 8, AT_BEANS) or [None]
    told = run(seen, 8, AT_BEANS, plates=True)
    assert doubtful.confidence > 0.7
    assert all(event.confidence < 0.3 for event in told)


def test_a_silent_plate_is_taken_for_none():
    watch = attributor()
    watch.plates_told({"q": START + 20})
    watch.add_reach(reach(5, ANNA, "beans"), TAKES)
    (taken,) = run(watch, 8, AT_BEANS)
    assert taken.confidence > 0.8


def test_a_plate_overrules_pictures_of_the_neighbour():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, {"beans": 0.8, "oats": 0.2}), TAKES, [change("beans", 2.0, -2.0)])
    watch.add_step(step(5, -482.0))
    assert sure(run(watch, 9, AT_BEANS, plates=True)) == [("taken", "anna", gtin("oats"))]


def test_what_a_hand_looks_like_tells_products_apart_not_whether_one_was_taken():
    plain, named = attributor(), attributor()
    slots = {"tea": 0.5, "rice": 0.5}
    plain.add_reach(reach(5, ANNA, slots), TAKES)
    named.add_reach(reach(5, ANNA, slots), HandChange(TAKES.before, TAKES.after, {"rice": 0.8, "tea": 0.2}))
    (one,) = run(plain, 8, AT_BEANS)
    (other,) = run(named, 8, AT_BEANS)
    assert [chance.probability for chance in one.what] == pytest.approx([0.5, 0.5], abs=0.02)
    assert other.gtin == gtin("rice")
    assert other.what[0].probability > 0.75
    assert other.confidence == pytest.approx(one.confidence, abs=0.02)


# -- several hands


def test_two_people_at_once_each_take_their_own():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, {"beans": 0.7, "oats": 0.3}))
    watch.add_reach(reach(5.1, BEN, {"oats": 0.7, "beans": 0.3}))
    watch.add_step(step(5, -812.0))
    events = run(watch, 9, {ANNA: front("beans"), BEN: front("oats")}, plates=True)
    assert sorted(sure(events)) == [("taken", "anna", gtin("beans")), ("taken", "ben", gtin("oats"))]


def test_one_package_and_two_hands_is_one_event_whose_hand_is_unclear():
    watch = attributor()
    for who in (ANNA, BEN):
        watch.add_reach(reach(5, who, "oats"))
    watch.add_step(step(5, -482.0))
    (taken,) = run(watch, 9, {ANNA: front("beans"), BEN: front("oats")}, plates=True)
    assert taken.confidence > 0.95
    assert [chance.probability for chance in taken.who] == pytest.approx([0.5, 0.5], abs=0.05)


def test_the_hand_that_came_out_full_has_it():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "oats"), IDLE)
    watch.add_reach(reach(5, BEN, "oats"), TAKES)
    watch.add_step(step(5, -482.0))
    (taken,) = run(watch, 9, {ANNA: front("beans"), BEN: front("oats")}, plates=True)
    assert taken.track_id == "ben"
    assert taken.who[0].probability > 0.9


def test_two_hands_of_one_person_take_two():
    watch = attributor()
    for hand in (0, 1):
        watch.add_reach(reach(5, ANNA, "oats", hand))
    watch.add_step(step(5, -964.0))
    assert sure(run(watch, 9, AT_BEANS, plates=True)) == [("taken", "anna", gtin("oats"))] * 2


def test_rapid_takes_from_one_slot_are_one_each():
    watch = attributor()
    for at_s in (5, 7, 9):
        watch.add_reach(reach(at_s, ANNA, "oats"), TAKES)
        watch.add_step(step(at_s, -482.0))
    events = run(watch, 13, AT_BEANS, plates=True)
    assert [event.time - START for event in events] == [5, 7, 9]
    assert len(sure(events)) == 3


def test_a_near_neighbours_wrist_leaves_a_doubt_about_whose_it_was():
    alone, crowded = attributor(), attributor()
    for watch in (alone, crowded):
        run(watch, 5, {ANNA: front("tea")} | ({BEN: front("tea")} if watch is crowded else {}))
        watch.add_reach(reach(5, ANNA, "tea"), TAKES)
    (one,) = run(alone, 8, {ANNA: front("tea")})
    (other,) = run(crowded, 8, {ANNA: front("tea"), BEN: front("tea")})
    assert [chance.id for chance in one.who] == ["anna"]
    assert [chance.id for chance in other.who] == ["anna", "ben"]


# -- what people hold


def take(watch: Attributor, at_s: float, who: int, product: str) -> None:
    watch.add_reach(reach(at_s, who, product), TAKES, [change(product, 5.0, -5.0)])


def test_who_took_it_puts_it_back():
    watch = attributor()
    take(watch, 5, ANNA, "tea")
    watch.add_reach(reach(15, ANNA, "tea"), RETURNS)
    events = run(watch, 18, {ANNA: front("tea")})
    assert isinstance(events[-1], ProductReturned)
    assert sure(events) == [("taken", "anna", gtin("tea")), ("returned", "anna", gtin("tea"))]


def test_one_does_not_put_down_what_one_does_not_have():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.85, 0.15))
    assert sure(run(watch, 8, {ANNA: front("tea")})) == []


def test_staff_put_down_what_nobody_saw_them_take():
    watch = attributor(is_staff=lambda track_id: track_id == ANNA)
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.85, 0.15))
    assert sure(run(watch, 8, {ANNA: front("tea")})) == [("returned", "anna", gtin("tea"))]


def test_who_fills_a_shelf_is_soon_known_for_it():
    watch = attributor()
    for number in range(4):
        watch.add_reach(reach(5 + 4 * number, ANNA, "tea"), RETURNS, [change("tea", -1.0, 1.0)])
    confidences = [
        event.confidence for event in run(watch, 22, {ANNA: front("tea")}) if event.type != "product.settled"
    ]
    assert confidences == sorted(confidences)
    assert confidences[-1] > 0.9 > 0.7 > confidences[0]


def test_what_is_put_into_anothers_slot_is_misplaced_and_bought_there_by_somebody_else():
    watch = attributor()
    take(watch, 5, ANNA, "rice")
    watch.add_reach(reach(15, ANNA, "tea"), RETURNS, [change("tea", -4.0, 4.0)])
    watch.add_reach(reach(30, BEN, "tea"), HandChange(0.05, 0.95, {"rice": 0.9}), [change("tea", 4.0, -4.0)])
    events = run(watch, 34, {ANNA: front("rice"), BEN: front("tea")})
    assert sure(events) == [
        ("taken", "anna", gtin("rice")),
        ("misplaced", "anna", gtin("rice")),
        ("taken", "ben", gtin("rice")),
    ]
    (misplaced,) = [event for event in events if isinstance(event, ProductMisplaced)]
    assert misplaced.slot == slot("tea")


def test_grams_know_what_is_foreign_to_a_plate():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "oats"), RETURNS)
    watch.add_step(step(5, 120.0))
    (put,) = [event for event in run(watch, 9, AT_BEANS, plates=True) if event.confidence > 0.5]
    assert (put.type, put.gtin) == ("product.misplaced", gtin("soap"))


def test_an_empty_slot_gives_nothing():
    full, empty = attributor(stock={slot("tea"): 5}), attributor(stock={slot("tea"): 0})
    for watch in (full, empty):
        watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.2, 0.8))
    assert run(full, 8, {ANNA: front("tea")})[0].confidence > 0.7
    assert all(event.confidence < 0.2 for event in run(empty, 8, {ANNA: front("tea")}))


def test_a_hand_over_is_of_what_the_giver_holds():
    watch = attributor()
    take(watch, 5, ANNA, "tea")
    watch.add_hand_over(HandOver(ANNA, BEN, START + 15, 0.9, cameras=("c3",)))
    events = run(watch, 18, {ANNA: front("tea"), BEN: (0.0, 1.0)})
    given_away = events[-1]
    assert isinstance(given_away, ProductHandedOver)
    assert (given_away.track_id, given_away.to_track_id, given_away.gtin) == ("anna", "ben", gtin("tea"))
    assert 0.8 < given_away.confidence <= 0.9
    watch.add_reach(reach(30, BEN, "tea"), RETURNS)
    assert sure(run(watch, 34, {BEN: front("tea")})) == [("returned", "ben", gtin("tea"))]


def test_who_holds_nothing_gives_nothing():
    watch = attributor()
    watch.add_hand_over(HandOver(ANNA, BEN, START + 5, 0.9))
    assert run(watch, 9, {ANNA: (0.0, 1.0), BEN: (0.0, 1.5)}) == []


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
    watch.add_hand_over(HandOver(ANNA, BEN, START + 8, 0.9))
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
        run(watch, 9 + 10 * number, {ANNA: front("tea")})
    run(watch, 1000, {})
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
OVERS = st.builds(HandOver, st.just(ANNA), st.just(BEN), st.floats(START + 2, START + 12), CHANCE)
PLACES = {ANNA: front("beans"), BEN: front("rice")}


def told(evidence, order, plates):
    watch = attributor(settings=AttributionSettings(clear=1.0))
    watch.update(START, tracks(PLACES))
    for number in order:
        item = evidence[number]
        if isinstance(item, PlateStep):
            watch.add_step(item)
        elif isinstance(item, HandOver):
            watch.add_hand_over(item)
        else:
            at_s, who, slots, hand, held, changes = item
            watch.add_reach(reach(at_s, who, slots, hand), held, changes)
    return run(watch, 40, PLACES, plates=plates) + watch.finish()


@settings(max_examples=30, deadline=None)
@given(st.lists(REACHES | STEPS | OVERS, max_size=6), st.randoms(use_true_random=False), st.booleans())
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


# -- slots that changed without a reach


def loose(product, before_s, after_s, taken, returned=-5.0):
    return SlotChange(slot(product), taken, returned, ("c2",), returned, START + before_s, START + after_s)


def test_a_slot_that_changed_without_a_reach_is_of_whoever_stood_there():
    watch = attributor()
    run(watch, 4, {BEN: front("tea"), ANNA: (2.5, 2.5)})
    run(watch, 8, {ANNA: front("tea"), BEN: (2.5, 2.5)})
    watch.add_change(loose("tea", 4.5, 8.0, 6.0))
    watch.add_change(loose("rice", 4.5, 8.0, 1.0))
    watch.add_change(SlotChange(slot("beans"), 6.0, -6.0, ("c2",)))
    events = run(watch, 12, {ANNA: (2.5, 2.5)})
    assert sure(events) == [("taken", "anna", gtin("tea"))]
    (taken,) = [event for event in events if event.confidence > 0.5]
    assert START + 4.5 <= taken.time <= START + 8
    assert taken.cameras == ("c2",)


def test_a_change_and_the_reach_that_made_it_are_one():
    watch = attributor()
    run(watch, 6, {ANNA: front("tea"), BEN: front("tea")})
    watch.add_change(loose("tea", 4.0, 6.0, 6.0))
    first = run(watch, 9, {ANNA: front("tea"), BEN: front("tea")})
    watch.add_reach(reach(5, ANNA, "tea"), TAKES, [change("tea", 6.0, -6.0)])
    assert sure(first + run(watch, 10, {ANNA: front("tea")})) == [("taken", "anna", gtin("tea"))]
