"""Publishing, subscribing, history, trimming and back-pressure on real servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from store.bus import Bus, BusClosedError, BusError, BusUnavailableError
from store.events import Event, PersonEntered, PersonLeft, PersonMoved
from store.settings import Settings

Events = Callable[[int], list[Event]]
Eventually = Callable[[Callable[[], bool]], None]


def moved() -> Event:
    return PersonMoved(store="shop", time=1.0, camera="c", size=(8, 8), track_id=(), time_s=(), xy=())


def tracks(events: Sequence[Event]) -> list[str]:
    return [event.track_id for event in events if isinstance(event, PersonEntered)]


def seen(subscription: Iterator[tuple[str, Event] | None], n: int) -> list[str]:
    """Track ids of the next ``n`` events, heartbeats left out."""
    found: list[str] = []
    while len(found) < n:
        item = next(subscription)
        if item is not None:
            assert isinstance(item[1], PersonEntered)
            found.append(item[1].track_id)
    return found


@pytest.fixture(params=["embedded", "by url"])
def any_bus(request: pytest.FixtureRequest, bus_settings: Settings) -> Iterator[Bus]:
    settings = bus_settings
    if request.param == "by url":
        settings = Settings(**{**settings.model_dump(), "redis_url": request.getfixturevalue("tcp_server").url})
    with Bus.open(settings) as opened:
        yield opened


def test_what_is_published_is_kept_in_order(any_bus: Bus, entered: Events) -> None:
    events = entered(700)
    assert any_bus.publish(events) == 700
    assert any_bus.publish([]) == 0
    found = list(any_bus.history(3_600))
    assert [event for _, event in found] == events
    assert len({stream_id for stream_id, _ in found}) == 700
    assert any_bus.length() == 700
    assert any_bus.memory_bytes() > 100_000
    any_bus.ping()


def test_stores_do_not_mix(bus_settings: Settings, tcp_server: Any, entered: Events) -> None:
    both = [
        Settings(data_dir=bus_settings.data_dir, redis_url=tcp_server.url, store=name) for name in ("north", "south")
    ]
    with Bus.open(both[0]) as north, Bus.open(both[1]) as south:
        north.publish(entered(3))
        assert (north.length(), south.length()) == (3, 0)
    with tcp_server.client() as client:
        assert client.keys() == ["aisle:north:events"]


def test_a_subscriber_sees_what_comes_after_it_asked(any_bus: Bus, entered: Events) -> None:
    first, *rest = entered(4)
    any_bus.publish([first])
    subscription = any_bus.subscribe(heartbeat_s=0.05)
    any_bus.publish(rest)
    assert seen(subscription, 3) == ["1", "2", "3"]
    assert next(subscription) is None


def test_a_subscriber_goes_on_where_it_was(bus: Bus, entered: Events) -> None:
    bus.publish(entered(5))
    ids = [stream_id for stream_id, _ in bus.history(3_600)]
    assert seen(bus.subscribe(after=ids[1]), 3) == ["2", "3", "4"]
    assert seen(bus.subscribe(after="0"), 5) == ["0", "1", "2", "3", "4"]


def test_a_subscriber_to_an_empty_stream_misses_nothing(bus: Bus, entered: Events) -> None:
    subscription = bus.subscribe()
    bus.publish(entered(1))
    assert seen(subscription, 1) == ["0"]


def test_a_subscriber_chooses_types_and_still_gets_heartbeats(bus: Bus, entered: Events) -> None:
    subscription = bus.subscribe({"person.left"}, heartbeat_s=0.05)
    left = PersonLeft(store="shop", time=2.0, track_id="0", entered_at=1.0)
    bus.publish([*entered(3), left])
    item = next(subscription)
    assert item is not None
    assert item[1] == left
    bus.publish(entered(2))
    assert next(subscription) is None


@pytest.mark.parametrize("after", ["", "$", "now", "1-2-3", "-1", "1; FLUSHALL", "9" * 30])
def test_a_place_that_is_none_is_refused(bus: Bus, after: str) -> None:
    with pytest.raises(ValueError, match="no stream id"):
        bus.subscribe(after=after)


def test_a_subscriber_passes_over_what_it_cannot_read(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    subscription = bus.subscribe()
    raw.xadd(bus.stream, {"type": "person.entered", "event": "{"})
    raw.xadd(bus.stream, {"type": "person.flew", "event": '{"type": "person.flew"}'})
    raw.xadd(bus.stream, {"other": "x"})
    bus.publish(entered(1))
    assert seen(subscription, 1) == ["0"]
    assert len(list(bus.history(3_600))) == 1


def test_closing_ends_subscriptions_and_everything_else(
    bus: Bus, raw: redis.Redis, entered: Events, eventually: Eventually
) -> None:
    subscription, other = bus.subscribe(heartbeat_s=0.05), bus.subscribe(heartbeat_s=60.0)
    assert next(subscription) is None
    endless = threading.Thread(target=lambda: list(other), daemon=True)
    endless.start()
    eventually(lambda: raw.info("clients")["blocked_clients"] == 1)
    bus.close()
    bus.close()
    assert list(subscription) == []
    eventually(lambda: not endless.is_alive())
    with pytest.raises(BusClosedError):
        bus.publish(entered(1))


def test_history_goes_back_as_far_as_asked(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    seconds, _ = raw.time()
    old, new = entered(2)
    for event, age in ((old, 100), (new, 10)):
        fields = {"type": event.type, "event": json.dumps(event.to_cloudevent())}
        raw.xadd(bus.stream, fields, id=f"{(seconds - age) * 1000}-0")  # type: ignore[arg-type]
    assert [event for _, event in bus.history(50)] == [new]
    assert [event for _, event in bus.history(200)] == [old, new]
    assert [event for _, event in bus.history(1e12)] == [old, new]


def test_history_of_what_a_group_has_handled(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    assert list(bus.history(3_600, handled_by="insights")) == []
    bus.publish(entered(6))
    bus.ensure_group("insights")
    bus.ensure_group("insights")
    assert list(bus.history(3_600, handled_by="insights")) == []
    given = raw.xreadgroup("insights", "c", {bus.stream: ">"}, count=4)[0][1]  # type: ignore[index]
    raw.xack(bus.stream, "insights", given[0][0], given[1][0], given[3][0])  # type: ignore[index]
    assert tracks([event for _, event in bus.history(3_600, handled_by="insights")]) == ["0", "1", "3"]


def test_without_readers_the_stream_stays_short(bus: Bus, entered: Events) -> None:
    for _ in range(12):
        bus.publish(entered(500))
    assert 1_000 <= bus.length() <= 1_000 + 500
    assert bus.lost == 0
    assert tracks([event for _, event in bus.history(3_600)])[-1] == "499"


def test_what_a_known_group_has_not_handled_is_kept_and_then_the_oldest_lost(bus: Bus, entered: Events) -> None:
    bus.ensure_group("away")
    for _ in range(4):
        bus.publish(entered(500))
    assert (bus.length(), bus.lags(), bus.lost) == (2_000, {"away": 2_000}, 0)
    with capture_logs() as logs:
        for _ in range(6):
            bus.publish(entered(500))
    # stream_length + 4 * lag_limit, and what a check and a node of the stream may add
    assert 3_000 <= bus.length() <= 3_500
    assert bus.lost >= 1_500
    lost = [line for line in logs if line["event"] == "bus.unhandled_events_lost"]
    assert [(line["groups"], line["log_level"]) for line in lost] == [(["away"], "error")]


def test_what_is_given_out_but_not_handled_is_kept(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    bus.ensure_group("g")
    bus.publish(entered(1_500))
    given = raw.xreadgroup("g", "c", {bus.stream: ">"}, count=5_000)[0][1]  # type: ignore[index]
    raw.xack(bus.stream, "g", *[stream_id for i, (stream_id, _) in enumerate(given) if i != 100])  # type: ignore[misc]
    bus.publish(entered(300), live=True)
    kept = [stream_id for stream_id, _ in bus.history(3_600)]
    assert given[100][0] in kept  # type: ignore[index]
    assert given[0][0] not in kept  # type: ignore[index]


def test_publishing_waits_for_a_slow_reader(bus_settings: Settings, consumers_of: Any, entered: Events) -> None:
    with Bus.open(bus_settings.model_copy(update={"lag_limit": 20})) as bus, consumers_of(bus) as run:
        behind: list[int] = []
        bus.ensure_group("slow")

        def handler(events: Sequence[Event]) -> None:
            behind.append(bus.lags()["slow"])

        run("slow", handler, batch=5)
        assert bus.publish(entered(400)) == 400
        assert bus.wait_drained("slow", 20)
        assert len(behind) >= 80
        assert max(behind) <= 20 + 5  # the limit, and what lies between two checks
        assert bus.dropped == 0


def test_live_publishing_never_waits_but_leaves_movements_out(
    bus: Bus, consumers: Any, entered: Events, eventually: Eventually
) -> None:
    gate = threading.Event()
    handled: list[Event] = []
    people = entered(600)

    def handler(events: Sequence[Event]) -> None:
        gate.wait(20)
        handled.extend(events)

    consumers.add(bus, "slow", handler)
    eventually(lambda: "slow" in bus.lags())
    with capture_logs() as logs:
        assert bus.publish([moved()] * 400, live=True) == 400
        published = bus.publish([event for person in people for event in (moved(), person)], live=True)
    assert bus.dropped == 1_200 - published
    assert 400 < bus.dropped <= 600
    assert [line["event"] for line in logs] == ["bus.readers_behind"]
    gate.set()
    assert bus.wait_drained("slow", 20)
    assert [event for event in handled if isinstance(event, PersonEntered)] == people
    eventually(lambda: bus.publish([moved()], live=True) == 1)


def test_a_group_that_nobody_reads_for_holds_nobody_up(bus: Bus, entered: Events) -> None:
    bus.ensure_group("abandoned")
    assert bus.publish(entered(900)) == 900
    assert bus.lags() == {"abandoned": 900}


def test_a_handler_may_publish_however_far_behind_it_is(
    bus_settings: Settings, consumers_of: Any, entered: Events
) -> None:
    with Bus.open(bus_settings.model_copy(update={"lag_limit": 10})) as bus, consumers_of(bus) as run:
        bus.ensure_group("echo")
        left = [PersonLeft(store="shop", time=2.0, track_id="0", entered_at=1.0)]
        bus.publish(entered(200))

        def handler(events: Sequence[Event]) -> None:
            bus.publish([event for event in left for other in events if isinstance(other, PersonEntered)])

        run("echo", handler, batch=50)
        assert bus.wait_drained("echo", 20)
        assert bus.length() == 400


def test_closing_ends_a_wait_for_readers(bus_settings: Settings, entered: Events, eventually: Eventually) -> None:
    bus = Bus.open(bus_settings.model_copy(update={"lag_limit": 5}))
    stop, gate = threading.Event(), threading.Event()
    reader = threading.Thread(
        target=bus.consume, args=("slow", lambda _: gate.wait(20)), kwargs={"stop": stop}, daemon=True
    )
    reader.start()
    with ThreadPoolExecutor(1) as pool, capture_logs() as logs:
        eventually(lambda: "slow" in bus.lags())
        waiting = pool.submit(bus.publish, entered(100))
        eventually(lambda: any(line["event"] == "bus.readers_behind" for line in logs))
        bus.close()
        with pytest.raises(BusClosedError):
            waiting.result(20)
    gate.set()
    reader.join(20)
    assert not reader.is_alive()


def test_the_lag_is_known_where_the_server_lost_count(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    bus.publish(entered(10))
    bus.ensure_group("g")
    raw.xreadgroup("g", "c", {bus.stream: ">"}, count=2)
    ids = [stream_id for stream_id, _ in bus.history(3_600)]
    raw.xdel(bus.stream, ids[5])
    assert raw.xinfo_groups(bus.stream)[0]["lag"] is None
    assert bus.lags() == {"g": 2 + 7}


def test_waiting_for_a_group_says_whether_it_came_to_the_end(bus: Bus, consumers: Any, entered: Events) -> None:
    assert bus.wait_drained("nobody", 0.0)
    bus.publish(entered(1))
    assert not bus.wait_drained("nobody", 0.05)
    consumers.add(bus, "nobody", lambda _: None)
    assert bus.wait_drained("nobody", 20)


def test_a_full_server_forgets_first_what_is_handled(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    bus.publish(entered(900))
    raw.config_set("maxmemory", raw.info("memory")["used_memory"] + 50_000)
    newest = entered(600)
    assert bus.publish(newest) == 600
    kept = [event for _, event in bus.history(3_600)]
    assert 0 < len(kept) < 1_000
    assert kept[-10:] == newest[-10:]
    assert bus.lost == 0


def test_a_full_server_gives_up_what_nobody_is_about_to_handle(bus: Bus, raw: redis.Redis, entered: Events) -> None:
    bus.ensure_group("away")
    bus.publish(entered(900))
    raw.config_set("maxmemory", raw.info("memory")["used_memory"] + 50_000)
    assert bus.publish(entered(600)) == 600
    assert bus.lost > 0


def test_a_full_server_keeps_what_a_reader_is_about_to_handle(
    bus: Bus, raw: redis.Redis, consumers: Any, entered: Events, eventually: Eventually
) -> None:
    gate = threading.Event()
    seen: list[Event] = []

    def handler(events: Sequence[Event]) -> None:
        gate.wait(20)
        seen.extend(events)

    first, second = entered(450), entered(400)
    consumers.add(bus, "slow", handler)
    bus.publish(first)
    eventually(lambda: bus.lags() == {"slow": 450})
    raw.config_set("maxmemory", raw.info("memory")["used_memory"])
    with pytest.raises(BusUnavailableError, match="no memory left"):
        bus.publish(second, timeout_s=0.1, live=True)
    assert bus.lost == 0
    gate.set()
    assert bus.publish(second) == 400
    assert bus.wait_drained("slow", 20)
    assert list(dict.fromkeys(event.id for event in seen)) == [event.id for event in [*first, *second]]


def test_a_server_that_is_away_is_named_without_its_password(
    bus_settings: Settings, tcp_server: Any, entered: Events
) -> None:
    settings = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url})
    with Bus.open(settings) as bus, capture_logs() as logs:
        tcp_server.kill()
        with pytest.raises(BusUnavailableError, match=f"127.0.0.1:{tcp_server.port}") as caught:
            bus.publish(entered(1), timeout_s=0.1)
        with pytest.raises(BusUnavailableError):
            bus.ping(timeout_s=0.1)
        tcp_server.start()
        assert bus.publish(entered(1)) == 1
        everything = f"{bus!r} {caught.value!r} {logs}"
    assert [line["event"] for line in logs][:1] == ["bus.unreachable"]
    assert "bus.reachable_again" in [line["event"] for line in logs]
    assert "hunter2" not in everything


def test_wrong_credentials_are_refused_at_once_and_not_shown(bus_settings: Settings, tcp_server: Any) -> None:
    url = tcp_server.url.replace("hunter2", "hunter3")
    for wrong in (url, f"redis://127.0.0.1:{tcp_server.port}/0"):
        with pytest.raises(BusError, match="refused the credentials") as caught:
            Bus.open(Settings(**{**bus_settings.model_dump(), "redis_url": wrong}))
        assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://:hunter2@host:port/0", "redis://:hun/ter2@host/0?socket_timeout=hunter2"])
def test_a_url_that_cannot_be_read_is_not_shown(bus_settings: Settings, url: str) -> None:
    with pytest.raises(BusError, match="cannot be parsed") as caught:
        Bus.open(Settings(**{**bus_settings.model_dump(), "redis_url": url}))
    assert "hun" not in str(caught.value)


def test_a_subscriber_outlives_the_restart_of_the_server(
    bus_settings: Settings, tcp_server: Any, entered: Events, tmp_path: Path
) -> None:
    settings = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url})
    with Bus.open(settings) as bus:
        subscription = bus.subscribe(heartbeat_s=0.05)
        assert next(subscription) is None
        tcp_server.kill()
        assert next(subscription) is None
        tcp_server.start()
        bus.publish(entered(2))
        assert seen(subscription, 2) == ["0", "1"]


def test_only_the_first_is_the_first(bus: Bus) -> None:
    assert [bus.once("code-1", 60.0) for _ in range(3)] == [True, False, False]
    assert bus.once("code-2", 60.0)


def test_the_first_is_forgotten_in_time(bus: Bus, eventually: Callable[[Callable[[], bool]], None]) -> None:
    assert bus.once("code", 0.01)
    eventually(lambda: bus.once("code", 60.0))


def test_reports_are_those_of_this_shop_and_are_forgotten_in_time(
    bus_settings: Settings, tcp_server: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    other = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url, "store": "other"})
    mine = Settings(**{**bus_settings.model_dump(), "redis_url": tcp_server.url})
    with Bus.open(mine) as bus, Bus.open(other) as theirs:
        bus.report("worker:a", {"looked": 1}, 60.0)
        bus.report("worker:a", {"looked": 2}, 60.0)
        bus.report("worker:b", {"looked": 3}, 0.2)
        theirs.report("worker:c", {}, 60.0)
        assert bus.reports()["worker:a"] == {"looked": 2}  # killed: the first one for ever
        eventually(lambda: bus.reports() == {"worker:a": {"looked": 2}})  # killed: all shops', or all that ever were
