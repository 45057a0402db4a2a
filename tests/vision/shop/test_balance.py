import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import ProductReturned, ProductSettled, ProductTaken
from tests.vision.shop.corner import (
    ANNA,
    BEN,
    IDLE,
    RETURNS,
    START,
    TAKES,
    attributor,
    change,
    front,
    gtin,
    reach,
    run,
    settled,
    slot,
    step,
    sure,
)
from vision.shop.balance import person_change, rebalanced, slot_change
from vision.shop.deeds import Deed
from vision.shop.evidence import HandChange
from vision.shop.facts import Fact, Source

UNSEEN = 0.03


def fact(at_s: float, kind: str, chances: dict[tuple[int, str], float], to: int = 0) -> Fact:
    source = Source(f"r{at_s}", START + at_s, START + at_s)
    deeds = {Deed(who, kind, product, slot(product)): p for (who, product), p in chances.items()}
    return Fact(source, kind, 0, slot("tea"), chances=deeds, to=to)


def after(facts: list[Fact], who: int = ANNA) -> list[dict[tuple[int, str], float]]:
    found = rebalanced(facts, person_change(who), {}, UNSEEN)
    return [
        {(deed.who, deed.product): p for deed, p in found.get(place, each.chances).items()}
        for place, each in enumerate(facts)
    ]


def test_who_puts_back_must_have_taken():
    took, put = after([fact(5, "take", {(ANNA, "tea"): 0.4}), fact(9, "put", {(ANNA, "tea"): 0.9})])
    # Bayes' rule by hand: a put counts 1 / .418 after a take, and .03 / .418 without one.
    assert took[ANNA, "tea"] == pytest.approx(0.1 * 0.4 + 0.9 * 0.4 / (0.4 + 0.6 * UNSEEN))
    assert put[ANNA, "tea"] == pytest.approx(0.9)


def test_of_two_that_look_alike_it_was_the_one_that_came_back():
    took, _ = after(
        [fact(5, "take", {(ANNA, "oats"): 0.6, (ANNA, "beans"): 0.4}), fact(9, "put", {(ANNA, "beans"): 0.95})]
    )
    assert took[ANNA, "beans"] > 0.9
    assert took[ANNA, "oats"] + took[ANNA, "beans"] == pytest.approx(1.0)


def test_of_two_people_it_was_the_one_who_has_it():
    took, _ = after(
        [fact(5, "take", {(ANNA, "tea"): 0.5, (BEN, "tea"): 0.5}), fact(9, "put", {(BEN, "tea"): 0.95})], BEN
    )
    assert took[BEN, "tea"] > 0.9


def test_who_gives_it_away_had_it_and_who_was_given_it_may_put_it_down():
    took, over, _ = after(
        [
            fact(5, "take", {(ANNA, "tea"): 0.5}),
            fact(7, "hand", {(ANNA, "tea"): 0.9}, to=BEN),
            fact(9, "put", {(BEN, "tea"): 0.9}),
        ]
    )
    assert took[ANNA, "tea"] > 0.85
    assert over[ANNA, "tea"] == pytest.approx(0.9)
    (over, _) = after([fact(7, "hand", {(ANNA, "tea"): 0.4}, to=BEN), fact(9, "put", {(BEN, "tea"): 0.9})], BEN)
    assert over[ANNA, "tea"] > 0.8


def test_one_package_is_put_back_once():
    took, first, second = after(
        [
            fact(5, "take", {(ANNA, "tea"): 0.98}),
            fact(9, "put", {(ANNA, "tea"): 0.6}),
            fact(12, "put", {(ANNA, "tea"): 0.9}),
        ]
    )
    assert first[ANNA, "tea"] < 0.2
    assert second[ANNA, "tea"] == pytest.approx(0.9)
    assert took[ANNA, "tea"] > 0.97


def test_what_holds_together_and_what_others_do_stays():
    facts = [
        fact(5, "take", {(ANNA, "tea"): 0.99}),
        fact(7, "take", {(ANNA, "oats"): 0.5}),
        fact(9, "put", {(BEN, "oats"): 0.9}),
    ]
    assert rebalanced(facts, person_change(ANNA), {}, UNSEEN) == {}


def test_nothing_comes_out_of_an_empty_slot():
    facts = [fact(5, "take", {(ANNA, "tea"): 0.5}), fact(9, "take", {(BEN, "tea"): 0.95})]
    found = rebalanced(facts, slot_change(slot("tea"), "tea"), {"tea": 1}, 0.02)
    assert sum(found[0].values()) < 0.1
    assert sum(found[1].values()) == pytest.approx(0.95)
    found = rebalanced(facts, slot_change(slot("tea"), "tea"), {"tea": 2}, 0.02)
    assert sum(found[0].values()) == pytest.approx(0.5)


CHANCES = st.dictionaries(
    st.tuples(st.sampled_from([ANNA, BEN]), st.sampled_from(["tea", "oats"])), st.sampled_from([0.0, 0.01, 0.1, 0.25])
)
FACTS = st.lists(st.tuples(st.sampled_from(["take", "put", "hand"]), CHANCES), max_size=4)


@settings(max_examples=40, deadline=None)
@given(FACTS, st.sampled_from([0.01, 0.03, 0.7, 1.0]))
def test_chances_stay_chances_and_the_newest_fact_stays_as_it_was(parts, unseen):
    facts = [fact(n, kind, chances, to=BEN) for n, (kind, chances) in enumerate(parts)]
    found = rebalanced(facts, person_change(ANNA), {}, unseen)
    for place, chances in found.items():
        assert set(chances) == set(facts[place].chances)
        assert all(p >= 0 for p in chances.values())
        assert sum(chances.values()) <= 1 + 1e-9
    last = len(facts) - 1
    if last in found:
        assert found[last] == pytest.approx(facts[last].chances, abs=1e-9)


# -- as events


def test_a_doubtful_take_is_settled_when_it_is_put_back():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.4, 0.55))
    (taken,) = run(watch, 8, {ANNA: front("tea")})
    assert isinstance(taken, ProductTaken)
    assert taken.confidence < 0.7
    run(watch, 40.4, {ANNA: front("tea")})
    watch.add_reach(reach(40, ANNA, "tea"), RETURNS, [change("tea", -5.0, 5.0)])
    put, settling = sorted(run(watch, 43, {ANNA: front("tea")}), key=lambda event: event.type)
    assert isinstance(put, ProductReturned)
    assert isinstance(settling, ProductSettled)
    assert (settling.settles, settling.by, settling.track_id, settling.gtin) == (
        taken.id,
        "balance",
        "anna",
        gtin("tea"),
    )
    assert settling.confidence > taken.confidence + 0.15
    assert settling.time == pytest.approx(START + 40.6, abs=0.1)


def test_what_is_older_than_the_window_is_left_alone():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.4, 0.55))
    run(watch, 250.4, {ANNA: front("tea")})
    watch.add_reach(reach(250, ANNA, "tea"), RETURNS, [change("tea", -5.0, 5.0)])
    assert not [event for event in run(watch, 254, {ANNA: front("tea")}) if isinstance(event, ProductSettled)]


def test_whose_it_was_is_settled_by_who_puts_it_back():
    watch = attributor()
    places = {ANNA: front("beans"), BEN: front("oats")}
    for who in (ANNA, BEN):
        watch.add_reach(reach(5, who, "oats"))
    watch.add_step(step(5, -482.0))
    first = run(watch, 25.4, places, plates=True)
    assert [chance.probability for chance in first[0].who] == pytest.approx([0.5, 0.5], abs=0.05)
    watch.add_reach(reach(25, BEN, "oats"), RETURNS)
    watch.add_step(step(25, 482.0))
    events = first + run(watch, 28, {BEN: front("oats")}, plates=True)
    assert sure(events) == [("taken", "ben", gtin("oats")), ("returned", "ben", gtin("oats"))]
    assert [event.by for event in events if isinstance(event, ProductSettled)] == ["balance"]


def test_later_evidence_still_counts_after_a_balance():
    watch = attributor()
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.4, 0.55))
    first = run(watch, 9.4, {ANNA: front("tea")})
    watch.add_reach(reach(9, ANNA, "tea"), RETURNS, [change("tea", -5.0, 5.0)])
    first += run(watch, 12, {ANNA: front("tea")})
    watch.add_reach(reach(9, ANNA, "tea"), IDLE, [change("tea", -6.0, -6.0)])
    watch.add_reach(reach(5, ANNA, "tea"), IDLE, [change("tea", -6.0, -6.0)])
    events = run(watch, 14, {ANNA: front("tea")})
    assert {event.by for event in events} == {"balance", "evidence"}
    assert all(event.confidence < 0.1 for event in settled(first + events))


def test_known_stock_settles_the_doubtful_of_two_takes():
    watch = attributor(stock={slot("tea"): 1})
    watch.add_reach(reach(5, ANNA, "tea"), HandChange(0.4, 0.55))
    first = run(watch, 20.4, {ANNA: front("tea")})
    watch.add_reach(reach(20, BEN, "tea"), TAKES, [change("tea", 6.0, -6.0)])
    events = first + run(watch, 23, {BEN: front("tea")})
    assert sure(events) == [("taken", "ben", gtin("tea"))]
    assert settled(events)[0].confidence < first[0].confidence - 0.2
