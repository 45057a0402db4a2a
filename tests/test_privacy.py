"""The privacy rules that no single room can promise alone: what a whole run leaves behind."""

import math
import random
import threading
from pathlib import Path

import numpy as np
import pytest

from insights import queries
from insights.service import GROUP, InsightsService
from store.bus import Bus
from store.events import EVENT_TYPES, Event, LineCrossed, PersonMoved, ZoneEntered, ZoneLeft
from store.layout import Plan
from store.records import Records
from store.settings import Settings
from store.tables import metadata
from store.views import CameraView, Line, Zone
from vision.detections import Tracks
from vision.facts import FactWriter
from vision.lookback import Moment

START = 1_700_000_000.0
VIEW = CameraView(
    camera="door",
    size=(640, 480),
    lines=(Line(name="door", a=(320, 0), b=(320, 480)),),
    zones=(Zone(name="shelf", polygon=((100, 100), (540, 100), (540, 440), (100, 440))),),
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("REDIS_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Settings(store="shop", data_dir=tmp_path / "data", min_visitors=3)


def walkers(count: int) -> list[Moment]:
    """People who cross the picture one after another on paths of their own, ten frames a second."""
    rng = random.Random(7)
    moments = []
    for person in range(1, count + 1):
        y = rng.uniform(120, 430)
        for k in range(40):
            x = 20 + 15 * k
            box = np.array([[x - 20, y - 100, x + 20, y + 5 * math.sin(k / 5)]], np.float32)
            index = (person - 1) * 60 + k
            tracks = Tracks(np.array([person]), box, np.array([0.9], np.float32))
            moments.append(Moment(index, START + index / 10, tracks))
    return moments


def watch(settings: Settings, people: int) -> list[Event]:
    """Publish what the walkers do, count it, and return all that went over the bus."""
    with Records.open(settings) as records, Bus.open(settings) as bus:
        bus.ensure_group(GROUP)
        stop = threading.Event()
        service = InsightsService(bus, records, settings, Plan(store="shop", cameras=(VIEW,)))
        thread = threading.Thread(target=service.run, args=(stop,))
        thread.start()
        try:
            facts = FactWriter("shop", VIEW, bus.publish, patience_s=1.0)
            facts.add(walkers(people))
            facts.close()
            assert bus.wait_drained(GROUP, 60)
            events = [event for _, event in bus.history(3600)]
        finally:
            stop.set()
            thread.join()
    return events


def test_no_path_and_no_id_of_a_person_is_in_the_records(settings: Settings) -> None:
    events = watch(settings, people=5)
    ids = {track_id for event in events if isinstance(event, PersonMoved) for track_id in event.track_id}
    assert len(ids) == 5
    kept = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert b"door" in kept, "the counts must be there"
    for track_id in ids:
        assert track_id.encode() not in kept
    assert b"person.moved" not in kept


def test_what_is_told_of_a_crossing_or_a_stay_names_nobody(settings: Settings) -> None:
    events = watch(settings, people=3)
    told = [event for event in events if isinstance(event, LineCrossed | ZoneEntered | ZoneLeft)]
    ids = {track_id for event in events if isinstance(event, PersonMoved) for track_id in event.track_id}
    assert {type(event) for event in told} == {LineCrossed, ZoneEntered, ZoneLeft}
    for event in told:
        text = event.model_dump_json()
        assert not any(track_id in text for track_id in ids)


def test_ids_of_two_runs_have_nothing_in_common(settings: Settings) -> None:
    runs = [watch(settings, people=3), watch(settings, people=3)]
    first, second = (
        {track_id for event in events if isinstance(event, PersonMoved) for track_id in event.track_id}
        for events in runs
    )
    assert len(first) == len(second) == 3
    assert not first & second


@pytest.mark.parametrize(("people", "shown"), [(2, False), (12, True)])
def test_a_place_that_few_visited_is_not_shown(settings: Settings, people: int, shown: bool) -> None:
    watch(settings, people)
    with Records.open(settings) as records:
        heatmap = queries.heatmap(records, "shop", "door", "image", START - 60, START + 3600, settings.min_visitors)
    assert heatmap.hidden > 0
    assert (not heatmap.empty) is shown
    assert heatmap.visitors[~np.isnan(heatmap.seconds)].min(initial=99) >= 3


def test_no_table_has_room_for_a_path_a_face_or_an_appearance() -> None:
    columns = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
    forbidden = ("track", "person_id", "embedding", "face", "template", "vector", "xy", "path", "member")
    found = {name for name in columns if any(word in name for word in forbidden)}
    # Who shops under an alias, and what the alias owes: the checkout's tables, and none that tells where anybody was.
    assert {name for name in found if not name.startswith("members.")} == {"receipts.member"}


def test_no_event_has_room_for_a_face_or_an_appearance() -> None:
    fields = {f"{kind}.{name}" for kind, event in EVENT_TYPES.items() for name in event.model_fields}
    forbidden = ("embedding", "face", "template", "vector", "appearance", "picture", "member")
    assert "person.moved.track_id" in fields
    # The one place where a member's alias meets a visit: the code that was shown at the gate opened the session.
    assert {name for name in fields if any(word in name for word in forbidden)} == {"session.opened.member"}
    assert "session.opened.track_id" not in fields
