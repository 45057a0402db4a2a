"""A shop with known numbers, served by a real server on a real bus and a real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from api.app import create_app
from api.keys import create_key
from api.live import LiveFrames
from api.serve import PageServer
from store import tables
from store.bus import Bus
from store.records import Records
from store.settings import Settings
from tests.api.browsing import launched

STORE = "testshop"
BEGIN = 1_795_338_000.0  # 2026-11-22 09:00:00 UTC
SIZE = (320, 240)


@dataclass
class Shop:
    """A running server and what it serves; ``keys`` by what they may do."""

    settings: Settings
    bus: Bus
    records: Records
    live: LiveFrames
    server: PageServer
    keys: dict[str, str]

    @property
    def url(self) -> str:
        return self.server.url

    def client(self, key: str | None = "all") -> httpx.Client:
        headers = {"X-API-Key": self.keys[key]} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20)

    def people(self, camera: str) -> int:
        with self.client() as client:
            return int(client.get(f"/v1/cameras/{camera}/occupancy/now").json()["people"])


def make_settings(folder: Path, **values: object) -> Settings:
    given = {"store": STORE, "port": 0, "rate_limit": "100000/minute", "redis_url": None, "database_url": None}
    return Settings(data_dir=folder, **{**given, **values})


def jpeg(brightness: int = 90) -> bytes:
    picture = np.full((SIZE[1], SIZE[0], 3), brightness, np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def make_keys(records: Records) -> dict[str, str]:
    now = time.time()
    wanted = {
        "all": ["insights:read", "live:read", "events:read"],
        "insights": ["insights:read"],
        "live": ["live:read"],
        "events": ["events:read"],
        "admin": ["admin"],
    }
    return {name: create_key(records, name, scopes, now=now)[1] for name, scopes in wanted.items()}


def fill(records: Records, settings: Settings) -> None:
    """Two cameras; `entrance` with a line, two zones, 6 in and 3 out in two hours, and a heatmap of four cells."""
    preview = settings.previews_dir / "entrance.jpg"
    preview.parent.mkdir(parents=True, exist_ok=True)
    preview.write_bytes(jpeg())
    homography = [[0.01, 0.0, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 1.0]]
    camera = {
        "store": STORE, "camera": "entrance", "width": SIZE[0], "height": SIZE[1], "first_seen": BEGIN,
        "last_seen": BEGIN + 7200, "preview": str(preview), "cell_px": 16, "cell_m": 0.25, "homography": homography,
        "lines": [{"name": "door", "a": [160.0, 0.0], "b": [160.0, 240.0]}],
        "zones": [
            {"name": "till", "polygon": [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0]], "staff": False, "queue_limit": 4},
            {"name": "shelf", "polygon": [[200.0, 0.0], [300.0, 0.0], [300.0, 100.0]], "staff": False,
             "queue_limit": None},
        ],
    }  # fmt: skip
    bare = {**camera, "camera": "storeroom", "preview": None, "homography": None, "lines": [], "zones": []}
    minute = int(BEGIN // 60)
    owner = {"store": STORE, "camera": "entrance"}
    directions = ["in", "in", "out", "in", "in", "out", "in", "in", "out"]
    crossings = [
        {**owner, "id": f"c{i}", "line": "door", "direction": direction, "time": BEGIN + 600 * i + 30}
        for i, direction in enumerate(directions)
    ]
    stays = [
        {**owner, "id": f"z{i}", "zone": "till", "entered_at": BEGIN + 60 * i, "left_at": BEGIN + 60 * i + seconds,
         "staff": False}
        for i, seconds in enumerate([10.0, 20.0, 30.0, 40.0, 100.0])
    ]  # fmt: skip
    visits = [{**owner, "id": f"v{i}", "entered_at": BEGIN + i, "left_at": BEGIN + i + 50.0} for i in range(7)]
    occupancy = [
        {**owner, "zone": zone, "minute": minute + i, "person_seconds": seconds, "peak": 3}
        for zone, seconds in (("", 120.0), ("till", 30.0))
        for i in range(10)
    ]
    cells = [(2, 3, 5, 50.0), (3, 3, 4, 40.0), (4, 3, 3, 30.0), (5, 3, 2, 20.0), (6, 3, 1, 10.0)]
    tiles = [
        {**owner, "space": space, "minute": minute, "x": x, "y": y, "visitors": visitors, "seconds": seconds}
        for space in ("image", "floor")
        for x, y, visitors, seconds in cells
    ]
    with records.begin() as connection:
        for table, rows in (
            (tables.cameras, [camera, bare]), (tables.crossings, crossings), (tables.zone_visits, stays),
            (tables.visits, visits), (tables.occupancy, occupancy), (tables.tiles, tiles),
        ):  # fmt: skip
            connection.execute(table.insert(), rows)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings = make_settings(tmp_path_factory.mktemp("shop"))
    live = LiveFrames(["entrance"])
    with Records.open(settings) as records, Bus.open(settings) as bus:
        fill(records, settings)
        keys = make_keys(records)
        app = create_app(settings, bus=bus, records=records, live=live)
        with PageServer(app, settings) as server:
            yield Shop(settings, bus, records, live, server, keys)


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    with shop.client() as opened:
        yield opened


@pytest.fixture
def span() -> dict[str, str]:
    """The two hours with data."""
    return {"from": "2026-11-22T09:00:00Z", "to": "2026-11-22T11:00:00Z"}


@pytest.fixture(name="make_settings")
def _make_settings():
    return make_settings


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with launched() as opened:
        yield opened
