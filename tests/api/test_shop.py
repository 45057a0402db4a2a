"""The shop's live page: people as dots, slots lit up, baskets and receipts; and nobody's id in what goes out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from api.app import create_app
from api.keys import create_key
from api.serve import PageServer
from api.shop_now import LIT_S, ShopNow
from api.upkeep import run_services
from store.bus import Bus
from store.events import (
    Event,
    FloorAudited,
    PersonLeft,
    PersonMoved,
    ProductTaken,
    SessionClosed,
    SessionJoined,
    SessionOpened,
    ShelfReached,
)
from store.plan import Plan
from store.records import Records
from tests.api.browsing import needs_browser, signed_in, text_of, until
from tests.api.conftest import make_settings
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, SOAP

T0 = 1_795_338_000.0
STORE = {"store": "testshop"}
SLOT = "shelf/1/1"
PLAN = Plan.model_validate(
    {
        "store": "testshop",
        "floor": {"polygon": [[0, 0], [6, 0], [6, 4], [0, 4]]},
        "gates": [{"name": "entry", "a": [0, 1], "b": [0, 2], "way": "in"}],
        "fixtures": [
            {"name": "shelf", "xy": [3, 3.7], "heading_deg": -90, "length_m": 2, "depth_m": 0.5, "height_m": 1.8,
             "shelves": [{"z_m": 1, "depth_m": 0.4, "slots": [{"product": "milk", "at_m": 0.5, "width_m": 0.5}]}]}
        ],
    }
)  # fmt: skip


def moved(at: float, camera: str | None = None, **people: tuple[float, float]) -> PersonMoved:
    own = {} if camera is None else {"camera": camera, "size": (8, 8), "xy": ((0.0, 0.0),) * len(people)}
    return PersonMoved(
        **STORE, time=T0 + at, cameras=("a",), track_id=tuple(people), time_s=(T0 + at,) * len(people),
        xy_m=tuple(people.values()), **own,
    )  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def told(now: ShopNow, *events: Event) -> dict[int, tuple[int | None, tuple[float, float]]]:
    for event in events:
        now.take(event)
    return {dot.number: (dot.visit, dot.xy_m) for dot in now.scene().dots}


# What the scene knows.


def test_people_are_where_they_were_last_and_go_when_they_have_left(clock):
    now = ShopNow(clock)
    assert told(now, moved(0, anna=(1, 1), ben=(2, 2)), moved(1, anna=(1, 2))) == {1: (None, (1, 2)), 2: (None, (2, 2))}
    assert told(now, moved(0.5, anna=(9, 9))) == {1: (None, (1, 2)), 2: (None, (2, 2))}, "what is older changes nothing"
    left = PersonLeft(**STORE, time=T0 + 2, track_id="anna", entered_at=T0)
    assert told(now, left) == {2: (None, (2, 2))}
    assert told(now, moved(7, cleo=(3, 3))) == {3: (None, (3, 3))}, "who is not seen is gone, a number comes once"
    clock.now = 16.0
    assert told(now) == {}


def test_the_floor_stands_for_the_cameras_while_it_is_told(clock):
    now = ShopNow(clock)
    assert len(told(now, moved(0, "a", a1=(1, 1)), moved(0, "b", b1=(1.1, 1)))) == 2
    assert list(told(now, moved(1, whole=(1, 1))).values()) == [(None, (1, 1))]
    assert len(told(now, moved(2, "a", a1=(1, 1)))) == 1
    clock.now = 11.0
    assert len(told(now, moved(3, "a", a1=(1, 1)))) == 2


def test_a_dot_has_the_number_of_its_visit(clock):
    now = ShopNow(clock)
    joined = [
        SessionJoined(**STORE, time=T0, session_id=session, track_id=track)
        for session, track in (("s", "x"), ("t", "anna"), ("t", "ben"))
    ]
    assert told(now, *joined, moved(0, anna=(1, 1), ben=(2, 2), cleo=(3, 3))) == {
        1: (2, (1, 1)), 2: (2, (2, 2)), 3: (None, (3, 3)),
    }  # fmt: skip
    assert (now.visit("s"), now.visit("t"), now.visit("u")) == (1, 2, 3)


def test_slots_are_lit_for_a_while(clock):
    now = ShopNow(clock)
    now.take(ShelfReached(**STORE, time=T0, track_id="anna", slot="a"))
    clock.now = 1.0
    now.take(ProductTaken(**STORE, time=T0, track_id="anna", gtin=MILK, slot="b"))
    clock.now = 2.0
    assert now.scene().lit == {"a": 2.0, "b": 1.0}
    clock.now = LIT_S + 0.5
    assert now.scene().lit == {"b": LIT_S - 0.5}
    assert [(deed.kind, deed.slot) for deed in now.scene().deeds] == [("taken", "b")]


# Over HTTP and in a browser.


@dataclass
class Corner:
    server: PageServer
    bus: Bus
    key: str

    def publish(self, *events: Event) -> None:
        self.bus.publish(list(events))


IDS = ("track-of-anna", "track-of-ben", "session-of-anna", "alias-of-a-member")


def comes() -> list[Event]:
    at = {**STORE, "time": T0}
    return [
        SessionOpened(**at, session_id=IDS[2], gate="entry", member=IDS[3], group_size=2),
        SessionJoined(**at, session_id=IDS[2], track_id=IDS[0]),
        moved(1, **{IDS[0]: (2.0, 1.0), IDS[1]: (4.0, 2.0)}),
        ShelfReached(**STORE, time=T0 + 2, track_id=IDS[0], slot=SLOT),
        ProductTaken(**STORE, time=T0 + 2, track_id=IDS[0], gtin=MILK, slot=SLOT),
        ProductTaken(**STORE, time=T0 + 3, track_id=IDS[0], gtin=BREAD, confidence=0.7, quantity=2),
        ProductTaken(**STORE, time=T0 + 4, track_id=IDS[0], gtin=SOAP, confidence=0.2),
    ]


@pytest.fixture
def corner(tmp_path) -> Iterator[Corner]:
    settings = make_settings(tmp_path / "data")
    with Records.open(settings) as records, Bus.open(settings) as bus:
        key = create_key(records, "screen", ["live:read", "checkout:read"], now=time.time())[1]
        app = create_app(settings, bus=bus, records=records, plan=PLAN, catalogue=CATALOGUE)
        with run_services(bus, records, settings, PLAN, CATALOGUE), PageServer(app, settings) as server:
            yield Corner(server, bus, key)


def scenes(corner: Corner, wanted: str) -> list[str]:
    """Scenes as they come, until one says what is ``wanted``."""
    found: list[str] = []
    headers = {"X-API-Key": corner.key}
    with httpx.stream("GET", f"{corner.server.url}/v1/shop/events", headers=headers, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                found.append(line.removeprefix("data: "))
                if wanted in found[-1]:
                    return found
    raise AssertionError("the stream ended")


def test_scenes_tell_of_people_baskets_and_receipts_without_an_id(corner):
    corner.publish(*comes())
    scene = json.loads(scenes(corner, '"quantity":0')[-1])
    assert [(dot["number"], dot["visit"], dot["x"], dot["y"]) for dot in scene["people"]] == [
        (1, 1, 2, 1),
        (2, None, 4, 2),
    ]
    assert [(deed["name"], deed["quantity"], deed["visit"]) for deed in scene["deeds"]] == [
        ("Soap", 1, 1),
        ("Bread", 2, 1),
        ("Milk", 1, 1),
    ]
    (basket,) = scene["baskets"]
    assert (basket["visit"], basket["group_size"], basket["state"], basket["total"]) == (1, 2, "open", 120 + 500)
    assert [(line["name"], line["quantity"], line["state"]) for line in basket["lines"]] == [
        ("Milk", 1, "sure"), ("Bread", 2, "checking"), ("Soap", 0, "checking"),
    ]  # fmt: skip
    closed = SessionClosed(**STORE, time=T0 + 9, session_id=IDS[2], gate="exit")
    corner.publish(closed)
    every = scenes(corner, '"draft"')
    assert json.loads(every[-1])["baskets"] == []
    assert [bill["total"] for bill in json.loads(every[-1])["receipts"]] == [620]
    for text in every:
        assert not any(each in text for each in IDS)


def audited() -> FloorAudited:
    """Somebody was lost in mid-aisle."""
    return FloorAudited(
        **STORE, time=T0 + 4, period_s=60, entries=3, exits=1, inside_before=1, inside=2, sigma=1.0, begun_away=0,
        ended_away=1, doubled=0, fails=("balance", "ends"),
    )  # fmt: skip


def test_the_scene_says_whether_the_floor_adds_up(corner):
    corner.publish(audited(), *comes())
    scene = json.loads(scenes(corner, '"fails":["balance"')[-1])
    assert (scene["audit"]["inside"], scene["audit"]["sigma"], scene["audit"]["ended_away"]) == (2, 1.0, 1)


def test_the_scene_needs_both_scopes(corner):
    with Records.open(make_settings(corner.server.app.state.services.settings.data_dir)) as records:
        for scope in ("live:read", "checkout:read"):
            key = create_key(records, "half", [scope], now=time.time())[1]
            answer = httpx.get(f"{corner.server.url}/v1/shop/now", headers={"X-API-Key": key})
            assert answer.status_code == 403
    answer = httpx.get(f"{corner.server.url}/v1/shop/now", headers={"X-API-Key": corner.key})
    assert (answer.status_code, answer.json()["people"]) == (200, [])


@needs_browser
def test_the_page_plays_a_visit(corner, browser):
    with signed_in(browser, corner.server) as open_page:
        page = open_page("/shop")
        text_of(page, "#state", "Live")
        text_of(page, "#baskets", "Nobody has come in by a code.")
        corner.publish(*comes())
        text_of(page, "#people", "2 people")
        until(page, "() => document.querySelectorAll('#lit line').length === 1")
        assert page.locator("#lit title").first.evaluate("each => each.textContent") == SLOT
        ends = page.locator("#lit line").evaluate("e => ['x1', 'y1', 'x2', 'y2'].map((n) => Number(e.getAttribute(n)))")
        assert ends == pytest.approx([2.5, -3.51, 3.0, -3.51])
        first = "document.querySelector('#dots g[data-number=\"1\"]')"
        assert page.evaluate(f"{first}.style.transform") == "translate(2px, -1px)"
        assert page.evaluate(f"{first}.getAttribute('class')") == "person visit-1"
        assert page.evaluate("document.querySelectorAll('#dots .visit-none').length") == 1
        text_of(page, "#baskets .line-checking:last-child .line-state", "perhaps 20 %")
        assert page.locator("#baskets .line-state").all_inner_texts() == ["sure", "checking 49 %", "perhaps 20 %"]
        text_of(page, "#baskets footer strong", "€6.20")
        assert "Visit 1 took Milk" in page.locator("#deeds").inner_text()
        assert page.locator("#audit").is_hidden()
        corner.publish(audited(), moved(4, **{IDS[0]: (3.0, 2.0)}))
        until(page, "() => document.querySelector('#audit').textContent.includes('2 ± 1.0 inside, 3 came and 1 went')")
        assert "Does not add up: 1 ended away from a gate." in page.locator("#audit").inner_text()
        until(page, f"() => {first}.style.transform === 'translate(3px, -2px)'")
        corner.publish(PersonLeft(**STORE, time=T0 + 5, track_id=IDS[1], entered_at=T0))
        text_of(page, "#people", "1 person")
        corner.publish(SessionClosed(**STORE, time=T0 + 9, session_id=IDS[2], gate="exit"))
        text_of(page, "#receipts .bill header > :last-child", "Checking")
        text_of(page, "#baskets", "Nobody has come in by a code.")
        until(page, "() => document.querySelectorAll('#lit line').length === 0")
        content = page.content()
        assert not any(each in content for each in IDS)
        for width, height in ((1024, 768), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_browser
def test_a_shop_without_a_plan_still_shows_its_baskets(browser, shop):
    with signed_in(browser, shop.server) as open_page:
        page = open_page("/shop")
        text_of(page, "#state", "Live")
        assert "aisle serve PLAN" in page.locator(".no-picture").inner_text()
        text_of(page, "#receipts", "None yet.")
