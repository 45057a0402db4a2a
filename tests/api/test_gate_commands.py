"""`aisle gate` and `aisle replay`, as somebody types them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app as aisle
from api.desk_gate import money, receipt_text
from api.keys import create_key
from api.serve import PageServer
from api.upkeep import run_services
from checkout.codes import EntryCodes
from checkout.service import CheckoutService
from store.bus import Bus
from store.events import PersonPassed, ProductHandedOver, ProductTaken, SessionOpened
from store.records import Records
from store.settings import Settings
from tests.checkout.conftest import BREAD, CATALOGUE, MILK, T0
from tests.checkout.test_passages import PLAN

STORE = "desk"
SECRET = "a secret of the tests, 32 bytes or more"


def qr_picture(folder: Path, text: str, name: str = "code.png") -> Path:
    """A photo of a code: grey, not quite straight, with room around."""
    matrix = np.array([list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)], np.uint8)
    picture = cv2.resize(np.where(matrix == 1, 40, 220).astype(np.uint8), None, fx=5, fy=5, interpolation=0)
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 7, 0.8)
    turned = cv2.warpAffine(picture, turn, (width, height), borderValue=200.0)
    cv2.imwrite(str(folder / name), cv2.GaussianBlur(turned, (3, 3), 0))
    return folder / name


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[tuple[str, str, Bus]]:
    settings = Settings(store=STORE, data_dir=tmp_path_factory.mktemp("desk"), port=0, code_secret=SECRET, settle_s=2)
    with Records.open(settings) as records, Bus.open(settings) as bus:
        _, key = create_key(records, "desk", ["gates:write", "checkout:read"], now=time.time())
        app = create_app(settings, bus=bus, records=records, plan=PLAN, catalogue=CATALOGUE)
        with run_services(bus, records, settings, PLAN, CATALOGUE), PageServer(app, settings) as server:
            yield server.url, key, bus


def run(desk: tuple[str, str, Bus], image: Path, *more: str) -> Any:
    url, key, _ = desk
    command = ["gate", "entry", "--image", str(image), "--url", url, *more]
    return CliRunner().invoke(aisle, command, env={"AISLE_KEY": key})


def test_a_visit_on_a_desk(desk, tmp_path):
    _, _, bus = desk
    _, code = EntryCodes(STORE, SECRET.encode(), 60).issue("alias", time.time())

    def shop() -> None:
        for _, event in (item for item in bus.subscribe({"session.opened"}, "0") if item is not None):
            now = event.time
            fields = {"store": STORE, "track_id": "t"}
            bus.publish([PersonPassed(**fields, time=now + 1, gate="entry", way="in")])
            bus.publish([ProductTaken(**fields, time=now + 2, gtin=MILK, quantity=2)])
            bus.publish([PersonPassed(**fields, time=now + 3, gate="exit", way="out")])
            return

    shopper = threading.Thread(target=shop)
    shopper.start()
    done = run(desk, qr_picture(tmp_path, code))
    shopper.join(20)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("OPEN: Come in. (welcome)\n")
    assert "2 x Milk" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["Total", "EUR", "2.60"]
    assert code not in done.output


def test_a_code_that_opens_nothing(desk, tmp_path):
    done = run(desk, qr_picture(tmp_path, "https://example.org"))
    assert done.exit_code == 1
    assert done.stdout == "SHUT: This is no entry code of ours. (forged)\n"


def test_what_is_wrong_is_said_in_one_line(desk, tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((90, 90, 3), 128, np.uint8))
    cases = [
        (run(desk, tmp_path / "none.png"), "no picture"),
        (run(desk, tmp_path / "grey.png"), "no QR"),
        (run(desk, qr_picture(tmp_path, "x"), "--key", "aisle_wrong"), "401"),
        (run(desk, qr_picture(tmp_path, "x"), "--url", "http://127.0.0.1:9"), "does not answer"),
        (CliRunner().invoke(aisle, ["gate", "entry", "--image", "x.png"]), "aisle keys create gate"),
        (CliRunner().invoke(aisle, ["gate", "entry", "--key", "k", "--camera", "webcam:77"]), "webcam"),
    ]
    for done, says in cases:
        assert done.exit_code == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_receipt_in_print():
    lines = [{"quantity": 3, "name": None, "gtin": MILK, "amount": 398, "discount": 199, "promotion": "3 for 2"}]
    text = receipt_text({"id": "r" * 32, "state": "issued", "lines": lines, "total": 398, "currency": "EUR"}, 30)
    assert text.splitlines() == [
        "Receipt rrrrrrrrrrrr  (issued)", "-" * 30, "3 x 00000000000017        3.98", "    3 for 2: -1.99", "-" * 30,
        "Total EUR                 3.98",
    ]  # fmt: skip
    assert [money(amount) for amount in (0, 5, -250)] == ["0.00", "0.05", "-2.50"]


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """A day on record: Anna takes bread and gives it to Ben, who carries it out."""
    settings = Settings(data_dir=tmp_path, store="shop")
    events = [
        SessionOpened(store="shop", time=T0, session_id="A", gate="entry"),
        PersonPassed(store="shop", time=T0 + 1, track_id="anna", gate="entry", way="in"),
        SessionOpened(store="shop", time=T0 + 2, session_id="B", gate="entry"),
        PersonPassed(store="shop", time=T0 + 3, track_id="ben", gate="entry", way="in"),
        ProductTaken(store="shop", time=T0 + 4, track_id="anna", gtin=BREAD),
        ProductTaken(store="shop", time=T0 + 5, track_id="anna", gtin=MILK),
        ProductHandedOver(store="shop", time=T0 + 6, track_id="anna", to_track_id="ben", gtin=BREAD),
        PersonPassed(store="shop", time=T0 + 7, track_id="anna", gate="exit", way="out"),
        PersonPassed(store="shop", time=T0 + 8, track_id="ben", gate="exit", way="out"),
        SessionOpened(store="shop", time=T0 + 99, session_id="C", gate="entry"),
    ]
    with Records.open(settings) as records, Bus.open(settings) as bus:
        service = CheckoutService(bus, records, settings, PLAN, CATALOGUE)
        service.handle(events)
        service.tick()
    import yaml

    (tmp_path / "catalogue.yaml").write_text(yaml.safe_dump(CATALOGUE.model_dump(mode="json")))
    monkeypatch.setenv("AISLE_DATA_DIR", str(tmp_path))
    return tmp_path


def replayed(kept: Path, *more: str) -> Any:
    period = ["--from", str(int(T0)), "--to", str(int(T0 + 50)), "--catalogue", str(kept / "catalogue.yaml")]
    return CliRunner().invoke(aisle, ["replay", *period, *more])


def test_the_same_rules_give_the_same_receipts(kept):
    done = replayed(kept, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"receipts": 2, "changed": 0, "difference": 0, "changes": []}


def test_another_policy_moves_what_was_handed_over(kept):
    found = json.loads(replayed(kept, "--hand-over", "picker_pays", "--json").stdout)
    assert (found["receipts"], found["changed"], found["difference"]) == (2, 2, 0)
    assert {change["session_id"]: change["difference"] for change in found["changes"]} == {"A": 250, "B": -250}
    table = replayed(kept, "--hand-over", "picker_pays").stdout
    assert "2 of 2 receipts would differ, by 0.00 in all" in table


def test_events_of_other_weights_take_the_place_of_the_kept_ones(kept):
    taken = ProductTaken(store="shop", time=T0 + 5, track_id="anna", gtin=MILK, quantity=3)
    (kept / "other.jsonl").write_text(json.dumps(taken.to_cloudevent()) + "\n\n" + json.dumps({"type": "x.y"}) + "\n")
    found = json.loads(replayed(kept, "--events", str(kept / "other.jsonl"), "--json").stdout)
    assert {change["session_id"]: change["difference"] for change in found["changes"]} == {"A": 240, "B": -250}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--hand-over", "nobody"], "picker_pays, holder_pays, group"),
        (["--charge-at", "0"], "charge_at"),
        (["--from", "soon"], "no time"),
        (["--events", "bad.jsonl"], "line 2"),
        (["--events", "none.jsonl"], "No such file"),
    ],
)
def test_a_replay_that_cannot_be_is_refused_in_one_line(kept, monkeypatch, more, says):
    monkeypatch.chdir(kept)
    (kept / "bad.jsonl").write_text("\n{\n")
    done = replayed(kept, *more)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
