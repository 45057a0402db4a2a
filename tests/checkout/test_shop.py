"""Gates, sessions and receipts in memory: each thing that may happen at a gate has an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.shop import Shop
from store.events import (
    BasketChanged,
    Chance,
    Event,
    GateDecided,
    PersonPassed,
    ProductReturned,
    ProductSettled,
    ProductTaken,
    ReceiptCorrected,
    ReceiptDisputed,
    ReceiptDrafted,
    ReceiptIssued,
    ReviewRequested,
    SessionChecked,
    SessionClosed,
    SessionJoined,
    SessionLeft,
    SessionOpened,
)
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, T0, WINE

POLICY = Policy(settle_s=60, lateness_s=1, bind_s=20)


def opened(at: float, session: str = "A", **more: Any) -> SessionOpened:
    return SessionOpened(id=f"open-{session}", store="s", time=T0 + at, session_id=session, gate="entry", **more)


def passed(at: float, track: str, way: str = "in", gate: str | None = None) -> PersonPassed:
    gate = gate or ("entry" if way == "in" else "exit")
    return PersonPassed(id=f"{track}-{way}-{at}", store="s", time=T0 + at, track_id=track, gate=gate, way=way)


def taken(at: float, track: str = "anna", gtin: str = MILK, **more: Any) -> ProductTaken:
    id = more.pop("id", f"take-{at}-{track}")
    return ProductTaken(id=id, store="s", time=T0 + at, track_id=track, gtin=gtin, **more)


class Desk:
    """A shop, and all that it said."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.shop = Shop("s", PriceBook(CATALOGUE), policy)
        self.said: list[Event] = []

    def take(self, *events: Event) -> list[Event]:
        new = [said for event in events for said in self.shop.take(event)]
        self.said += new
        return new

    def tick(self, at: float) -> list[Event]:
        new = self.shop.tick(T0 + at)
        self.said += new
        return new

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.said if isinstance(event, kind)]

    def reasons(self) -> list[tuple[str, bool, str]]:
        return [(event.way, event.open, event.reason) for event in self.of(GateDecided)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_in_take_out_and_paid(desk: Desk):
    desk.take(opened(0), passed(2, "anna"), taken(10), taken(11, gtin=BREAD, quantity=2))
    assert [(e.session_id, e.track_id) for e in desk.of(SessionJoined)] == [("A", "anna")]
    assert [event.total for event in desk.of(BasketChanged)] == [120, 620]
    last = desk.take(passed(60, "anna", "out"))
    assert [type(event) for event in last] == [SessionLeft, GateDecided, SessionClosed, ReceiptDrafted]
    decision = desk.of(GateDecided)[0]
    assert (decision.open, decision.reason, decision.total, decision.gate) == (True, "paid", 620, "exit")
    assert desk.tick(60.5) == []
    (issued,) = desk.tick(61)
    assert isinstance(issued, ReceiptIssued)
    assert (issued.receipt_id, issued.total) == (decision.receipt_id, 620)
    assert desk.tick(1000) == []


def test_who_takes_nothing_gets_an_empty_receipt(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), passed(30, "anna", "out"))
    desk.tick(40)
    assert desk.reasons() == [("out", True, "nothing_taken")]
    assert [event.lines for event in desk.of(ReceiptIssued)] == [()]


def test_a_turn_back_at_the_gate_ends_the_session_without_a_receipt(desk: Desk):
    desk.take(opened(0))
    assert desk.tick(19) == []
    (closed,) = desk.tick(20)
    assert isinstance(closed, SessionClosed)
    assert closed.reason == "turned_back"
    desk.tick(500)
    assert desk.of(ReceiptDrafted) == []
    # Whoever comes later cannot use it.
    desk.take(passed(21, "anna"))
    assert desk.reasons() == [("in", False, "tailgater")]


def test_a_tailgater_is_told_of_and_pays_nothing(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), passed(1.7, "tom"), taken(5, "tom"), taken(6, "anna", BREAD))
    assert desk.reasons() == [("in", False, "tailgater")]
    desk.take(passed(30, "tom", "out"), passed(31, "anna", "out"))
    assert desk.reasons()[1:] == [("out", False, "no_session"), ("out", True, "paid")]
    assert [[line.gtin for line in event.lines] for event in desk.of(ReceiptDrafted)] == [[BREAD]]


def test_a_group_shares_a_session_and_the_last_closes_it(desk: Desk):
    desk.take(opened(0, group_size=3), passed(1, "anna"), passed(2, "ben"), passed(3, "cleo"), passed(4, "tom"))
    assert [event.track_id for event in desk.of(SessionJoined)] == ["anna", "ben", "cleo"]
    assert desk.reasons() == [("in", False, "tailgater")]
    desk.take(taken(5, "anna"), taken(6, "ben"), passed(10, "anna", "out"), passed(11, "cleo", "out"))
    assert desk.of(SessionClosed) == []
    desk.take(passed(12, "ben", "out"))
    assert [event.total for event in desk.of(ReceiptDrafted)] == [240]


def test_a_group_smaller_than_it_said_closes_when_nobody_else_can_come(desk: Desk):
    desk.take(opened(0, group_size=3), passed(1, "anna"), passed(10, "anna", "out"))
    desk.tick(20)
    assert desk.of(SessionClosed) == []
    assert [type(event) for event in desk.tick(21)] == [SessionClosed, ReceiptDrafted, ReceiptIssued]


def bound(desk: Desk) -> dict[str, str]:
    return {event.track_id: event.session_id for event in desk.of(SessionJoined)}


def test_who_lags_behind_a_group_does_not_take_the_place_of_who_showed_a_code_meanwhile(desk: Desk):
    desk.take(opened(0, "A", group_size=2), opened(1.5, "B"), passed(1.8, "anna"), passed(2.8, "ben"))
    desk.take(opened(5, "C"), passed(6.5, "cleo"), passed(15, "dan"))
    assert bound(desk) == {"anna": "A", "ben": "B", "cleo": "C", "dan": "A"}
    assert desk.of(GateDecided) == []


def test_a_code_that_was_shown_this_moment_is_of_somebody_still_outside(desk: Desk):
    desk.take(
        opened(0, "A", group_size=2), passed(1.2, "anna"), opened(2.9, "B"), passed(3.1, "ann"), passed(4.2, "ben")
    )
    assert bound(desk) == {"anna": "A", "ann": "A", "ben": "B"}


def test_who_comes_right_behind_a_group_is_of_it_rather_than_of_one_that_came_before(desk: Desk):
    desk.take(opened(0, "A", group_size=2), passed(1.5, "anna"), opened(4, "B", group_size=2), passed(5.5, "ben"))
    desk.take(passed(6.7, "bob"), passed(9.0, "ann"))
    assert bound(desk) == {"anna": "A", "ben": "B", "bob": "B", "ann": "A"}  # killed: a rate that stays the same


def test_each_of_a_group_may_take_their_time_after_the_one_before(desk: Desk):
    desk.take(opened(0, group_size=3), passed(2, "anna"), passed(15, "ben"), passed(34, "cleo"))
    assert bound(desk) == dict.fromkeys(("anna", "ben", "cleo"), "A")
    desk.take(opened(100, "B", group_size=2), passed(102, "dan"), passed(123, "tom"))
    assert desk.reasons() == [("in", False, "tailgater")]


def test_how_sure_it_is_who_came_stands_in_the_fact(desk: Desk):
    desk.take(opened(0, "A"), passed(1.5, "anna"), opened(10, "B"), opened(10.4, "C"), passed(12, "ben"))
    sure, unsure = (event.confidence for event in desk.of(SessionJoined))
    assert sure == 1.0
    assert 0.5 < unsure < 0.9


def test_two_sessions_at_one_gate_are_taken_in_turn(desk: Desk):
    desk.take(opened(0, "A"), opened(1, "B"), passed(2, "anna"), passed(3, "ben"))
    assert [(e.session_id, e.track_id) for e in desk.of(SessionJoined)] == [("A", "anna"), ("B", "ben")]


def test_who_passed_just_before_the_code_was_read_belongs_to_it(desk: Desk):
    desk.take(passed(0, "anna"), opened(1))
    assert [(e.session_id, e.track_id) for e in desk.of(SessionJoined)] == [("A", "anna")]
    desk.take(passed(3, "tom"), opened(9, "B"))
    assert len(desk.of(SessionJoined)) == 1


def test_an_exit_without_an_entry_is_told_of(desk: Desk):
    desk.take(passed(5, "tom", "out"))
    assert desk.reasons() == [("out", False, "no_session")]
    assert desk.of(GateDecided)[0].session_id is None


def test_staff_go_in_and_out_without_a_receipt(desk: Desk):
    desk.take(opened(0, role="staff"), passed(1, "stella"), taken(2, "stella"), passed(9, "stella", "out"))
    desk.tick(1000)
    assert desk.reasons() == [("out", True, "staff")]
    assert not desk.of(ReceiptDrafted) + desk.of(BasketChanged)


def test_a_session_that_is_never_seen_again_ends(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2))
    (closed, drafted, *_) = desk.tick(POLICY.lost_s + 1)
    assert (closed.reason, drafted.total) == ("lost", 120)


def test_age_is_checked_at_the_gate(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2, gtin=WINE), passed(9, "anna", "out"))
    assert desk.reasons() == [("out", False, "age_check")]
    assert desk.of(SessionClosed) == []
    desk.take(SessionChecked(store="s", time=T0 + 20, session_id="A", adult=False))
    assert desk.of(SessionClosed) == []
    desk.take(SessionChecked(store="s", time=T0 + 30, session_id="A", adult=True))
    assert desk.reasons()[1:] == [("out", True, "age_checked")]
    assert [event.total for event in desk.of(ReceiptDrafted)] == [899]


def test_who_puts_it_back_may_go(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2, gtin=WINE), passed(9, "anna", "out"))
    desk.take(ProductReturned(store="s", time=T0 + 15, track_id="anna", gtin=WINE))
    assert desk.reasons()[1:] == [("out", True, "nothing_taken")]
    assert [event.total for event in desk.of(ReceiptDrafted)] == [0]


def test_who_walks_off_instead_pays_for_it(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2, gtin=WINE), passed(9, "anna", "out"))
    assert desk.tick(60) == []
    desk.tick(80)
    assert [event.total for event in desk.of(ReceiptIssued)] == [899]


def test_the_age_that_a_code_vouches_for_is_not_asked_again(desk: Desk):
    desk.take(opened(0, adult=True), passed(1, "anna"), taken(2, gtin=WINE), passed(30, "anna", "out"))
    assert desk.reasons() == [("out", True, "paid")]


WHO = (Chance(id="anna", probability=0.6), Chance(id="tom", probability=0.4))


def doubtful(desk: Desk) -> None:
    desk.take(opened(0), passed(1, "anna"), taken(2, who=WHO, id="t"), passed(30, "anna", "out"))


def test_a_receipt_waits_for_its_last_line(desk: Desk):
    doubtful(desk)
    assert desk.reasons() == [("out", True, "checking")]
    assert desk.of(ReviewRequested) == []  # killed: people asked what the last pictures tell
    (review,) = desk.tick(31)
    assert (type(review), review.about, review.reason, review.who) == (ReviewRequested, "t", "unsure", WHO)
    assert desk.tick(60) == []
    settled = ProductSettled(store="s", time=T0 + 70, settles="t", track_id="tom", gtin=MILK)
    (issued,) = desk.take(settled)
    assert (type(issued), issued.total) == (ReceiptIssued, 0)


def test_a_receipt_is_issued_when_its_time_is_spent_and_corrected_later(desk: Desk):
    doubtful(desk)
    _, issued = desk.tick(90)
    assert (type(issued), issued.total, issued.lines[0].confidence) == (ReceiptIssued, 120, 0.6)
    settled = ProductSettled(store="s", time=T0 + 200, settles="t", track_id="tom", gtin=MILK, by="review")
    (corrected,) = desk.take(settled)
    assert (type(corrected), corrected.lines, corrected.reason) == (ReceiptCorrected, (), "product.settled")
    assert desk.take(settled) == []


def test_a_line_that_nobody_is_asked_about_is_not_waited_for(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2, confidence=0.85, id="t"), passed(30, "anna", "out"))
    assert desk.tick(30.5) == []
    (issued,) = desk.tick(31)
    assert (type(issued), issued.total, issued.lines[0].state) == (ReceiptIssued, 120, "checking")


def test_a_dispute_gives_a_review_then_a_correction(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), taken(2, id="t"), taken(3, gtin=BREAD), passed(30, "anna", "out"))
    desk.tick(40)
    dispute = ReceiptDisputed(store="s", time=T0 + 100, receipt_id="r", session_id="A", gtin=MILK)
    (review,) = desk.take(dispute)
    assert (review.about, review.reason, review.gtin) == ("t", "disputed", MILK)
    assert desk.take(dispute.model_copy(update={"id": "again"})) == []
    answer = ProductSettled(
        store="s", time=T0 + 200, settles="t", track_id="anna", gtin=MILK, confidence=0.0, by="review"
    )
    (corrected,) = desk.take(answer)
    assert [line.gtin for line in corrected.lines] == [BREAD]


def test_a_late_fact_corrects_an_issued_receipt(desk: Desk):
    desk.take(opened(0), passed(1, "anna"), passed(30, "anna", "out"))
    desk.tick(40)
    (corrected,) = desk.take(taken(29))
    assert (type(corrected), corrected.total) == (ReceiptCorrected, 120)


def story() -> list[Event]:
    """A morning with two shoppers, doubt, dispute and correction."""
    return [
        opened(0), passed(1, "anna"), opened(3, "B"), passed(4, "ben"), taken(5, id="t1", who=WHO), taken(6, "ben"),
        taken(7, gtin=BREAD), ProductReturned(id="r", store="s", time=T0 + 8, track_id="ben", gtin=MILK),
        passed(30, "anna", "out"), taken(31, "ben", BREAD), passed(40, "ben", "out"),
        ProductSettled(id="p", store="s", time=T0 + 150, settles="t1", track_id="tom", gtin=MILK, by="review"),
    ]  # fmt: skip


def receipts(said: Iterable[Event]) -> dict[str, tuple[Any, ...]]:
    found = {}
    for event in said:
        if isinstance(event, ReceiptDrafted | ReceiptIssued | ReceiptCorrected):
            found[event.session_id] = event.lines
    return found


@settings(max_examples=60)
@given(st.permutations(range(5, 12)), st.lists(st.integers(0, 11), max_size=6))
def test_delayed_and_repeated_product_events_end_in_the_same_receipts(order, again):
    """Gates are asked in the order of time; what vision says comes within a minute, in any order, more than once."""
    events = story()
    expected = Desk()
    expected.take(*events)
    expected.tick(1000)
    products = [i for i in order if events[i].type.startswith("product.")]
    gates = [i for i in range(12) if not events[i].type.startswith("product.")]
    desk = Desk()
    desk.take(*(events[i] for i in gates[:4]))
    desk.take(*(events[i] for i in (*products[:3], *again, *gates[4:], *products[3:], *again)))
    desk.take(*(events[i] for i in (4, 5, 6, 7, 9, 11)))
    desk.tick(1000)
    assert receipts(desk.said) == receipts(expected.said)


def test_a_shop_that_remembers_goes_on_where_it_was():
    """At any moment a memory built from what was kept says what the first one goes on to say."""
    events = story()
    whole = Desk()
    whole.take(*events)
    whole.tick(1000)
    for cut in range(len(events) + 1):
        first, second = Desk(), Desk()
        kept: list[Event] = []
        for event in events[:cut]:
            kept += [event, *first.take(event)]
        second.shop.remember(event for event in kept if not isinstance(event, PersonPassed | GateDecided))
        second.take(*events[cut:])
        second.tick(1000)
        assert receipts([*first.said, *second.said]) == receipts(whole.said), cut
        issued = [event.id for event in (*first.said, *second.said) if isinstance(event, ReceiptIssued)]
        assert len(issued) == len(set(issued)) == 2


def test_what_is_long_past_is_forgotten_and_what_is_open_stays(desk: Desk):
    desk.take(*story(), opened(200, "C"), passed(201, "cleo"), taken(202, "cleo"))
    desk.tick(300)
    desk.shop.forget(T0 + 190)
    assert [session.id for session in desk.shop.sessions()] == ["C"]
    assert not desk.shop.knows("t1")
    desk.take(taken(310, "cleo"), passed(400, "cleo", "out"))
    desk.tick(500)
    assert desk.of(ReceiptIssued)[-1].total == 240
