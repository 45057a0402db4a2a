from store.events import ProductHandedOver, ProductMisplaced, ProductReturned
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    RETURNS,
    attributor,
    change,
    front,
    gtin,
    meeting,
    reach,
    run,
    slot,
    step,
    sure,
    take,
)
from vision.shop.deeds import Deed
from vision.shop.evidence import HandChange
from vision.shop.facts import Fact, Source

AT_BEANS = {ANNA: front("beans")}


# -- what people hold


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
    watch.add_meeting(meeting(ANNA, BEN, 15, cameras=("c3",)))
    events = run(watch, 18, {ANNA: front("tea"), BEN: (0.0, 1.0)})
    given_away = events[-1]
    assert isinstance(given_away, ProductHandedOver)
    assert (given_away.track_id, given_away.to_track_id, given_away.gtin) == ("anna", "ben", gtin("tea"))
    assert given_away.confidence > 0.8
    assert given_away.cameras == ("c3",)
    watch.add_reach(reach(30, BEN, "tea"), RETURNS)
    assert sure(run(watch, 34, {BEN: front("tea")})) == [("returned", "ben", gtin("tea"))]


def test_who_holds_nothing_gives_nothing():
    watch = attributor()
    watch.add_meeting(meeting(ANNA, BEN, 5))
    assert run(watch, 9, {ANNA: (0.0, 1.0), BEN: (0.0, 1.5)}) == []


def test_what_is_ruled_out_altogether_is_anybodys_and_anything():
    deeds = [Deed(who, "take", product, slot("tea")) for who, product in ((ANNA, "tea"), (BEN, "rice"))]
    fact = Fact(Source("reach", 10.0, 11.0), "take", 0, slot("tea"), chances=dict.fromkeys(deeds, 0.0))
    assert fact.confidence == 0.0
    assert fact.who() == {ANNA: 0.5, BEN: 0.5}
    assert fact.what() == {"tea": 0.5, "rice": 0.5}
