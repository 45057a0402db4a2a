"""The checkout service on a real bus and a real database: receipts, payments, restarts, failures."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import select

from checkout.ids import receipt_id_of
from checkout.payment import Due, PaymentError, collect_due
from checkout.service import GROUP, CheckoutService, StreamClock
from store import tables
from store.bus import Bus
from store.errors import UnavailableError
from store.events import (
    Chance,
    Event,
    GateDecided,
    PersonLeft,
    PersonMoved,
    ProductReturned,
    ProductSettled,
    ProductTaken,
    ReceiptCorrected,
    ReceiptDisputed,
    ReceiptIssued,
    SessionClosed,
    SessionJoined,
    SessionOpened,
)
from store.plan import Plan
from store.records import Records
from store.settings import Settings
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, T0
from tests.checkout.test_passages import PLAN

STORE = "shop"


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, store=STORE, settle_s=60)


@pytest.fixture
def bus(settings: Settings) -> Iterator[Bus]:
    with Bus.open(settings) as opened:
        yield opened


@pytest.fixture
def records(settings: Settings) -> Iterator[Records]:
    with Records.open(settings) as opened:
        yield opened


def walk(track: str, at: float, x: float, inwards: bool) -> PersonMoved:
    ys = (-0.5, 0.8) if inwards else (0.8, -0.5)
    times = (T0 + at - 0.5, T0 + at)
    return PersonMoved(
        id=f"walk-{track}-{at}", store=STORE, time=T0 + at, cameras=("c",), camera="c", size=(8, 8),
        track_id=(track, track), time_s=times, xy=((0.0, 0.0),) * 2, xy_m=((x, ys[0]), (x, ys[1])),
    )  # fmt: skip


def comes(track: str, at: float) -> PersonMoved:
    return walk(track, at, 1.5, True)


def goes(track: str, at: float) -> PersonMoved:
    return walk(track, at, 8.5, False)


def opened(at: float, session: str, **more: Any) -> SessionOpened:
    return SessionOpened(id=f"open-{session}", store=STORE, time=T0 + at, session_id=session, gate="entry", **more)


def taken(at: float, track: str, gtin: str = MILK, **more: Any) -> ProductTaken:
    id = more.pop("id", f"take-{track}-{at}")
    return ProductTaken(id=id, store=STORE, time=T0 + at, track_id=track, gtin=gtin, **more)


DOUBT = (Chance(id="ben", probability=0.6), Chance(id="tom", probability=0.4))
MORNING: list[Event] = [
    opened(0, "A", member="alias"), comes("anna", 2), opened(3, "B"), comes("ben", 5), taken(6, "anna", id="t1"),
    taken(7, "ben", BREAD), taken(8, "ben", who=DOUBT, id="t2"), goes("anna", 30), goes("ben", 30.5),
]  # fmt: skip


def service_of(bus: Bus, records: Records, settings: Settings, **more: Any) -> CheckoutService:
    return CheckoutService(bus, records, settings, PLAN, CATALOGUE, clock=more.pop("clock", Hands()), **more)


def rows(records: Records, table: Any) -> list[Any]:
    with records.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)).mappings())


def receipts(records: Records) -> dict[str, tuple[str, int]]:
    return {row["session_id"]: (row["state"], row["total"]) for row in rows(records, tables.receipts)}


def said(bus: Bus, kind: type[Any]) -> list[Any]:
    found = {event.id: event for _, event in bus.history(1e9) if isinstance(event, kind)}
    return list(found.values())


def test_from_the_gate_to_the_ledger(bus: Bus, records: Records, settings: Settings):
    hands = Hands()
    service = service_of(bus, records, settings, clock=hands)
    service.handle(MORNING)
    assert receipts(records) == {"A": ("draft", 120), "B": ("draft", 370)}
    assert [event.reason for event in said(bus, GateDecided)] == ["paid", "checking"]
    hands.now = 2.0
    service.tick()
    assert receipts(records) == {"A": ("issued", 120), "B": ("draft", 370)}
    (review,) = rows(records, tables.reviews)
    assert (review["about"], review["reason"], review["answered_at"]) == ("t2", "unsure", None)
    hands.now = 61.0
    service.tick()
    assert receipts(records)["B"] == ("issued", 370)
    answer = ProductSettled(
        id="answer", store=STORE, time=T0 + 200, settles="t2", track_id="tom", gtin=MILK, by="review"
    )
    service.handle([answer])
    service.tick()
    assert receipts(records)["B"] == ("corrected", 250)
    assert rows(records, tables.reviews)[0]["answered_at"] == T0 + 200
    booked = {
        session: [row["amount"] for row in rows(records, tables.ledger) if row["receipt_id"] == receipt_id_of(session)]
        for session in "AB"
    }
    assert {session: sorted(amounts) for session, amounts in booked.items()} == {"A": [120], "B": [-120, 370]}
    assert all(row["reference"].startswith("house:") for row in rows(records, tables.ledger))
    (anna,) = [row for row in rows(records, tables.receipts) if row["session_id"] == "A"]
    assert (anna["member"], anna["version"], anna["currency"]) == ("alias", 2, "EUR")
    assert [line["gtin"] for line in anna["lines"]] == [MILK]


def everything(records: Records) -> list[Any]:
    found: list[Any] = []
    for table in (tables.receipts, tables.ledger, tables.reviews):
        found += [
            {name: value for name, value in row.items() if name not in ("collected_at", "issued_at")}
            for row in rows(records, table)
        ]
    return found


def test_restarts_and_redelivery_change_nothing(bus: Bus, records: Records, settings: Settings, tmp_path):
    with Records.open(Settings(data_dir=tmp_path / "plain", store=STORE)) as plain:
        once = service_of(bus, plain, settings)
        once.handle([*MORNING, taken(300, "nobody")])
        once.tick()
        once.handle([opened(400, "C")])
        expected = everything(plain)
    rng = random.Random(3)
    walks = [event for event in MORNING if isinstance(event, PersonMoved)]
    for event in [*MORNING, taken(300, "nobody"), opened(400, "C")]:
        service = service_of(bus, records, settings)
        given = [event] if isinstance(event, PersonMoved) else [event, *rng.sample(MORNING[:1] + MORNING[4:5], 1)]
        service.handle(given)
        service.handle([event])
        service.tick()
    assert len(walks) == 4
    assert everything(records) == expected


def test_a_failure_of_the_database_is_made_good(bus: Bus, records: Records, settings: Settings, monkeypatch):
    service = service_of(bus, records, settings)
    failing = {"left": 0}
    insert = Records.insert

    def sometimes(self: Records, *arguments: Any) -> int:
        if failing["left"] > 0:
            failing["left"] -= 1
            raise UnavailableError("the database is away")
        return insert(self, *arguments)

    monkeypatch.setattr(Records, "insert", sometimes)
    for event in MORNING:
        failing["left"] = 1
        with suppress(UnavailableError):  # a walk that shows nothing writes nothing
            service.handle([event])
        failing["left"] = 0
        service.handle([event])
    assert receipts(records) == {"A": ("draft", 120), "B": ("draft", 370)}


def test_what_was_disputed_long_after_is_corrected_from_the_records(bus: Bus, records: Records, settings: Settings):
    service = service_of(bus, records, settings)
    service.handle(MORNING)
    week = 7 * 86_400.0
    service.handle([opened(week, "Z"), comes("zoe", week + 1)])
    service.tick()
    assert receipts(records)["A"] == ("issued", 120)
    later = service_of(bus, records, settings)  # remembers a day
    dispute = ReceiptDisputed(store=STORE, time=T0 + week + 5, receipt_id=receipt_id_of("A"), session_id="A", gtin=MILK)
    later.handle([dispute])
    disputed = [row for row in rows(records, tables.reviews) if row["reason"] == "disputed"]
    assert [row["about"] for row in disputed] == ["t1"]
    answer = ProductSettled(
        store=STORE, time=T0 + week + 9, settles="t1", track_id="anna", gtin=MILK, confidence=0.0, by="review"
    )
    later.handle([answer])
    assert receipts(records)["A"] == ("corrected", 0)
    assert [event.session_id for event in said(bus, ReceiptCorrected)] == ["A"]
    assert sum(row["amount"] for row in rows(records, tables.ledger) if row["receipt_id"] == receipt_id_of("A")) == 0


def test_a_catalogue_with_other_prices_corrects_nothing(bus: Bus, records: Records, settings: Settings):
    service_of(bus, records, settings).handle(MORNING)
    dearer = CATALOGUE.model_copy(
        update={"products": tuple(p.model_copy(update={"price": p.price + 100}) for p in CATALOGUE.products)}
    )
    hands = Hands()
    later = CheckoutService(bus, records, settings, PLAN, dearer, clock=hands)
    later.tick()
    later.handle([opened(40, "C")])
    hands.now = 10.0
    later.tick()
    issued = {event.session_id: event.total for event in said(bus, ReceiptIssued)}
    assert issued.keys() == {"A"}
    later.handle([opened(50, "D")])
    assert said(bus, ReceiptCorrected) == []


class Moody:
    """A provider that refuses at first."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.collected: dict[str, int] = {}

    def collect(self, due: Due) -> str:
        if self.refusals > 0:
            self.refusals -= 1
            raise PaymentError("not now")
        assert due.id not in self.collected
        self.collected[due.id] = due.amount
        return "card:1"


def test_a_provider_that_refuses_is_asked_again_and_never_twice(bus: Bus, records: Records, settings: Settings):
    hands, payments = Hands(), Moody(1)
    service = service_of(bus, records, settings, clock=hands, payments=payments)
    service.handle(MORNING)
    hands.now = 2.0
    service.tick()
    assert payments.collected == {}
    assert [row["reference"] for row in rows(records, tables.ledger)] == [None]
    assert collect_due(records, STORE, payments, 1.0) == 1
    assert collect_due(records, STORE, payments, 2.0) == 0
    assert list(payments.collected.values()) == [120]


def test_a_tester_gets_a_receipt_and_pays_nothing(bus: Bus, records: Records, settings: Settings):
    hands = Hands()
    service = service_of(bus, records, settings, clock=hands)
    service.handle([opened(0, "T", role="tester"), comes("t", 1), taken(2, "t"), goes("t", 9)])
    hands.now = 2.0
    service.tick()
    assert receipts(records) == {"T": ("issued", 120)}
    assert rows(records, tables.ledger) == []


def test_other_stores_are_none_of_its_business(bus: Bus, records: Records, settings: Settings):
    service = service_of(bus, records, settings)
    service.handle([event.model_copy(update={"store": "elsewhere"}) for event in MORNING])
    assert receipts(records) == {}


@contextmanager
def running(service: CheckoutService) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_over_the_bus_in_a_process_of_its_own(
    bus: Bus, records: Records, settings: Settings, wait_until: Callable[[Callable[[], bool]], None]
):
    bus.ensure_group(GROUP)
    with running(CheckoutService(bus, records, settings, PLAN, CATALOGUE)):
        bus.publish([*MORNING, *MORNING[4:6], PersonLeft(store=STORE, time=T0 + 33, track_id="x", entered_at=T0)])
        wait_until(lambda: receipts(records).get("A") == ("issued", 120))
        assert bus.wait_drained(GROUP, 30)
    assert receipts(records)["B"][0] == "draft"
    returned = ProductReturned(store=STORE, time=T0 + 29, track_id="anna", gtin=MILK)
    with running(CheckoutService(bus, records, settings, Plan(store=STORE), CATALOGUE)):
        bus.publish([returned])
        wait_until(lambda: receipts(records)["A"] == ("corrected", 0))


def test_the_clock_goes_on_between_events():
    hands = Hands()
    clock = StreamClock(hands)
    assert clock.now() == float("-inf")
    clock.saw(100.0)
    hands.now = 5.0
    assert clock.now() == 105.0
    clock.saw(103.0)
    assert clock.now() == 105.0
    clock.saw(110.0)
    assert clock.now() == 110.0


def test_the_share_that_may_be_reviewed_becomes_a_threshold(bus: Bus, records: Records, settings: Settings):
    def visit(number: int, at: float, confidence: float) -> list[Event]:
        name = f"v{number}"
        return [
            opened(at, name),
            SessionJoined(store=STORE, time=T0 + at, session_id=name, track_id=name),
            taken(at + 1, name, confidence=confidence),
            SessionClosed(store=STORE, time=T0 + at + 2, session_id=name, gate="exit"),
        ]

    def asked() -> set[str]:
        return {row["session_id"] for row in rows(records, tables.reviews)}

    def handled(service: CheckoutService, visits: list[Event]) -> None:
        service.handle(visits)
        clock.now += 3.0
        service.tick()

    clock = Hands()
    asking = Settings(data_dir=settings.data_dir, store=STORE, review_share=0.1)
    service = service_of(bus, records, asking, clock=clock)
    handled(service, visit(0, 0, 0.7))
    assert service.adjust() == 0.8, "too little is known: review_below holds"
    assert asked() == {"v0"}
    for number in range(1, 60):
        handled(service, visit(number, 10.0 * number, 0.81 + number / 1000))
    # Of 60 lines 6 may be reviewed: that of .7 and the five from .811 on.
    assert service.adjust() == pytest.approx(0.816)
    handled(service, [*visit(60, 700, 0.8155), *visit(61, 710, 0.8165)])
    assert asked() == {"v0", "v60"}
    again = service_of(bus, records, settings, clock=clock)
    handled(again, visit(62, 720, 0.8155))
    assert (again.adjust(), asked()) == (0.8, {"v0", "v60"}), "without the setting review_below holds"
