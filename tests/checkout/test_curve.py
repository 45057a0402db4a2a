from __future__ import annotations

import pytest

from checkout.curve import Item, curve, items, threshold_of
from checkout.policy import Policy
from checkout.prices import PriceBook
from store.events import (
    Chance,
    Event,
    ProductReturned,
    ProductSettled,
    ProductTaken,
    SessionClosed,
    SessionJoined,
    SessionOpened,
)
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, T0

PRICES = PriceBook(CATALOGUE)
ONE = {"store": "s", "time": T0}


def visit(name: str, at: float = 10.0, **opened) -> list[Event]:
    common = {**ONE, "session_id": name}
    return [
        SessionOpened(**common, gate="entry", **opened),
        SessionJoined(**common, track_id=name),
        SessionClosed(**{**common, "time": T0 + at}, gate="exit"),
    ]


def taken(id: str, track: str, gtin: str = MILK, **more) -> ProductTaken:
    return ProductTaken(**{**ONE, "id": id, "track_id": track, "gtin": gtin, **more})


def answered(about: str, track: str, gtin: str = MILK, happened: bool = True, by: str = "review") -> ProductSettled:
    return ProductSettled(
        **ONE,
        settles=about,
        track_id=track,
        gtin=gtin,
        confidence=1.0 if happened else 0.0,
        by=by,
        review_id=f"r-{about}",
    )


def found(*events: Event, **more) -> dict[tuple[str, str], Item]:
    every = items(events, T0, T0 + 100, PRICES, Policy(), **more)
    return {(item.session_id, item.event_id): item for item in every}


def test_an_item_is_what_one_event_brought_into_one_basket():
    mine = found(
        *visit("anna"), *visit("ben"),
        taken("e1", "anna", confidence=0.9, quantity=2),
        taken("e2", "anna", BREAD, who=(Chance(id="anna", probability=0.7), Chance(id="ben", probability=0.3))),
        taken("e3", "ben", confidence=0.04),
    )  # fmt: skip
    assert mine.keys() == {("anna", "e1"), ("anna", "e2"), ("ben", "e2")}
    first, second, third = (mine[key] for key in (("anna", "e1"), ("anna", "e2"), ("ben", "e2")))
    assert (first.certainty, first.charged) == (0.9, 240)
    assert first.risk == pytest.approx(24)
    assert (second.certainty, second.charged) == (0.7, 250)
    assert second.risk == pytest.approx(75)
    assert (third.certainty, third.charged) == (0.7, 0)
    assert third.risk == pytest.approx(75), "what is not charged may be missed"
    assert {item.wrong for item in mine.values()} == {None}


def test_who_pays_nothing_and_who_closed_at_another_time_is_not_counted():
    assert found(*visit("s", role="staff"), taken("e1", "s")) == {}
    assert found(*visit("early", at=-1), taken("e1", "early")) == {}
    assert found(*visit("late", at=100), taken("e1", "late")) == {}
    assert found(*visit("in", at=99), taken("e1", "in")) != {}


def test_answers_say_what_was_wrong_and_leave_the_certainty_as_it_was():
    doubt = (Chance(id="anna", probability=0.6), Chance(id="ben", probability=0.4))
    facts = [
        *visit("anna"), *visit("ben"), taken("e1", "anna", who=doubt), taken("e2", "anna", BREAD, confidence=0.7),
        taken("e3", "ben", confidence=0.8), answered("e1", "ben"), answered("e2", "anna", BREAD),
        answered("e3", "ben", happened=False),
    ]  # fmt: skip
    mine = found(*facts)
    assert {key: (item.certainty, item.wrong) for key, item in mine.items()} == {
        ("anna", "e1"): (0.6, 120), ("ben", "e1"): (0.6, 120), ("anna", "e2"): (0.7, 0), ("ben", "e3"): (0.8, 120),
    }  # fmt: skip
    assert {item.wrong for item in found(*facts, answers=False).values()} == {None}


def test_other_evidence_is_no_answer():
    mine = found(*visit("anna"), taken("e1", "anna", confidence=0.6), answered("e1", "anna", by="evidence"))
    assert [(item.certainty, item.wrong) for item in mine.values()] == [(1.0, None)]


def test_a_mistake_that_nobody_was_unsure_of_is_known_once_it_is_disputed():
    wrong_person = [*visit("anna"), *visit("ben"), taken("e1", "anna"), answered("e1", "ben")]
    assert {key: (item.certainty, item.wrong) for key, item in found(*wrong_person).items()} == {
        ("anna", "e1"): (1.0, 120), ("ben", "e1"): (1.0, 120),
    }  # fmt: skip
    back = ProductReturned(**{**ONE, "time": T0 + 1, "id": "e2", "track_id": "anna", "gtin": MILK, "confidence": 0.3})
    returned = found(*visit("anna"), taken("e1", "anna"), back)
    assert [item.certainty for item in returned.values()] == [0.7]


def item(certainty: float, charged: float = 100, wrong: float | None = None) -> Item:
    return Item("s", "e", certainty, charged, charged * (1 - certainty), wrong)


def test_the_curve_goes_from_no_review_to_all():
    shape = curve([item(0.9), item(0.6, wrong=100), item(1.0), item(0.6, wrong=0), item(0.8, wrong=100)])
    assert shape.charged == 500
    rows = zip(*(each.tolist() for each in (shape.threshold, shape.rate, shape.expected, shape.known)), strict=True)
    assert [tuple(round(value, 6) for value in row) for row in rows] == [
        (0.6, 0.0, 0.22, 0.4), (0.8, 0.4, 0.06, 0.2), (0.9, 0.6, 0.02, 0.0), (1.0, 0.8, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0),
    ]  # fmt: skip


def test_a_curve_of_much_has_few_points_and_a_curve_of_nothing_none_that_are_wrong():
    shape = curve([item(0.5 + n / 4000) for n in range(2000)])
    assert len(shape.rate) <= 201
    assert (shape.rate[0], shape.rate[-1]) == (0, 1)
    assert (shape.rate[1:-1] > shape.rate[:-2]).all()
    assert (shape.expected[1:-1] < shape.expected[:-2]).all()
    nothing = curve([])
    assert nothing.rate.tolist() == [0.0, 0.0]
    assert nothing.charged == 0


@pytest.mark.parametrize(
    ("share", "threshold"), [(0.0, 0.5), (0.24, 0.5), (0.25, 0.6), (0.5, 0.6), (0.75, 0.9), (1.0, 0.95)]
)
def test_the_share_becomes_the_largest_threshold_that_keeps_to_it(share, threshold):
    mine = [item(0.9), item(0.6), item(0.5), item(0.6)]
    assert threshold_of(mine, share, Policy()) == threshold
    assert sum(each.certainty < threshold for each in mine) <= share * 4


def test_what_is_sure_is_no_question_whatever_the_share():
    assert threshold_of([item(0.99)] * 9, 0.5, Policy(sure_at=0.95)) == 0.95
