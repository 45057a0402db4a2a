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


SMALL_PLAN = """
store: small
catalogue: catalogue.yaml
floor: {polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
gates: [{name: door, a: [2, 0], b: [3, 0]}]
plates: [{name: scale}]
fixtures:
  - name: rack
    xy: [2.5, 3.75]
    heading_deg: -90
    length_m: 1.2
    depth_m: 0.4
    height_m: 1.6
    shelves:
      - {z_m: 0.6, depth_m: 0.35, slots: [{product: box-01, at_m: 0.05, width_m: 0.5, facings: 2, rows: 2}]}
      - z_m: 1.1
        depth_m: 0.3
        slots:
          - {product: can-01, at_m: 0.05, width_m: 0.5, facings: 3, rows: 2, plate: scale}
          - {product: jar-02, at_m: 0.6, width_m: 0.5, facings: 3, rows: 2}
cameras:
  - camera: left
    size: [160, 96]
    lens: {horizontal_view_deg: 80}
    pose: {position: [0.3, 0.3, 2.7], look_at: [2.6, 2.2, 0.9]}
  - camera: right side
    size: [160, 96]
    lens: {horizontal_view_deg: 80}
    pose: {position: [4.7, 0.3, 2.7], look_at: [2.4, 2.2, 0.9]}
"""
SHORT_SCENARIO = """
duration_s: 15
slots: {a: {product: can-01}}
people:
  - {name: anna, at_s: 0, does: [{take: a}, leave]}
  - {name: ben, at_s: 2, does: [{browse: a}, leave]}
"""


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``plan.yaml``, a shop of a rack, three products and two cameras, and ``short.yaml``, 15 s there."""
    import yaml

    from datasets.simulation.goods.products import generate_catalogue

    folder = tmp_path_factory.mktemp("small")
    products = [p for p in generate_catalogue(1).products if p.id in ("box-01", "can-01", "jar-02")]
    document = {"products": [product.model_dump(mode="json") for product in products]}
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(document))
    (folder / "plan.yaml").write_text(SMALL_PLAN)
    (folder / "short.yaml").write_text(SHORT_SCENARIO)
    return folder


@pytest.fixture(scope="session")
def small_dataset(small_shop: Path) -> Path:
    """The dataset of ``short.yaml`` with seed 3, as videos of 5 frames a second. Look at it, do not write to it."""
    from datasets.simulation.filming.dataset import write_dataset
    from datasets.simulation.filming.recipes import Filming, Recipe

    folder = small_shop / "dataset"
    write_dataset(folder, [Recipe(str(small_shop / "short.yaml"), 3, small_shop / "plan.yaml", Filming(rate_hz=5.0))])
    return folder


@pytest.fixture(scope="session")
def street_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See ``tests.street``."""
    from tests.street import write_street

    return write_street(tmp_path_factory.mktemp("street") / "street.mp4")
