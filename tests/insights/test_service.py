"""The service on a real bus and a real database: totals, restarts, failures and redelivery."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Table, select

from insights.service import GROUP, InsightsService
from store import tables
from store.bus import Bus
from store.errors import UnavailableError
from store.events import (
    Event,
    LineCrossed,
    PersonEntered,
    PersonIsStaff,
    PersonLeft,
    PersonMoved,
    SessionJoined,
    SessionOpened,
    ZoneEntered,
    ZoneLeft,
    ZoneQueue,
)
from store.plan import CameraView, Line, Plan, Zone
from store.records import Records
from store.settings import Settings

T0 = 1_700_000_000.0
VIEW = CameraView(
    camera="door",
    size=(640, 480),
    lines=(Line(name="door", a=(320, 0), b=(320, 480)),),
    zones=(Zone(name="till", polygon=((0, 0), (300, 0), (300, 480), (0, 480)), queue_limit=2),),
    homography=((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)),
)
PLAN = Plan(store="shop", cameras=(VIEW,))
Script = Callable[..., list[Event]]


def crowd(script: Script, people: int = 12) -> list[Event]:
    """People who walk to and fro across the line, one after the other and together."""
    paths = {
        f"p{n}": [
            (T0 + 7 * n + 0.2 * i, 320 + 250 * math.sin(n + 0.05 * i), 100 + 20 * (n % 5) + 0.3 * i) for i in range(200)
        ]
        for n in range(people)
    }
    return sorted(script(paths, rows=5), key=lambda event: event.time)


@contextmanager
def running(service: InsightsService) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def everything(records: Records) -> dict[str, list[tuple[object, ...]]]:
    """All that was counted, rounded so that the order of additions does not matter."""

    def rows(table: Table) -> list[tuple[object, ...]]:
        with records.read() as connection:
            found = connection.execute(select(table)).all()
        return sorted(tuple(round(v, 5) if isinstance(v, float) else v for v in row) for row in found)

    names = ("crossings", "zone_visits", "visits", "occupancy", "tiles")
    return {name: rows(tables.metadata.tables[name]) for name in names}


@pytest.fixture
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, script: Script
) -> tuple[list[Event], dict[str, list[tuple[object, ...]]]]:
    """Events, and what they come to when one service handles them in one go."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("undisturbed"), store="shop")
    events = crowd(script)
    with Records.open(settings) as records, Bus.open(settings) as bus:
        InsightsService(bus, records, settings, PLAN).handle(events)
        return events, everything(records)


def test_what_the_bus_brings_is_counted_and_told(
    bus: Bus, records: Records, settings: Settings, undisturbed: tuple[list[Event], dict]
):
    events, expected = undisturbed
    with running(InsightsService(bus, records, settings, PLAN)):
        bus.publish(events)
        assert bus.wait_drained(GROUP, 60)
    assert everything(records) == expected
    assert all(len(rows) > 0 for rows in expected.values())
    assert len(expected["visits"]) == 12
    said = [event for _, event in bus.history(1e9) if event not in events]
    assert {type(event) for event in said} == {LineCrossed, ZoneEntered, ZoneLeft, ZoneQueue}
    crossed = [event for event in said if isinstance(event, LineCrossed)]
    with records.read() as connection:
        rows = connection.execute(select(tables.crossings)).mappings().all()
    assert sorted((e.id, e.line, e.direction, e.cameras) for e in crossed) == sorted(
        (row["id"], row["line"], row["direction"], (row["camera"],)) for row in rows
    )
    assert sum(isinstance(event, ZoneLeft) for event in said) == len(expected["zone_visits"])
    left = next(event for event in said if isinstance(event, ZoneLeft))
    assert any(
        row[4] == round(left.time - left.dwell_s, 5) and row[5] == round(left.time, 5)
        for row in expected["zone_visits"]
    )
    with records.read() as connection:
        camera = connection.execute(select(tables.cameras)).mappings().one()
    assert (camera["camera"], camera["width"], camera["height"], camera["cell_px"]) == ("door", 640, 480, 13)
    assert camera["lines"] == [{"name": "door", "a": [320, 0], "b": [320, 480]}]
    assert camera["first_seen"] == events[0].time
    assert camera["last_seen"] == max(event.time for event in events if event.type == "person.moved")


def test_no_track_and_no_path_reaches_the_records(
    records: Records, bus: Bus, settings: Settings, undisturbed: tuple[list[Event], dict]
):
    events, _ = undisturbed
    InsightsService(bus, records, settings, PLAN).handle(events)
    tracks = {event.track_id for event in events if event.type == "person.left"}
    with records.read() as connection:
        for table in tables.metadata.sorted_tables:
            values = [str(v) for row in connection.execute(select(table)).all() for v in row]
            assert not [value for value in values if value in tracks]


@pytest.mark.parametrize("handled", [1, 37, 150, 290])
def test_a_service_that_is_started_again_counts_nothing_twice_and_forgets_nothing(
    bus: Bus, records: Records, settings: Settings, undisturbed: tuple[list[Event], dict], handled: int
):
    events, expected = undisturbed
    bus.publish(events)
    for at in range(0, handled, 16):
        InsightsService(bus, records, settings, PLAN).handle(events[at : min(at + 16, handled)])
    with running(InsightsService(bus, records, settings, PLAN)):
        assert bus.wait_drained(GROUP, 60)
    assert everything(records) == expected


def test_what_a_predecessor_took_and_never_finished_is_counted_in_its_place(
    bus: Bus, records: Records, settings: Settings, undisturbed: tuple[list[Event], dict]
):
    events, expected = undisturbed
    bus.publish(events)
    first = InsightsService(bus, records, settings, PLAN)

    stop = threading.Event()
    taken: list[int] = []

    def dies(batch: Sequence[Event]) -> None:
        taken.append(len(batch))
        if len(taken) == 1:
            first.handle(batch)
            return
        stop.set()
        raise UnavailableError("the process ends here")

    bus.consume(GROUP, dies, stop=stop, consumer="dead", batch=40, types=("person.moved", "person.left"))
    assert taken[:2] == [40, 40]
    # The dead consumer's events are given to others only after half a minute; they count in their order all the same.
    with running(InsightsService(bus, records, settings, PLAN)) as thread:
        wait_for_visits(records, 12, thread)
    assert everything(records) == expected


def wait_for_visits(records: Records, count: int, thread: threading.Thread) -> None:
    for _ in range(3000):
        with records.read() as connection:
            if len(connection.execute(select(tables.visits.c.id)).all()) == count:
                return
        thread.join(0.01)
    pytest.fail("not all was counted within 30 seconds")


class Breaking:
    """Records that break once, after everything of a batch was written, and before it was committed."""

    def __init__(self, records: Records, error: Exception, at: int) -> None:
        self._records, self._error, self._left = records, error, at

    def __getattr__(self, name: str) -> object:
        return getattr(self._records, name)

    @contextmanager
    def begin(self) -> Iterator[object]:
        with self._records.begin() as connection:
            yield connection
            self._left -= 1
            if self._left == 0:
                raise self._error


@pytest.mark.parametrize("error", [UnavailableError("the disk is full"), ZeroDivisionError("a mistake")])
def test_a_transaction_that_fails_leaves_no_trace(
    bus: Bus,
    records: Records,
    settings: Settings,
    undisturbed: tuple[list[Event], dict],
    error: Exception,
):
    events, expected = undisturbed
    breaking = Breaking(records, error, at=3)
    service = InsightsService(bus, breaking, settings, PLAN)  # type: ignore[arg-type]
    bus.publish(events)
    stop = threading.Event()
    thread = threading.Thread(
        target=bus.consume,
        args=(GROUP, service.handle),
        kwargs={"stop": stop, "batch": 32, "types": ("person.moved", "person.left")},
    )
    thread.start()
    try:
        assert bus.wait_drained(GROUP, 60)
    finally:
        stop.set()
        thread.join(30)
    assert everything(records) == expected
    assert bus.dead_letters() == []


def test_events_that_come_again_do_nothing(
    bus: Bus, records: Records, settings: Settings, undisturbed: tuple[list[Event], dict]
):
    events, expected = undisturbed
    service = InsightsService(bus, records, settings, PLAN)
    for at in range(0, len(events), 50):
        service.handle(events[at : at + 50])
        service.handle(events[max(0, at - 20) : at + 50])
    assert everything(records) == expected
    said = bus.length()
    InsightsService(bus, records, settings, PLAN).handle(events)
    assert everything(records) == expected
    assert bus.length() == said


def test_facts_that_are_told_twice_have_the_same_id(
    bus: Bus, records: Records, settings: Settings, undisturbed: tuple[list[Event], dict]
):
    events, _ = undisturbed
    breaking = Breaking(records, ZeroDivisionError(), at=1)
    service = InsightsService(bus, breaking, settings, PLAN)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        service.handle(events)
    first = [event for _, event in bus.history(1e9)]
    service.handle(events)
    both = [event for _, event in bus.history(1e9)]
    assert len(first) > 0
    assert both == first + first


def test_cameras_without_a_plan_and_other_shops(bus: Bus, records: Records, settings: Settings, script: Script):
    own = script({"p": [(T0 + t, 100, 100) for t in range(9)]}, camera="new", size=(320, 240))
    foreign = [event.model_copy(update={"store": "elsewhere", "id": f"f{event.id}"}) for event in own]
    service = InsightsService(bus, records, settings, [VIEW])
    service.handle([*own, *foreign, PersonEntered(store="shop", time=T0, cameras=("new",), track_id="p")])
    with records.read() as connection:
        rows = connection.execute(select(tables.visits)).mappings().all()
        camera = connection.execute(select(tables.cameras)).mappings().one()
        marks = connection.execute(select(tables.handled.c.event_id)).scalars().all()
    assert [(row["store"], row["camera"], row["entered_at"], row["left_at"]) for row in rows] == [
        ("shop", "new", T0, T0 + 8)
    ]
    assert (camera["camera"], camera["width"], camera["height"], camera["lines"]) == ("new", 320, 240, [])
    assert not any(mark.startswith("f") for mark in marks)


def test_the_preview_of_a_camera_is_left_alone(bus: Bus, records: Records, settings: Settings, script: Script):
    service = InsightsService(bus, records, settings, PLAN)
    one, two, _ = script({"p": [(T0 + t, 100, 100) for t in range(10)]}, rows=5)
    service.handle([one])
    with records.begin() as connection:
        connection.execute(tables.cameras.update().values(preview="door.jpg"))
    service.handle([two])
    with records.read() as connection:
        camera = connection.execute(select(tables.cameras)).mappings().one()
    assert (camera["preview"], camera["first_seen"], camera["last_seen"]) == ("door.jpg", one.time, two.time)


def test_footage_that_begins_anew_is_counted_anew(bus: Bus, records: Records, settings: Settings, script: Script):
    service = InsightsService(bus, records, settings, PLAN)
    walk = [(T0 + t, 200.0 if t < 100 else 400.0, 100.0) for t in range(200)]
    service.handle(script({"a": walk}, leave=False))
    service.handle(script({"b": walk}, name="again"))
    found = everything(records)
    assert [(row[4], row[5]) for row in found["crossings"]] == [("out", T0 + 99.6)] * 2
    assert [(row[3] - T0, row[4] - T0) for row in found["visits"]] == [(0, 199), (0, 199)]
    # What was counted up to the end of the first showing was not lost.
    assert sum(row[4] for row in found["occupancy"] if row[2] == "") == pytest.approx(2 * 199)


def test_visits_of_a_camera_that_never_showed_anybody(bus: Bus, records: Records, settings: Settings, script: Script):
    *_, left = script({"p": [(T0, 100, 100), (T0 + 5, 100, 100)]}, camera="new")
    InsightsService(bus, records, settings).handle([left])
    assert [(row[2], row[4] - row[3]) for row in everything(records)["visits"]] == [("new", 5)]


def test_who_is_followed_over_the_floor_is_one_person_in_each_picture(
    bus: Bus, records: Records, settings: Settings, script: Script
):
    """From the door, across its line, to another camera's aisle: one track, told of the floor and of each picture."""
    aisle = CameraView(camera="aisle", size=(640, 480))
    door = script({"p": [(T0 + 0.2 * i, 100 + 8 * i, 200) for i in range(50)]}, leave=False, name="d")
    later = script({"p": [(T0 + 8 + 0.2 * i, 100, 200 + i) for i in range(100)]}, camera="aisle", leave=False, name="a")
    both = ("door", "aisle")
    floor = [
        PersonMoved(
            id=f"f{k}", store="shop", time=T0 + k, cameras=both, track_id=("p",), time_s=(T0 + k,), xy_m=((1.0, 1.0),)
        )
        for k in range(28)
    ]
    left = PersonLeft(id="l", store="shop", time=T0 + 27.8, cameras=both, track_id="p", entered_at=T0)
    service = InsightsService(bus, records, settings, Plan(store="shop", cameras=(VIEW, aisle)))
    for event in [*sorted([*door, *later, *floor], key=lambda event: event.time), left]:
        service.handle([event])
    found = everything(records)
    assert len(found["crossings"]) == 1
    with records.read() as connection:
        visits = connection.execute(select(tables.visits.c.camera, tables.visits.c.entered_at, tables.visits.c.left_at))
        times = {camera: (a - T0, b - T0) for camera, a, b in visits}
    # killed: the whole visit to the shop as one to each picture
    assert times == {"door": pytest.approx((0, 9.8)), "aisle": pytest.approx((8, 27.8))}


@pytest.mark.parametrize("by", ["vest", "code", "customer", "later customer"])
def test_visits_of_staff_count_nowhere(by: str, bus: Bus, records: Records, settings: Settings, script: Script):
    """By the vest, or by a code of staff; who shows a customer's code is a shopper, whatever was shown before."""
    shopper = {"a": [(T0 + 0.2 * i, 100 + 6 * i, 200) for i in range(80)]}
    other = {"b": [(T0 + 0.2 * i, 100 + 6 * i, 300) for i in range(80)]}

    def joined(session: str, role: str, at: float) -> list[Event]:
        opened = SessionOpened(store="shop", time=at, session_id=session, gate="entry", role=role)
        return [opened, SessionJoined(store="shop", time=at, session_id=session, track_id="b")]

    told: dict[str, list[Event]] = {
        "vest": [PersonIsStaff(store="shop", time=T0, confidence=0.95, track_id="b")],
        "code": joined("s", "staff", T0),
        "customer": joined("s", "customer", T0),
        "later customer": [*joined("s", "staff", T0), *joined("t", "customer", T0 + 0.1)],
    }
    alone, both = InsightsService(bus, records, settings, PLAN), script({**shopper, **other})
    alone.handle(told[by])
    for event in both:
        alone.handle([event])
    found = everything(records)
    people = 1 if by in ("vest", "code") else 2
    assert len(found["crossings"]) == len(found["visits"]) == people
    assert max(row[-1] for row in found["occupancy"]) == people


def test_what_was_counted_before_staff_are_known_stays_but_they_are_no_visit(
    bus: Bus, records: Records, settings: Settings, script: Script
):
    walked = script({"b": [(T0 + 0.2 * i, 100 + 6 * i, 300) for i in range(150)]}, rows=5)
    service = InsightsService(bus, records, settings, PLAN)
    middle = 20
    for event in [*walked[:middle], PersonIsStaff(store="shop", time=T0, track_id="b"), *walked[middle:]]:
        service.handle([event])
    found = everything(records)
    assert len(found["crossings"]) == 1
    assert found["visits"] == []
    InsightsService(bus, records, settings, PLAN).handle(
        [
            PersonIsStaff(store="shop", time=T0, track_id="q"),
            *script({"q": [(T0, 5, 5), (T0 + 1, 5, 5)]}, name="q")[-1:],
        ]
    )
    assert everything(records)["visits"] == []  # killed: who left and never moved is a visit all the same
