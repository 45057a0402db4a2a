"""What is kept of what the bus carried: every fact once, and nothing about single people."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from sqlalchemy import select

from store.audit import GROUP, KEPT_TYPES, Audit
from store.bus import Bus
from store.events import (
    EVENT_TYPES,
    CameraDegraded,
    LineCrossed,
    PersonEntered,
    PersonLeft,
    PersonMoved,
    from_cloudevent,
)
from store.records import Records
from store.tables import events

CROSSED = LineCrossed(store="shop", time=5.5, cameras=("door",), line="door", direction="in")
DEGRADED = CameraDegraded(store="shop", time=6.0, cameras=("door",), reason="no fresh frame")
PEOPLE = (
    PersonEntered(store="shop", time=1.0, cameras=("door",), track_id="a1"),
    PersonMoved(store="shop", time=2.0, camera="door", size=(8, 8), track_id=("a1",), time_s=(2.0,), xy=((1.0, 2.0),)),
    PersonLeft(store="shop", time=3.0, cameras=("door",), track_id="a1", entered_at=1.0),
)


def kept(records: Records) -> list[tuple[str, str]]:
    with records.read() as connection:
        return [tuple(row) for row in connection.execute(select(events.c.type, events.c.body).order_by(events.c.time))]


def test_facts_are_kept_as_they_were_and_people_are_not(
    bus: Bus, records: Records, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    stop = threading.Event()
    bus.ensure_group(GROUP)
    bus.publish([*PEOPLE, CROSSED, DEGRADED])
    thread = threading.Thread(target=Audit(bus, records).run, args=(stop,))
    thread.start()
    try:
        assert bus.wait_drained(GROUP, 30)
        eventually(lambda: len(kept(records)) == 2)
    finally:
        stop.set()
        thread.join()
    assert [from_cloudevent(json.loads(body)) for _, body in kept(records)] == [CROSSED, DEGRADED]


def test_a_fact_that_is_given_again_is_kept_once(bus: Bus, records: Records) -> None:
    audit = Audit(bus, records)
    audit.handle([CROSSED, *PEOPLE])
    audit.handle([CROSSED, DEGRADED])
    assert [kind for kind, _ in kept(records)] == ["line.crossed", "camera.degraded"]


def test_it_ends_with_the_bus(bus: Bus, records: Records) -> None:
    thread = threading.Thread(target=Audit(bus, records).run, args=(threading.Event(),))
    thread.start()
    bus.close()
    thread.join(30)
    assert not thread.is_alive()


def test_every_type_but_those_of_people_and_raw_readings_is_kept() -> None:
    assert set(EVENT_TYPES) - KEPT_TYPES == {
        "person.entered",
        "person.is_staff",
        "person.moved",
        "person.left",
        "person.passed",
        "person.together",
        "plate.read",
    }
