"""Readings of weight plates by the interface: they reach the bus as they are, with the right key only."""

from __future__ import annotations

import time

import httpx
import pytest

from api.app import create_app
from api.keys import create_key
from api.serve import PageServer
from store.bus import Bus
from store.events import PlateRead
from store.records import Records
from store.settings import Settings

BODY = {"plate": ["a", "b", "a"], "time_s": [10.0, 10.0, 10.05], "grams": [1.5, 2.0, 1.0]}


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    settings = Settings(store="plates", data_dir=tmp_path_factory.mktemp("plates"), port=0)
    with Records.open(settings) as records, Bus.open(settings) as bus:
        keys = {
            scope: create_key(records, scope, [scope], now=time.time())[1] for scope in ("plates:write", "gates:write")
        }
        app = create_app(settings, bus=bus, records=records)
        with PageServer(app, settings) as server, httpx.Client(base_url=server.url, timeout=30) as client:
            yield client, bus, keys


def send(plates, body, scope="plates:write"):
    client, _, keys = plates
    return client.post("/v1/plates/readings", json=body, headers={"X-API-Key": keys[scope]})


def test_readings_reach_the_bus_as_they_are(plates):
    told = plates[1].subscribe({PlateRead.type}, heartbeat_s=5.0)
    answer = send(plates, BODY)
    assert (answer.status_code, answer.json()) == (202, {"readings": 3})
    _, event = next(told)
    assert (event.plate, event.time_s, event.grams) == (("a", "b", "a"), (10.0, 10.0, 10.05), (1.5, 2.0, 1.0))
    assert (event.store, event.time) == ("plates", 10.05)


@pytest.mark.parametrize(
    ("changed", "status"), [({"grams": [1.0]}, 422), ({"plate": []}, 422), ({"time_s": [-1.0, 1.0, 2.0]}, 422)]
)
def test_lists_that_cannot_be_are_refused(plates, changed, status):
    assert send(plates, BODY | changed).status_code == status


def test_a_key_for_gates_is_none_for_plates(plates):
    assert send(plates, BODY, "gates:write").status_code == 403


def test_a_reading_of_plates_needs_lists_of_one_length():
    with pytest.raises(ValueError, match="one length"):
        PlateRead(store="s", time=1.0, plate=("a",), time_s=(1.0, 2.0), grams=(1.0,))
