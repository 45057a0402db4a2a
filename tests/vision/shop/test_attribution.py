import pytest

from store.events import ProductTaken
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    IDLE,
    START,
    TAKES,
    attributor,
    change,
    front,
    gtin,
    reach,
    run,
    slot,
    step,
    sure,
)
from vision.shop.evidence import HandChange, SlotChange

AT_BEANS = {ANNA: front("beans")}


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


# -- slots that changed without a reach


def loose(product, before_s, after_s, taken, returned=-5.0):
    return SlotChange(
        slot(product), {-1: taken, 1: returned}, ("c2",), before_s=START + before_s, after_s=START + after_s
    )


def test_a_slot_that_changed_without_a_reach_is_of_whoever_stood_there():
    watch = attributor()
    run(watch, 4, {BEN: front("tea"), ANNA: (2.5, 2.5)})
    run(watch, 8, {ANNA: front("tea"), BEN: (2.5, 2.5)})
    watch.add_change(loose("tea", 4.5, 8.0, 6.0))
    watch.add_change(loose("rice", 4.5, 8.0, 0.9))
    watch.add_change(SlotChange(slot("beans"), {-1: 6.0, 1: -6.0}, ("c2",)))
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


def seen(product, before_s, after_s, gained):
    return SlotChange(slot(product), gained, ("c1", "c2"), before_s=START + before_s, after_s=START + after_s)


def test_pictures_tell_of_more_packages_than_hands_were_seen():
    watch = attributor()
    run(watch, 6, {ANNA: front("tea")})
    watch.add_reach(reach(5, ANNA, "tea"), TAKES)
    watch.add_change(seen("tea", 4.0, 6.5, {-1: 4.0, -2: 12.0, -3: 8.0, 1: -5.0}))
    events = run(watch, 10, {ANNA: (2.5, 2.5)})
    assert sure(events) == [("taken", "anna", gtin("tea"))] * 2  # killed: one deed a hand, or counts bounded by one


def test_what_is_seen_when_everybody_left_outweighs_what_was_seen_beside_an_arm():
    watch = attributor()
    run(watch, 6, {ANNA: front("tea")})
    watch.add_reach(reach(5, ANNA, "tea"), None, [change("tea", 6.0, -6.0)])
    told = run(watch, 9, {ANNA: (2.5, 2.5)})
    assert len(sure(told)) == 1
    watch.add_change(seen("tea", 4.0, 6.5, {-1: -6.0, 1: -6.0}))
    assert sure(told + run(watch, 10, {ANNA: (2.5, 2.5)})) == []


def test_two_visits_to_a_slot_add_up_and_each_is_counted_once():
    watch = attributor()
    run(watch, 4, {ANNA: front("tea")})
    run(watch, 8, {BEN: front("tea")})
    watch.add_reach(reach(5, ANNA, {"tea": 0.9}), TAKES)
    watch.add_change(seen("tea", 2.0, 5.2, {-1: 8.0, -2: 2.0, 1: -5.0}))
    watch.add_change(seen("tea", 2.0, 5.3, {-1: 9.0, -2: 3.0, 1: -5.0}))
    watch.add_change(seen("tea", 5.1, 8.0, {-1: 8.0, -2: 2.0, 1: -5.0}))
    events = run(watch, 12, {})
    assert sorted(sure(events)) == [("taken", "anna", gtin("tea")), ("taken", "ben", gtin("tea"))]


def test_a_change_that_says_nothing_is_kept_for_a_reach_alone():
    watch = attributor()
    run(watch, 8, {ANNA: front("tea")})
    for product in ("tea", "oats"):
        watch.add_change(seen(product, 4.0, 6.5, {-1: -3.0, 1: -3.0}))
    assert sure(run(watch, 12, {ANNA: (2.5, 2.5)})) == []
