from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hypothesis
import psycopg
import pytest

from insights.camera import CameraInsights
from insights.definitions import DEFAULT_RULES, Rules
from insights.facts import Facts
from store.bus import Bus
from store.events import Event, PersonLeft, PersonMoved
from store.plan import CameraView
from store.records import Records
from store.settings import Settings

hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")

Walk = Sequence[tuple[float, float, float]]  # time, x, y
STORE = "shop"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith("AISLE_") or name in ("REDIS_URL", "DATABASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "xdg"))


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


def _program(name: str) -> str | None:
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) if Path("/usr/lib/postgresql").is_dir() else []
    return shutil.which(name) or (str(beside[-1]) if beside else None)


@pytest.fixture(scope="session")
def postgres_directory() -> Iterator[Path]:
    """A private cluster that listens on a unix socket in this directory only."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed")
    identity: dict[str, object] = {}
    base = Path(tempfile.mkdtemp(prefix="aisle-pg-"))
    try:
        if os.geteuid() == 0:  # postgres refuses to run as root
            try:
                account = pwd.getpwnam("postgres")
            except KeyError:
                pytest.skip("running as root and there is no account named postgres to run PostgreSQL as")
            os.chown(base, account.pw_uid, account.pw_gid)
            identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        data = base / "data"
        done = subprocess.run(
            [initdb, "-D", data, "-U", "aisle", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            capture_output=True, text=True, cwd=base, **identity,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={base}", "-c", "fsync=off"]
        with open(base / "log", "wb") as log:
            server = subprocess.Popen([postgres, "-D", data, *options], stdout=log, stderr=log, cwd=base, **identity)
        try:
            for _ in range(200):
                try:
                    psycopg.connect(host=str(base), user="aisle", dbname="postgres").close()
                    break
                except psycopg.OperationalError:
                    assert server.poll() is None, (base / "log").read_text()
                    time.sleep(0.05)
            yield base
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
    finally:
        shutil.rmtree(base)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_records(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Records]:
    """An empty database, once of each kind."""
    if request.param == "postgresql":
        base: Path = request.getfixturevalue("postgres_directory")
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(host=str(base), user="aisle", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        settings = Settings(data_dir=tmp_path, store=STORE, database_url=f"postgresql://aisle@/{name}?host={base}")
    with Records.open(settings) as opened:
        yield opened
