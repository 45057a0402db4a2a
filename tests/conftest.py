"""What every folder of tests rests on: an environment of its own, and a private PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

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


@pytest.fixture
def new_postgres(postgres_directory: Path) -> Callable[[], str]:
    """Makes an empty database and returns its address, with a password in it that must not be shown."""

    def make() -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(
            host=str(postgres_directory), user="aisle", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://aisle:hunter2@/{name}?host={postgres_directory}"

    return make
