"""Reviews: the page where one key settles a question, clips of evidence, and what the retraining loop gets of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app as aisle
from api.keys import create_key
from api.serve import PageServer
from api.upkeep import run_services
from datasets.formats.registry import open_dataset
from store.bus import Bus
from store.events import Chance, ProductSettled, ProductTaken, SessionClosed, SessionJoined, SessionOpened
from store.evidence import EvidencePicture, EvidenceStore, Marked
from store.records import Records
from store.settings import Settings
from store.tables import events
from tests.api.browsing import needs_browser, signed_in, text_of, until
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, SOAP, WINE

STORE = "corner"
ALIAS = "alias-of-a-member"


@dataclass
class Office:
    server: PageServer
    bus: Bus
    records: Records
    settings: Settings
    http: httpx.Client
    visits: int = 0

    def visit(self, *takes: ProductTaken) -> str:
        """Somebody comes, takes these things and goes; the session. Lines in doubt become reviews."""
        self.visits += 1
        session, common = f"session-{self.visits}", {"store": STORE, "time": takes[0].time}
        self.bus.publish(
            [
                SessionOpened(**common, session_id=session, gate="entry", member=ALIAS),
                SessionJoined(**common, session_id=session, track_id=takes[0].track_id),
                *takes,
                SessionClosed(store=STORE, time=takes[-1].time + 1, session_id=session, reason="left", gate="exit"),
            ]
        )
        return session

    def reviews(self) -> Any:
        answer = self.http.get("/v1/reviews")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answers(self) -> list[ProductSettled]:
        wanted = select(events.c.body).where(events.c.type == "product.settled").order_by(events.c.time, events.c.id)
        with self.records.read() as connection:
            bodies = [json.loads(body) for body in connection.execute(wanted).scalars()]
        return [ProductSettled(**b["data"], store=STORE, time=0.0) for b in bodies]

    def clip(self, id: str, cameras: tuple[str, ...] = ("dairy", "dairy"), focus: bool = True) -> str:
        store = EvidenceStore(self.settings.evidence_dir)
        pictures = []
        for number, camera in enumerate(cameras):
            data = cv2.imencode(".jpg", np.full((60, 80, 3), 40 * number, np.uint8))[1].tobytes()
            about = EvidencePicture(
                camera=camera, captured_at=float(number), size=(80, 60), focus=(10, 10, 30, 30) if focus else None,
                people=(Marked(track_id="anna", xyxy=(0, 0, 20, 60)), Marked(track_id="ben", xyxy=(40, 0, 60, 60))),
            )  # fmt: skip
            pictures.append((about, data))
        store.write(id, pictures)
        return id


def taken(track: str, gtin: str, **more: Any) -> ProductTaken:
    return ProductTaken(**{"store": STORE, "time": time.time(), "track_id": track, "gtin": gtin, **more})


def eventually(so: Any) -> Any:
    for _ in range(1000):
        if found := so():
            return found
        time.sleep(0.02)
    pytest.fail("it did not become so within 20 seconds")


@pytest.fixture
def office(tmp_path) -> Iterator[Office]:
    settings = Settings(store=STORE, data_dir=tmp_path / "data", port=0, rate_limit="100000/minute")
    with Records.open(settings) as records, Bus.open(settings) as bus:
        key = create_key(records, "office", ["reviews:write"], now=time.time())[1]
        server = PageServer(create_app(settings, bus=bus, records=records, catalogue=CATALOGUE), settings)
        with (
            run_services(bus, records, settings, None, CATALOGUE),
            server,
            httpx.Client(base_url=server.url, headers={"X-API-Key": key}, timeout=20) as http,
        ):
            yield Office(server, bus, records, settings, http)


WHO = (Chance(id="anna", probability=0.75), Chance(id="ben", probability=0.25))
WHAT = (Chance(id=MILK, probability=0.6), Chance(id=BREAD, probability=0.4))


def test_a_question_says_all_that_it_may_have_been(office):
    clip = office.clip("c-1")
    event = taken(
        "anna", MILK, who=WHO, what=WHAT, confidence=0.9, slot="dairy/2/1", quantity=2, evidence=(clip, "c-0")
    )
    office.visit(event)
    (review,) = eventually(office.reviews)
    assert (review["kind"], review["slot"], review["quantity"]) == ("product.taken", "dairy/2/1", 2)
    assert review["at"] == pytest.approx(event.time)
    assert [(a["track_id"], a["name"], a["price"], round(a["probability"], 4)) for a in review["alternatives"]] == [
        ("anna", "Milk", 130, 0.405), ("anna", "Bread", 250, 0.27), ("ben", "Milk", 130, 0.135),
        ("ben", "Bread", 250, 0.09),
    ]  # fmt: skip
    assert review["nothing"] == pytest.approx(0.1)
    assert review["evidence"] == ["c-1"], "what is not kept is not named"
    assert office.http.get("/v1/reviews/progress").json() == {"waiting": 1, "answered": 0}
    shown = office.http.get("/v1/evidence/c-1").json()
    assert [(p["camera"], p["width"], p["focus"], p["people"][1]["track_id"]) for p in shown["pictures"]] == [
        ("dairy", 80, [10, 10, 30, 30], "ben")
    ] * 2
    picture = office.http.get("/v1/evidence/c-1/1.jpg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert "private" in picture.headers["cache-control"]


def test_evidence_is_for_those_who_review(office):
    office.clip("c-1")
    other = create_key(office.records, "app", ["checkout:read", "live:read"], now=time.time())[1]
    for path in ("/v1/evidence/c-1", "/v1/evidence/c-1/0.jpg", "/v1/reviews/progress"):
        assert office.http.get(path).status_code == 200
        assert httpx.get(office.server.url + path).status_code == 401
        assert httpx.get(office.server.url + path, headers={"X-API-Key": other}).status_code == 403
    for path in ("/v1/evidence/none", "/v1/evidence/c-1/2.jpg", "/v1/evidence/..%2f..%2fx/0.jpg"):
        answer = office.http.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_curve_over_http(office):
    office.visit(taken("anna", MILK, confidence=0.6), taken("anna", BREAD))
    office.visit(taken("cleo", WINE, confidence=0.7))
    found = eventually(lambda: (r := office.reviews()) and len(r) == 2 and {x["gtin"]: x["id"] for x in r})
    assert office.http.post(f"/v1/reviews/{found[MILK]}/answers", json={"happened": False}).status_code == 202
    eventually(office.answers)
    span = {"from": time.time() - 600, "to": time.time() + 60}
    shape = office.http.get("/v1/reviews/curve", params=span).json()
    assert {name: shape[name] for name in ("items", "answered", "wrong", "charged", "currency")} == {
        "items": 3, "answered": 1, "wrong": 1, "charged": 130 + 250 + 899, "currency": "EUR",
    }  # fmt: skip
    assert (shape["review_below"], shape["review_share"], shape["in_force"]) == (0.8, None, 0.8)
    assert [(p["threshold"], round(p["review_rate"], 3)) for p in shape["points"]] == [
        (0.6, 0.0), (0.7, 0.333), (1.0, 0.667), (1.0, 1.0),
    ]  # fmt: skip
    assert shape["points"][0]["expected"] == pytest.approx((0.4 * 130 + 0.3 * 899) / 1279)
    assert shape["points"][0]["known"] == pytest.approx(130 / 1279)
    assert shape["points"][1]["known"] == 0
    assert office.http.get("/v1/reviews/curve", params={**span, "to": span["from"]}).status_code == 422


@needs_browser
def test_the_curve_page_turns_its_knob(office, browser):
    with signed_in(browser, office.server) as open_page:
        page = open_page("/reviews/curve")
        text_of(page, "#curve-empty", "No receipt in this time.")
        for number in range(20):
            office.visit(taken(f"t{number}", MILK, confidence=0.6 + number / 100))
        eventually(lambda: office.http.get("/v1/reviews/progress").json()["waiting"] == 20)
        page.reload()
        text_of(page, "#items", "20")
        page.wait_for_selector("#curve svg.main-svg")
        text_of(page, "#threshold", "0.61")
        text_of(page, "#left", "28.50 %")
        page.get_by_label("Lines that may be reviewed").press("End")
        text_of(page, "#threshold", "0.64")
        text_of(page, "#setting", "review_share: 0.2")
        text_of(page, "#left", "22.80 %")
        assert "review_below 0.8, as the settings say: 100.0 %" in page.locator("#in-force").inner_text()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_another_sites_page_cannot_answer_for_a_person(office):
    office.visit(taken("anna", MILK, confidence=0.6))
    (review,) = eventually(office.reviews)
    with httpx.Client(base_url=office.server.url, follow_redirects=True) as browser:
        browser.get(office.server.link("/reviews"))
        path, body = f"/v1/reviews/{review['id']}/answers", {"happened": True}
        crossed = browser.post(path, json=body, headers={"Sec-Fetch-Site": "cross-site"})
        assert (crossed.status_code, crossed.json()["type"]) == (403, "urn:aisle:problem:cross-site")
        assert browser.post(path, json=body, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 202


def test_the_page_needs_its_scope(office):
    other = create_key(office.records, "app", ["insights:read"], now=time.time())[1]
    with httpx.Client(base_url=office.server.url) as client:
        client.post("/login", data={"key": other})
        refused = client.get("/reviews")
        assert refused.status_code == 403
        assert "reviews:write" in refused.text


@needs_browser
def test_one_key_settles_a_question_and_another_takes_it_back(office, browser):
    now = time.time()
    office.visit(taken("anna", MILK, time=now - 50, who=WHO, what=WHAT, evidence=(office.clip("c-1"),)))
    office.visit(taken("cleo", WINE, time=now - 40, confidence=0.7))
    office.visit(taken("dan", SOAP, time=now - 30, confidence=0.6, quantity=2))
    first, second, third = eventually(lambda: (found := office.reviews()) and len(found) == 3 and found)
    with signed_in(browser, office.server) as open_page:
        page = open_page("/reviews")
        text_of(page, "#progress", "0 answered, 3 left")
        assert page.locator("#alternatives li").all_inner_texts()[0].split("\n")[:2] == ["1", "Person A: Milk"]
        assert page.locator("#alternatives .price").first.inner_text() == "€1.30"
        assert page.locator("#alternatives .chance").all_inner_texts() == ["45 %", "30 %", "15 %", "10 %"]
        # The clip plays: its two pictures take turns, with the people who may have done it marked by letters.
        until(page, "() => [...document.querySelectorAll('.clip img')].every((i) => i.naturalWidth === 80)")
        shown = "() => [...document.querySelectorAll('.clip-frame')].findIndex((frame) => !frame.hidden)"
        until(page, f"() => ({shown})() === 1")
        until(page, f"() => ({shown})() === 0")
        assert page.locator(".clip-frame").first.locator(".clip-person").all_inner_texts() == ["A", "B"]
        page.keyboard.press("3")
        text_of(page, "#progress", "1 answered, 2 left")
        page.keyboard.press("9")  # no such alternative: nothing is answered
        assert page.locator("#no-clip").is_visible()
        page.keyboard.press("n")
        text_of(page, "#progress", "2 answered, 1 left")
        text_of(page, "#alternatives li:first-child span:nth-of-type(1)", "2 \u00d7 Soap")
        page.keyboard.press("u")
        text_of(page, "#before", "Your answer was: nothing happened. A new one replaces it; s leaves it.")
        page.keyboard.press("1")
        text_of(page, "#alternatives li:first-child span:nth-of-type(1)", "2 \u00d7 Soap")
        page.keyboard.press("s")
        text_of(page, "#progress", "2 answered, 1 left")
        page.keyboard.press("1")
        text_of(page, "#done h2", "Nothing to review")
        text_of(page, "#progress", "3 answered, 0 left")
        content = page.content()
        assert ALIAS not in content
        assert not any(track in content for track in ("anna", "ben", "cleo", "session-"))
        office.visit(taken("eva", BREAD, confidence=0.7))
        text_of(page, "#progress", "3 answered, 1 left")
    said = eventually(lambda: (found := office.answers()) and len(found) == 4 and found)
    assert [(a.review_id, a.track_id, a.gtin, a.quantity, a.confidence) for a in said] == [
        (first["id"], "ben", MILK, 1, 1.0), (second["id"], "cleo", WINE, 1, 0.0), (second["id"], "cleo", WINE, 1, 1.0),
        (third["id"], "dan", SOAP, 2, 1.0),
    ]  # fmt: skip
    eventually(lambda: office.http.get("/v1/reviews/progress").json() == {"waiting": 1, "answered": 3})


def test_answered_reviews_become_datasets(office, tmp_path):
    office.visit(
        taken("anna", MILK, who=WHO, what=WHAT, evidence=(office.clip("c-1"), office.clip("c-2", focus=False)))
    )
    office.visit(taken("cleo", WINE, confidence=0.7, evidence=(office.clip("c-3", ("till",)),)))
    office.visit(taken("dan", SOAP, confidence=0.7))
    found = eventually(lambda: (r := office.reviews()) and len(r) == 3 and {x["gtin"]: x["id"] for x in r})

    def answer(asked: str, **body: Any) -> None:
        count = len(office.answers())
        assert office.http.post(f"/v1/reviews/{found[asked]}/answers", json=body).status_code == 202
        eventually(lambda: len(office.answers()) == count + 1)

    def export() -> str:
        settings = tmp_path / "settings.yaml"
        settings.write_text(f"store: {STORE}\ndata_dir: {office.settings.data_dir}\n")
        done = CliRunner().invoke(aisle, ["reviews", "export", str(tmp_path / "out"), "--config", str(settings)])
        assert done.exit_code == 0, done.output
        return done.output

    def objects(kind: str) -> set[tuple[str, str, tuple[float, ...]]]:
        dataset = open_dataset(tmp_path / "out" / kind)
        return {
            (s.groups["camera"][0], dataset.classes[s.label[0]], tuple(s.xyxy[0].tolist())) for s in dataset.samples()
        }

    answer(MILK, happened=True, gtin=BREAD, track_id="ben")
    answer(WINE, happened=False)
    answer(SOAP, happened=True)
    assert "7 new lines from 3 answered reviews" in export()
    focus, whole = (10.0, 10.0, 30.0, 30.0), (0.0, 0.0, 80.0, 60.0)
    assert objects("products") == {("dairy", BREAD, focus)}
    assert objects("reaches") == {("dairy", "take", focus), ("dairy", "take", whole), ("till", "nothing", focus)}
    assert len(open_dataset(tmp_path / "out" / "reaches")) == 5
    assert "0 new lines from 3 answered reviews, 1 of them without pictures" in export()
    answer(WINE, happened=True)
    assert "2 new lines" in export()
    assert objects("products") == {("dairy", BREAD, focus), ("till", WINE, focus)}
    assert ("till", "take", focus) in objects("reaches")
    assert ("till", "nothing", focus) not in objects("reaches")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert ALIAS.encode() not in kept
    assert b"ben" not in kept
