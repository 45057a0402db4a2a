"""The stream of what happens now: nothing is missed, nothing comes twice, nothing that was not asked for."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from api.feed import ListenerTooSlowError
from api.services import services_of
from store.events import LineCrossed, PersonEntered, PersonLeft, PersonMoved, from_cloudevent

AT = 1_795_345_300.0


def entered(track: str, camera: str = "entrance") -> PersonEntered:
    return PersonEntered(store="testshop", time=AT, cameras=(camera,), track_id=track)


def left(track: str, camera: str = "entrance") -> PersonLeft:
    return PersonLeft(store="testshop", time=AT + 5, cameras=(camera,), track_id=track, entered_at=AT)


def crossed(camera: str = "entrance") -> LineCrossed:
    return LineCrossed(store="testshop", time=AT, cameras=(camera,), line="door", direction="in")


def moved() -> PersonMoved:
    return PersonMoved(
        store="testshop", time=AT, cameras=("entrance",), camera="entrance", size=(320, 240), track_id=("a",),
        time_s=(AT,), xy=((1.0, 2.0),),
    )  # fmt: skip


@contextmanager
def listening(shop, key="all", after=None, **query):
    """The messages of a stream, each as a dict of its fields; open when this returns."""
    headers = {"Last-Event-ID": after} if after else {}
    with shop.client(key) as client, client.stream("GET", "/v1/events", params=query, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    deadline = time.monotonic() + 60
    for line in lines:
        assert time.monotonic() < deadline, "heartbeats came, and no event"
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields
            fields = {}
        else:
            fields = {}


def test_what_happens_is_told(shop):
    wanted = [entered("a"), crossed(), left("a")]
    with listening(shop) as stream:
        shop.bus.publish(wanted)
        heard = [next(stream) for _ in wanted]
    assert [from_cloudevent(json.loads(each["data"])) for each in heard] == wanted
    assert [each["event"] for each in heard] == ["person.entered", "line.crossed", "person.left"]


def test_a_listener_that_comes_back_misses_nothing_and_hears_nothing_twice(shop):
    events = [entered(f"back{i}") for i in range(40)]
    with listening(shop) as stream:
        shop.bus.publish(events[:10])
        heard = [next(stream) for _ in range(10)]
    shop.bus.publish(events[10:30])
    with listening(shop, after=heard[-1]["id"]) as stream:
        shop.bus.publish(events[30:])
        heard += [next(stream) for _ in range(30)]
    assert [from_cloudevent(json.loads(each["data"])) for each in heard] == events
    assert len({each["id"] for each in heard}) == 40


def test_only_what_was_asked_for(shop):
    with listening(shop, type=["line.crossed"], camera="entrance") as stream:
        shop.bus.publish([entered("b"), moved(), crossed("storeroom"), crossed(), left("b")])
        first = next(stream)
        shop.bus.publish([crossed()])
        assert {first["event"], next(stream)["event"]} == {"line.crossed"}
        assert json.loads(first["data"])["data"]["cameras"] == ["entrance"]


def test_paths_are_told_only_to_who_asks_and_may_see_pictures(shop):
    with listening(shop) as stream:
        shop.bus.publish([moved(), entered("c")])
        assert next(stream)["event"] == "person.entered"
    with listening(shop, type=["person.moved"]) as stream:
        shop.bus.publish([moved()])
        assert next(stream)["event"] == "person.moved"
    with shop.client("events") as client:
        assert client.get("/v1/events", params={"type": "person.moved"}).status_code == 403


@pytest.mark.parametrize(
    ("query", "headers", "word"),
    [
        ({"type": "person.flew"}, {}, "person.flew"),
        ({}, {"Last-Event-ID": "yesterday"}, "stream id"),
        ({}, {"Last-Event-ID": "99999999999999999999-0"}, "stream id"),
    ],
)
def test_a_wish_that_cannot_be_granted(client, query, headers, word):
    answer = client.get("/v1/events", params=query, headers=headers)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_many_listeners_hear_the_same(shop):
    heard: list[list[str]] = [[] for _ in range(6)]
    ready = threading.Barrier(7)

    def listen(mine: list[str]) -> None:
        with listening(shop, type=["line.crossed"]) as stream:
            ready.wait(20)
            mine.extend(next(stream)["id"] for _ in range(5))

    threads = [threading.Thread(target=listen, args=(mine,)) for mine in heard]
    for thread in threads:
        thread.start()
    ready.wait(20)
    shop.bus.publish([crossed() for _ in range(5)])
    for thread in threads:
        thread.join(20)
    assert len(heard[0]) == 5
    assert all(mine == heard[0] for mine in heard)


def test_people_now_follow_the_events(shop):
    with listening(shop, type=["person.entered", "person.left"]) as stream:
        shop.bus.publish([entered("n1", "storeroom"), entered("n2", "storeroom"), left("n1", "storeroom")])
        for _ in range(3):
            next(stream)
    with shop.client("insights") as client:
        now = client.get("/v1/cameras/storeroom/occupancy/now").json()
    assert (now["live"], now["people"], now["time"]) == (True, 1, AT + 5)


def test_a_listener_that_goes_is_forgotten(shop):
    def listeners() -> float:
        text = httpx.get(f"{shop.url}/metrics").text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("aisle_event_listeners "))

    with listening(shop), listening(shop):
        assert listeners() >= 2
    deadline = time.monotonic() + 20
    while listeners() > 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_listener_that_is_too_slow_is_told_to_come_back(shop):
    async def run() -> int:
        feed = services_of(shop.server.app).feed
        with feed.listening(types=frozenset({"line.crossed"})) as listener:
            await asyncio.to_thread(shop.bus.publish, [crossed() for _ in range(2100)])
            while not listener.lost:
                await asyncio.sleep(0.01)
            stream = feed.follow(listener)
            heard = [await anext(stream) for _ in range(2000)]
            with pytest.raises(ListenerTooSlowError):
                await anext(stream)
            return len(heard)

    assert asyncio.run(asyncio.wait_for(run(), 60)) == 2000


def test_metrics_count_what_was_served(shop):
    shop.live.handled("entrance", 7)
    with listening(shop, type=["person.left"]) as stream:
        shop.bus.publish([left("m")])
        next(stream)
        text = httpx.get(f"{shop.url}/metrics").text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(lines["aisle_event_listeners"]) >= 1
    assert float(lines['aisle_events_total{type="person.left"}']) >= 1
    assert any(name.startswith('aisle_requests_total{method="GET",route="/v1/events"') for name in lines)
    assert float(lines['aisle_pipeline_frames_total{camera="entrance"}']) == 7
    assert float(lines['aisle_live_viewers{camera="entrance"}']) >= 0
