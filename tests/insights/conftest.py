from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from insights.camera import CameraInsights
from insights.definitions import DEFAULT_RULES, Rules
from insights.facts import Facts
from store.bus import Bus
from store.events import Event, PersonLeft, PersonMoved
from store.plan import CameraView
from store.records import Records
from store.settings import Settings

Walk = Sequence[tuple[float, float, float]]  # time, x, y
STORE = "shop"


def _script(
    paths: dict[str, Walk],
    *,
    camera: str = "door",
    size: tuple[int, int] = (640, 480),
    rows: int = 20,
    leave: bool = True,
    name: str = "e",
) -> list[Event]:
    flat = sorted((t, track, x, y) for track, path in paths.items() for t, x, y in path)
    events: list[Event] = []
    for at in range(0, len(flat), rows):
        part = flat[at : at + rows]
        events.append(
            PersonMoved(
                id=f"{name}{at}",
                store=STORE,
                time=part[-1][0],
                cameras=(camera,),
                camera=camera,
                size=size,
                track_id=tuple(row[1] for row in part),
                time_s=tuple(row[0] for row in part),
                xy=tuple((row[2], row[3]) for row in part),
            )
        )
    if leave:
        events += [
            PersonLeft(
                id=f"{name}-{track}-left",
                store=STORE,
                time=path[-1][0],
                cameras=(camera,),
                track_id=track,
                entered_at=path[0][0],
            )
            for track, path in paths.items()
            if path
        ]
    return events


def _play(view: CameraView, events: Sequence[Event], *, rules: Rules = DEFAULT_RULES, batch: int = 1) -> Facts:
    camera = CameraInsights(view, rules)
    facts = Facts()
    for at in range(0, len(events), batch):
        for event in events[at : at + batch]:
            if isinstance(event, PersonMoved):
                camera.take(event)
            elif isinstance(event, PersonLeft):
                camera.leave(event)
        facts.add(camera.release())
    return facts


@pytest.fixture(scope="session")
def script() -> Callable[..., list[Event]]:
    """Paths by track id as person.moved events of some ``rows`` each, and a person.left for everybody."""
    return _script


@pytest.fixture(scope="session")
def play() -> Callable[..., Facts]:
    """Events through one camera's counting, released after every ``batch`` of them."""
    return _play


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, store=STORE)


@pytest.fixture
def records(settings: Settings) -> Iterator[Records]:
    with Records.open(settings) as opened:
        yield opened


@pytest.fixture
def bus(settings: Settings) -> Iterator[Bus]:
    with Bus.open(settings) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def either_records(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Records]:
    """An empty database, once of each kind."""
    if request.param == "postgresql":
        settings = Settings(data_dir=tmp_path, store=STORE, database_url=request.getfixturevalue("new_postgres")())
    with Records.open(settings) as opened:
        yield opened
