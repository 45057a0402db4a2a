"""Consumer groups on real servers: who handles what when handlers fail, processes die and servers restart."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select
from structlog.testing import capture_logs

from store.bus import Bus, BusError, Limits
from store.errors import UnavailableError
from store.events import Event, PersonEntered, PersonLeft
from store.records import Records
from store.settings import Settings
from store.tables import tiles

ROOT = Path(__file__).parents[2]
QUICK = Limits(deliveries=3, retry_s=0.02, claim_idle_s=0.05)
Events = Callable[[int], list[Event]]
Eventually = Callable[[Callable[[], bool]], None]


def tracks(events: Sequence[Event]) -> list[str]:
    return [event.track_id for event in events if isinstance(event, PersonEntered)]


def test_every_group_gets_every_event_in_order(bus: Bus, consumers: Any, entered: Events) -> None:
    events = entered(300)
    bus.publish(events[:100])
    seen: dict[str, list[Event]] = {"a": [], "b": []}
    sizes: list[int] = []

    def handler(batch: Sequence[Event]) -> None:
        seen["a"].extend(batch)
        sizes.append(len(batch))

    consumers.add(bus, "a", handler, batch=64)
    consumers.add(bus, "b", seen["b"].extend)
    bus.publish(events[100:])
    assert bus.wait_drained("a", 20)
    assert bus.wait_drained("b", 20)
    assert seen == {"a": events, "b": events}
    assert max(sizes) == 64
    assert bus.lags() == {"a": 0, "b": 0}


def test_an_event_sent_twice_stands_once_in_a_batch(bus: Bus, consumers: Any, entered: Events) -> None:
    first, second = entered(2)
    bus.publish([first, second, first])
    seen: list[list[Event]] = []
    consumers.add(bus, "g", lambda events: seen.append(list(events)))
    assert bus.wait_drained("g", 20)
    assert seen == [[first, second]]


def test_the_members_of_a_group_share_its_events(bus: Bus, consumers: Any, entered: Events) -> None:
    seen: list[list[Event]] = [[], [], []]
    for mine in seen:
        consumers.add(bus, "g", mine.extend, batch=7)
    events = entered(500)
    for at in range(0, 500, 50):
        bus.publish(events[at : at + 50])
    assert bus.wait_drained("g", 20)
    assert sorted(tracks([event for mine in seen for event in mine])) == sorted(tracks(events))


def test_a_handler_gets_the_types_it_asked_for(bus: Bus, consumers: Any, entered: Events) -> None:
    seen: list[Event] = []
    left = PersonLeft(store="shop", time=1.0, track_id="x", entered_at=0.0)
    bus.publish([*entered(5), left, *entered(5)])
    consumers.add(bus, "g", seen.extend, types={"person.left"})
    assert bus.wait_drained("g", 20)
    assert seen == [left]


def test_an_event_is_done_only_when_its_handler_returned(
    bus: Bus, consumers: Any, entered: Events, eventually: Eventually
) -> None:
    inside, gate = threading.Event(), threading.Event()

    def handler(_: Sequence[Event]) -> None:
        inside.set()
        gate.wait(20)

    bus.publish(entered(4))
    consumers.add(bus, "g", handler)
    assert inside.wait(20)
    assert bus.lags() == {"g": 4}
    assert list(bus.history(3_600, handled_by="g")) == []
    gate.set()
    assert bus.wait_drained("g", 20)
    assert len(list(bus.history(3_600, handled_by="g"))) == 4


CONSUME_AND_HANG = """
import sys, threading, time
from store.bus import Bus
from store.settings import Settings

def handler(events):
    print(",".join(event.track_id for event in events), flush=True)
    time.sleep(600)

with Bus.open(Settings()) as bus:
    bus.consume("g", handler, stop=threading.Event(), batch=10, consumer="victim")
"""


def test_what_a_killed_process_left_is_taken_over(
    bus_settings: Settings, tcp_server: Any, consumers_of: Any, entered: Events
) -> None:
    settings = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url})
    with Bus.open(settings) as bus, consumers_of(bus) as run:
        bus.publish(entered(15))
        environment = {**os.environ, "REDIS_URL": tcp_server.url, "AISLE_DATA_DIR": str(settings.data_dir)}
        victim = subprocess.Popen(
            [sys.executable, "-c", CONSUME_AND_HANG], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert victim.stdout is not None
        with victim.stdout:
            assert victim.stdout.readline().strip() == "0,1,2,3,4,5,6,7,8,9"
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        seen: list[Event] = []
        run("g", seen.extend, limits=QUICK)
        assert bus.wait_drained("g", 20)
        assert sorted(map(int, tracks(seen))) == list(range(15))
        assert tracks(seen)[-10:] == [str(i) for i in range(10)] or tracks(seen)[:10] == [str(i) for i in range(10)]


def test_what_is_held_by_a_living_consumer_is_left_alone(
    bus: Bus, consumers: Any, raw: redis.Redis, entered: Events
) -> None:
    bus.ensure_group("g")
    bus.publish(entered(3))
    raw.xreadgroup("g", "busy", {bus.stream: ">"}, count=2)
    seen: list[Event] = []
    consumers.add(bus, "g", seen.extend, limits=Limits(retry_s=0.02, claim_idle_s=600.0))
    assert not bus.wait_drained("g", 0.5)
    assert tracks(seen) == ["2"]
    assert bus.lags() == {"g": 2}


def test_one_poisoned_event_is_buried_and_the_others_are_handled(bus: Bus, consumers: Any, entered: Events) -> None:
    calls: list[list[str]] = []
    handled: list[str] = []

    def handler(events: Sequence[Event]) -> None:
        calls.append(tracks(events))
        if "5" in tracks(events):
            raise ValueError("cannot digest")
        handled.extend(tracks(events))

    events = entered(10)
    with capture_logs() as logs:
        bus.publish(events)
        consumers.add(bus, "g", handler, limits=QUICK)
        assert bus.wait_drained("g", 20)
        bus.publish(entered(1))
        assert bus.wait_drained("g", 20)
    assert handled == ["0", "1", "2", "3", "4", "6", "7", "8", "9", "0"]
    assert calls.count(["5"]) == 3
    (letter,) = bus.dead_letters()
    assert json.loads(letter["event"]) == events[5].to_cloudevent()
    assert (letter["type"], letter["group"], letter["deliveries"]) == ("person.entered", "g", "3")
    assert letter["error"] == "ValueError: cannot digest"
    failed = [line for line in logs if line["event"] == "bus.handler_failed"]
    assert [(line["event_id"], line["deliveries"]) for line in failed] == [(events[5].id, 1), (events[5].id, 2)]
    assert "test_consumer.py" in failed[0]["at"]
    assert [line["log_level"] for line in logs if line["event"] == "bus.event_buried"] == ["error"]


def test_a_failure_that_passes_costs_nothing(bus: Bus, consumers: Any, entered: Events) -> None:
    calls: list[str] = []

    def handler(events: Sequence[Event]) -> None:
        calls.extend(tracks(events))
        if calls.count("0") < 2:
            raise ValueError("not yet")

    bus.publish(entered(1))
    consumers.add(bus, "g", handler, limits=QUICK)
    assert bus.wait_drained("g", 20)
    assert calls == ["0", "0"]
    assert bus.dead_letters() == []


def test_an_event_that_kills_its_consumers_is_buried_unhandled(
    bus: Bus, consumers: Any, raw: redis.Redis, entered: Events
) -> None:
    bus.ensure_group("g")
    bus.publish(entered(4))
    given = [stream_id for stream_id, _ in raw.xreadgroup("g", "dead", {bus.stream: ">"})[0][1]]  # type: ignore[index]
    raw.xclaim(bus.stream, "g", "dead", 0, [given[1]], retrycount=3, justid=True)
    raw.xclaim(bus.stream, "g", "dead", 0, [given[2]], retrycount=2, justid=True)
    calls: list[list[str]] = []
    consumers.add(bus, "g", lambda events: calls.append(tracks(events)), limits=QUICK)
    assert bus.wait_drained("g", 20)
    assert calls == [["0", "3"], ["2"]]  # what was tried before is tried alone
    (letter,) = bus.dead_letters()
    assert (letter["stream_id"], letter["deliveries"]) == (given[1], "3")


def test_what_is_no_event_is_buried_at_once_and_a_newer_type_passed_over(
    bus: Bus, consumers: Any, raw: redis.Redis, entered: Events
) -> None:
    seen: list[Event] = []
    newer = {"specversion": "1.0", "id": "1", "source": "/stores/shop", "type": "person.flew", "data": {}}
    raw.xadd(bus.stream, {"type": "person.flew", "event": json.dumps({**newer, "time": "2026-01-01T00:00:00Z"})})
    raw.xadd(bus.stream, {"type": "person.entered", "event": "{"})
    raw.xadd(bus.stream, {"type": "person.entered", "event": "[]"})
    raw.xadd(bus.stream, {"noise": "x"})
    bus.publish(entered(1))
    consumers.add(bus, "g", seen.extend, limits=QUICK)
    assert bus.wait_drained("g", 20)
    assert tracks(seen) == ["0"]
    letters = bus.dead_letters()
    assert [(letter["event"], letter["deliveries"]) for letter in letters] == [("", "1"), ("[]", "1"), ("{", "1")]
    assert len(bus.dead_letters(newest=2)) == 2


def test_an_outage_behind_the_handler_is_waited_out(
    bus: Bus, consumers: Any, raw: redis.Redis, entered: Events
) -> None:
    tries: list[list[str]] = []
    pending: list[int] = []

    def handler(events: Sequence[Event]) -> None:
        tries.append(tracks(events))
        if len(tries) < 5:
            raise UnavailableError("the database is away")
        pending.extend(p["times_delivered"] for p in raw.xpending_range(bus.stream, "g", "-", "+", 10))

    bus.publish(entered(2))
    consumers.add(bus, "g", handler, limits=QUICK)
    assert bus.wait_drained("g", 30)
    assert tries == [["0", "1"]] * 5
    assert pending == [1, 1]  # more tries than QUICK.deliveries, none of them counted
    assert bus.dead_letters() == []


def test_stopping_during_an_outage_leaves_the_events_to_the_next(
    bus: Bus, consumers: Any, entered: Events, eventually: Eventually
) -> None:
    stop = threading.Event()
    tried = threading.Event()

    def handler(_: Sequence[Event]) -> None:
        tried.set()
        raise UnavailableError("the database is away")

    bus.publish(entered(3))
    first = consumers.add(bus, "g", handler, limits=QUICK, stop=stop, consumer="same name")
    assert tried.wait(20)
    stop.set()
    eventually(lambda: not first.is_alive())
    assert bus.lags() == {"g": 3}
    seen: list[Event] = []
    consumers.add(bus, "g", seen.extend, limits=Limits(retry_s=0.02, claim_idle_s=600.0), consumer="same name")
    assert bus.wait_drained("g", 20)
    assert tracks(seen) == ["0", "1", "2"]


def test_a_consumer_that_ends_leaves_no_name_behind_unless_it_holds_events(
    bus: Bus, raw: redis.Redis, consumers: Any, entered: Events, eventually: Eventually
) -> None:
    def names() -> set[str]:
        return {str(consumer["name"]) for consumer in raw.xinfo_consumers(bus.stream, "g")}

    def fail(_: Sequence[Event]) -> None:
        raise ValueError("never")

    stop = threading.Event()
    bus.ensure_group("g")
    threads = [
        consumers.add(bus, "g", fail, consumer="holds", stop=stop, limits=Limits(retry_s=600.0)),
        consumers.add(bus, "g", fail, stop=stop, batch=1, types={"none"}),
    ]
    eventually(lambda: len(names()) == 2)
    while "holds" not in {p["consumer"] for p in raw.xpending_range(bus.stream, "g", "-", "+", 10)}:
        bus.publish(entered(1))
    stop.set()
    for thread in threads:
        thread.join(20)
    assert names() == {"holds"}


def test_consuming_survives_the_restart_of_the_server(
    bus_settings: Settings, tcp_server: Any, consumers_of: Any, entered: Events
) -> None:
    settings = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url})
    events = entered(60)
    with Bus.open(settings) as bus, consumers_of(bus) as run, capture_logs() as logs:
        seen: list[Event] = []
        run("g", seen.extend)
        for at in (0, 20, 40):
            bus.publish(events[at : at + 20])
            assert bus.wait_drained("g", 20)
            tcp_server.kill()
            tcp_server.start()
        bus.publish(events[:1])
        assert bus.wait_drained("g", 20)
        assert {event.id for event in seen} == {event.id for event in events}
    assert "hunter2" not in str(logs)


def test_a_server_that_forgot_everything_is_taken_as_it_is(
    bus: Bus, raw: redis.Redis, consumers: Any, entered: Events
) -> None:
    seen: list[Event] = []
    bus.publish(entered(3))
    consumers.add(bus, "g", seen.extend)
    assert bus.wait_drained("g", 20)
    raw.flushall()
    events = entered(2)
    bus.publish(events)
    assert bus.wait_drained("g", 20)
    assert seen[3:] == events


def test_the_embedded_server_is_started_again_under_a_consumer(bus: Bus, consumers: Any, entered: Events) -> None:
    assert bus.server is not None
    seen: list[Event] = []
    consumers.add(bus, "g", seen.extend)
    for _ in range(2):
        os.kill(bus.server.pid, signal.SIGKILL)
        events = entered(5)
        bus.publish(events)
        assert bus.wait_drained("g", 20)
        assert {event.id for event in events} <= {event.id for event in seen}


def test_a_mistake_in_the_set_up_is_not_retried_for_ever(bus_settings: Settings, tcp_server: Any) -> None:
    with tcp_server.client() as client:
        client.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+ping", "+client"])
    url = f"redis://reader:pw@127.0.0.1:{tcp_server.port}/0"
    settings = Settings(**{**bus_settings.model_dump(), "redis_url": url})
    with Bus.open(settings) as bus, pytest.raises(BusError, match="refused"):
        bus.consume("g", lambda _: None, stop=threading.Event())


def test_counts_are_right_whatever_is_delivered_twice(
    records: Records, bus: Bus, consumers: Any, entered: Events
) -> None:
    """Handlers that fail half way, events published twice, members taking over from one another: every event once."""
    dice = random.Random(7)
    events = entered(120)
    lock = threading.Lock()
    bus.ensure_group("g")

    def handler(batch: Sequence[Event]) -> None:
        with records.begin() as connection:
            new = records.claim(connection, "g", [event.id for event in batch])
            rows = [
                {"store": "s", "camera": "c", "space": "image", "minute": 0, "x": int(event.track_id), "y": 0}
                for event in batch
                if event.id in new and isinstance(event, PersonEntered)
            ]
            records.merge(connection, tiles, [{**row, "visitors": 1, "seconds": 1.0} for row in rows])
            with lock:
                if dice.random() < 0.2:
                    raise UnavailableError("lost the database") if dice.random() < 0.3 else ValueError("stumbled")

    patient = Limits(deliveries=1_000, retry_s=0.01, claim_idle_s=0.01)
    for _ in range(3):
        consumers.add(bus, "g", handler, batch=8, limits=patient)
    for at in range(0, 120, 10):
        bus.publish(events[at : at + 10])
        bus.publish(dice.sample(events[: at + 10], 5))
    assert bus.wait_drained("g", 60)
    with records.read() as connection:
        found = connection.execute(select(tiles.c.x, tiles.c.visitors, tiles.c.seconds).order_by(tiles.c.x)).all()
    assert [tuple(row) for row in found] == [(x, 1, 1.0) for x in range(120)]
    assert bus.dead_letters() == []
