"""Receipts as a function of events: who pays, what for, how sure; whatever the order, however often."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.books import Books
from checkout.lines import NOTHING, Basket, baskets
from checkout.policy import Policy, PolicyError
from checkout.prices import PriceBook
from checkout.tabs import Tabs
from store.events import (
    Chance,
    Event,
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductSettled,
    ProductTaken,
    SessionJoined,
)
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, SOAP, T0, WINE, amounts, told

PRODUCTS = (MILK, BREAD, WINE, SOAP)
JOINED = [
    SessionJoined(id=f"j{n}", store="s", time=T0, session_id=session, track_id=track)
    for n, (track, session) in enumerate([("anna", "A"), ("ben", "B"), ("carl", "A"), ("stella", "S")])
]
ROLES = {"A": "customer", "B": "customer", "S": "staff"}


def made(cls: type[ProductEvent], at: float, track: str = "anna", gtin: str = MILK, **more: Any) -> Any:
    id = more.pop("id", f"{cls.type}-{at}-{track}-{gtin}")
    return cls(id=id, store="s", time=T0 + at, track_id=track, gtin=gtin, **more)


def of(events: list[Event], session: str = "A", policy: Policy | None = None) -> Basket:
    return told([*JOINED, *events], ROLES, policy).get(session, NOTHING)


def test_what_is_taken_is_owed_and_what_goes_back_is_not():
    events = [made(ProductTaken, 1, quantity=3), made(ProductTaken, 2, gtin=WINE), made(ProductReturned, 3)]
    basket = of(events)
    assert amounts(basket) == {MILK: 2, WINE: 1}
    assert basket.total == 2 * 120 + 899
    assert basket.settled
    assert basket.age_restricted
    assert {line.state for line in basket.lines} == {"sure"}


def test_the_price_is_that_of_the_moment_of_taking():
    basket = of([made(ProductTaken, 999), made(ProductTaken, 1000)])
    assert [(line.unit_price, line.quantity) for line in basket.lines] == [(120, 1), (130, 1)]
    early, during, late = (of([made(ProductTaken, at, gtin=BREAD)]).lines[0] for at in (499, 500, 800))
    assert [line.unit_price for line in (early, during, late)] == [250, 225, 250]
    assert [line.promotion for line in (early, during, late)] == [None, "bread week", None]


@pytest.mark.parametrize(("quantity", "paid"), [(1, 1), (2, 2), (3, 2), (5, 4), (6, 4)])
def test_three_for_two(quantity, paid):
    assert of([made(ProductTaken, 1, gtin=SOAP, quantity=quantity)]).total == 199 * paid


def test_a_group_shares_a_basket_and_its_promotions():
    taken = [made(ProductTaken, n, track, SOAP) for n, track in enumerate(["anna", "carl", "carl"])]
    assert of(taken).total == 2 * 199


def test_what_is_put_down_elsewhere_leaves_the_basket_and_who_finds_it_pays():
    left = [made(ProductTaken, 1), made(ProductMisplaced, 2, slot="other")]
    assert of(left) == NOTHING
    assert amounts(of([*left, made(ProductTaken, 3, "ben", slot="other")], "B")) == {MILK: 1}


def test_restocking_is_no_sale():
    events = [made(ProductReturned, 1, "stella", quantity=5), made(ProductTaken, 2, "stella")]
    assert told([*JOINED, *events], ROLES) == {}
    assert amounts(of([*events, made(ProductTaken, 3)])) == {MILK: 1}


@pytest.mark.parametrize(
    ("hand_over", "giver", "taker", "payers"),
    [
        ("picker_pays", "anna", "ben", ["A"]),
        ("holder_pays", "anna", "ben", ["B"]),
        ("group", "anna", "ben", ["B"]),
        ("picker_pays", "anna", "nobody", ["A"]),
        ("holder_pays", "anna", "nobody", []),
        ("group", "anna", "nobody", ["A"]),
        ("picker_pays", "nobody", "ben", ["B"]),
        ("holder_pays", "nobody", "ben", ["B"]),
        ("picker_pays", "stella", "ben", ["B"]),
        ("picker_pays", "anna", "stella", []),
        ("group", "anna", "stella", []),
        ("picker_pays", "anna", "carl", ["A"]),
    ],
)
def test_who_pays_for_what_is_handed_over(hand_over, giver, taker, payers):
    events = [made(ProductTaken, 1, giver), made(ProductHandedOver, 2, giver, to_track_id=taker)]
    found = told([*JOINED, *events], ROLES, Policy(hand_over=hand_over))
    assert list(found) == payers
    # Whoever holds it puts it back, whoever pays.
    assert told([*JOINED, *events, made(ProductReturned, 3, taker)], ROLES, Policy(hand_over=hand_over)) == {}


def test_an_unclear_hand_is_checked_until_it_is_settled():
    who = (Chance(id="anna", probability=0.6), Chance(id="ben", probability=0.4))
    taken = made(ProductTaken, 1, who=who, id="t")
    assert [(line.quantity, line.state, line.confidence) for line in of([taken]).lines] == [(1, "checking", 0.6)]
    assert not of([taken]).settled
    possible = of([taken], "B")
    assert (possible.lines, possible.possible[0].quantity, possible.doubts[0].event_id) == ((), 0, "t")
    settled = made(ProductSettled, 9, "ben", settles="t")
    assert of([taken, settled]) == NOTHING
    assert [(line.quantity, line.state) for line in of([taken, settled], "B").lines] == [(1, "sure")]
    undone = made(ProductSettled, 10, "ben", settles="t", confidence=0.0, by="review")
    assert told([*JOINED, taken, undone, settled], ROLES) == {}


def test_an_unclear_hand_within_a_group_is_sure():
    who = (Chance(id="anna", probability=0.5), Chance(id="carl", probability=0.5))
    assert [line.state for line in of([made(ProductTaken, 1, who=who)]).lines] == ["sure"]


def test_a_likelier_correction_of_lower_rank_changes_nothing():
    taken = made(ProductTaken, 1, id="t")
    review = made(ProductSettled, 2, settles="t", by="review", quantity=2)
    later = made(ProductSettled, 3, settles="t", by="evidence", quantity=7)
    for events in ([taken, review, later], [later, review, taken]):
        assert amounts(of(events)) == {MILK: 2}


def test_an_unsure_return_leaves_a_doubt():
    basket = of([made(ProductTaken, 1), made(ProductReturned, 2, confidence=0.7)])
    assert (basket.lines, basket.possible[0].confidence) == ((), 0.7)


def test_an_unclear_product_is_charged_once():
    what = (Chance(id=MILK, probability=0.97), Chance(id=BREAD, probability=0.03))
    basket = of([made(ProductTaken, 1, what=what)])
    assert amounts(basket) == {MILK: 1}
    assert basket.settled


def test_what_nobody_held_cannot_go_back():
    books = Books(PriceBook(CATALOGUE).at)
    books.add_all([made(ProductTaken, 1), made(ProductReturned, 2, quantity=3)])
    assert [(c.track_id, c.quantity) for c in books.contradictions()] == [("anna", 2)]
    assert list(books.stakes()) == []


def test_closed_books_keep_what_is_held_and_take_nothing_older():
    events = [made(ProductTaken, at, quantity=2) for at in range(100)]
    books, whole = Books(PriceBook(CATALOGUE).at), Books(PriceBook(CATALOGUE).at)
    whole.add_all([*JOINED, *events, made(ProductReturned, 200, quantity=5)])
    books.add_all([*JOINED, *events])
    books.forget(T0 + 90, lambda track: track == "ben")
    assert not books.add(made(ProductTaken, 50, id="late"))
    assert books.add(made(ProductReturned, 200, quantity=5))
    assert baskets(books, ROLES, Policy()) == baskets(whole, ROLES, Policy())


@pytest.mark.parametrize("numbers", [{"charge_at": 0.0}, {"charge_at": 0.99}, {"sure_at": 1.1}, {"settle_s": -1.0}])
def test_a_policy_that_cannot_be_is_refused(numbers):
    with pytest.raises(PolicyError):
        Policy(**numbers)


TRACKS = ("anna", "ben", "carl", "stella", "nobody")


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Valid facts: nobody lets go of what they do not hold."""
    held: Counter[tuple[str, str]] = Counter()
    events: list[Event] = list(JOINED)
    for number in range(draw(st.integers(0, 25))):
        track, gtin = draw(st.sampled_from(TRACKS)), draw(st.sampled_from(PRODUCTS))
        kind: Any = draw(st.sampled_from([ProductTaken, ProductReturned, ProductMisplaced, ProductHandedOver]))
        more: dict[str, Any] = {"id": f"e{number}"}
        if kind is not ProductTaken:
            owned = sorted(key for key, count in held.items() if count)
            if not owned:
                continue
            track, gtin = draw(st.sampled_from(owned))
            more["quantity"] = draw(st.integers(1, held[track, gtin]))
            held[track, gtin] -= more["quantity"]
            if kind is ProductHandedOver:
                more["to_track_id"] = draw(st.sampled_from([other for other in TRACKS if other != track]))
                held[more["to_track_id"], gtin] += more["quantity"]
        else:
            more["quantity"] = draw(st.integers(1, 3))
            held[track, gtin] += more["quantity"]
        events.append(made(kind, float(number // 2 if kind is ProductTaken else number), track, gtin, **more))
    return events


@st.composite
def doubtful_streams(draw: st.DrawFn) -> list[Event]:
    """Anything that vision may say, right or wrong, with corrections."""
    events: list[Event] = list(JOINED)
    for number in range(draw(st.integers(0, 20))):
        kind: Any = draw(
            st.sampled_from([ProductTaken, ProductTaken, ProductReturned, ProductHandedOver, ProductSettled])
        )
        track, gtin = draw(st.sampled_from(TRACKS)), draw(st.sampled_from(PRODUCTS))
        other = draw(st.sampled_from(TRACKS))
        p = draw(st.sampled_from([0.3, 0.5, 0.9]))
        more: dict[str, Any] = {
            "id": f"e{number}",
            "confidence": draw(st.sampled_from([0.0, 0.4, 0.96, 1.0])),
            "quantity": draw(st.integers(1, 3)),
        }
        if draw(st.booleans()) and other != track:
            more["who"] = (Chance(id=track, probability=p), Chance(id=other, probability=round(0.99 - p, 2)))
        if kind is ProductHandedOver:
            more["to_track_id"] = other
        if kind is ProductSettled:
            more["settles"] = f"e{draw(st.integers(0, 20))}"
            more["by"] = draw(st.sampled_from(["evidence", "balance", "review"]))
        events.append(made(kind, float(draw(st.integers(0, 10))), track, gtin, **more))
    return events


policies = st.builds(Policy, hand_over=st.sampled_from(["picker_pays", "holder_pays", "group"]))


@settings(max_examples=150)
@given(st.one_of(streams(), doubtful_streams()), policies, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_repetition_gives_the_same_receipts(events, policy, rng: random.Random, data):
    expected = told(events, ROLES, policy)
    tabs = Tabs(policy)
    shuffled = [*events, *(event for event in events if rng.random() < 0.3)]
    rng.shuffle(shuffled)
    books = Books(PriceBook(CATALOGUE).at)
    for event in shuffled:
        books.add(event)
        if data.draw(st.booleans()):  # looking in between must change nothing
            assert tabs.baskets(books, ROLES) == baskets(books, ROLES, policy)
    found = baskets(books, ROLES, policy)
    assert {s: b for s, b in found.items() if b.lines or b.possible} == expected


@settings(max_examples=100)
@given(streams(), policies)
def test_no_package_is_lost_or_made(events, policy):
    """Taken less what went back is what is held; and what has a payer is owed just once."""
    books = Books(PriceBook(CATALOGUE).at)
    books.add_all(events)
    balance: Counter[str] = Counter()
    for event in events:
        if isinstance(event, ProductTaken):
            balance[event.gtin] += event.quantity
        elif isinstance(event, ProductReturned | ProductMisplaced):
            balance[event.gtin] -= event.quantity
    held = Counter(stake.gtin for stake in books.stakes())
    assert held == +balance
    assert books.contradictions() == ()
    owed: Counter[str] = Counter()
    for basket in baskets(books, ROLES, policy).values():
        owed.update(amounts(basket))
    assert owed <= held


@settings(max_examples=150)
@given(doubtful_streams(), policies)
def test_no_line_is_ever_negative_and_no_probability_beyond_one(events, policy):
    for basket in told(events, ROLES, policy).values():
        for line in (*basket.lines, *basket.possible):
            assert line.quantity >= 0
            assert 0 <= line.discount <= line.quantity * line.unit_price
            assert 0 <= line.confidence <= 1
    books = Books(PriceBook(CATALOGUE).at)
    books.add_all(events)
    by_unit: Counter[tuple[str, int]] = Counter()
    for stake in books.stakes():
        by_unit[stake.unit] += stake.probability
    assert all(total <= 1 + 1e-9 for total in by_unit.values())
