from __future__ import annotations

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlalchemy import CheckConstraint, Connection, func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from store import migrations
from store.errors import UnavailableError
from store.records import Records, RecordsError, RecordsUnavailableError
from store.settings import Settings
from store.tables import (
    cameras,
    crossings,
    events,
    handled,
    metadata,
    occupancy,
    tiles,
)

ROOT = Path(migrations.__file__).parents[2]


def crossing(name: str, time: float = 10.0, direction: str = "in") -> dict[str, object]:
    return {"id": name, "store": "s", "camera": "c", "line": "door", "direction": direction, "time": time}


def tile(x: int, seconds: float, visitors: int = 1, minute: int = 7) -> dict[str, object]:
    where = {"store": "s", "camera": "c", "space": "image", "minute": minute, "x": x, "y": 0}
    return {**where, "visitors": visitors, "seconds": seconds}


def count(connection: Connection, table: object) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_the_migrations_build_exactly_the_tables(settings: Settings) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with Records.open(settings) as records, records.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for table in metadata.tables.values():
            key = found.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key.columns]
            assert {c["name"] for c in found.get_check_constraints(table.name)} == {
                str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)
            }


def test_the_head_named_in_code_is_the_newest_revision() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_opening_again_keeps_what_is_there(settings: Settings) -> None:
    with Records.open(settings) as records, records.begin() as connection:
        records.insert(connection, crossings, [crossing("a")])
    with Records.open(settings) as records, records.read() as connection:
        assert count(connection, crossings) == 1


def test_a_database_of_a_newer_version_is_refused(settings: Settings) -> None:
    with Records.open(settings) as records, records.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RecordsError, match=r"9999.*update Aisle"):
        Records.open(settings)


def test_an_older_database_is_brought_up_to_date(settings: Settings) -> None:
    with Records.open(settings) as records, records.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))
    with Records.open(settings) as records, records.read() as connection:
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}


OPEN_WHEN_TOLD = """
import sys
from store.records import Records
from store.settings import Settings
print("ready", flush=True)
sys.stdin.readline()
with Records.open(Settings()) as records:
    records.ping()
"""


def test_processes_that_start_at_once_all_find_the_tables(settings: Settings) -> None:
    environment = {**os.environ, "AISLE_DATA_DIR": str(settings.data_dir)}
    if settings.database_url is not None:
        environment["DATABASE_URL"] = settings.database_url.get_secret_value()
    command = [sys.executable, "-W", "error", "-c", OPEN_WHEN_TOLD]
    processes = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0, 0]


def test_inserting_twice_stores_once_and_says_how_many_were_new(records: Records) -> None:
    with records.begin() as connection:
        assert records.insert(connection, crossings, [crossing("a"), crossing("b")]) == 2
    with records.begin() as connection:
        again = [crossing("b", time=99.0), crossing("c"), crossing("c", time=98.0)]
        assert records.insert(connection, crossings, again) == 1
        assert records.insert(connection, crossings, []) == 0
    with records.read() as connection:
        found = connection.execute(select(crossings.c.id, crossings.c.time)).all()
    assert {row.id: row.time for row in found} == {"a": 10.0, "b": 10.0, "c": 10.0}


def test_a_large_batch_arrives_whole(records: Records) -> None:
    rows = [crossing(f"{i:05d}", time=float(i)) for i in range(5_000)]
    with records.begin() as connection:
        assert records.insert(connection, crossings, rows) == 5_000
        assert records.insert(connection, crossings, rows) == 0
        assert count(connection, crossings) == 5_000


def test_only_a_duplicate_key_is_ignored(records: Records) -> None:
    with pytest.raises(IntegrityError), records.begin() as connection:
        records.insert(connection, crossings, [crossing("a", direction="up")])
    with pytest.raises(IntegrityError), records.begin() as connection:
        records.insert(connection, crossings, [{**crossing("a"), "camera": None}])
    with records.read() as connection:
        assert count(connection, crossings) == 0


def test_seconds_and_visitors_add_up_also_within_one_batch(records: Records) -> None:
    with records.begin() as connection:
        records.merge(connection, tiles, [tile(1, 0.5), tile(2, 1.0), tile(1, 0.25, visitors=0)])
    with records.begin() as connection:
        records.merge(connection, tiles, [tile(1, 2.0), tile(1, 3.0, minute=8)])
        records.merge(connection, tiles, [])
    with records.read() as connection:
        found = connection.execute(
            select(tiles.c.minute, tiles.c.x, tiles.c.visitors, tiles.c.seconds).order_by(tiles.c.minute, tiles.c.x)
        ).all()
    assert [tuple(row) for row in found] == [(7, 1, 2, 2.75), (7, 2, 1, 1.0), (8, 1, 1, 3.0)]


def test_a_peak_rises_and_never_falls(records: Records) -> None:
    row = {"store": "s", "camera": "c", "zone": "", "minute": 3, "person_seconds": 2.0, "peak": 4}
    with records.begin() as connection:
        records.merge(connection, occupancy, [row])
        records.merge(connection, occupancy, [{**row, "peak": 9}])
        records.merge(connection, occupancy, [{**row, "peak": 1}])
        found = connection.execute(select(occupancy.c.person_seconds, occupancy.c.peak)).one()
    assert tuple(found) == (6.0, 9)


def test_a_camera_seen_again_keeps_its_first_sight_and_its_preview(records: Records) -> None:
    row = {
        "store": "s", "camera": "c", "width": 640, "height": 480, "first_seen": 50.0, "last_seen": 60.0,
        "preview": "c.jpg", "lines": [{"name": "door"}], "zones": [], "homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "cell_px": 16, "cell_m": 0.5,
    }  # fmt: skip
    again = {
        **row,
        "width": 800,
        "first_seen": 70.0,
        "last_seen": 80.0,
        "preview": None,
        "homography": None,
        "lines": [],
    }
    with records.begin() as connection:
        records.merge(connection, cameras, [row])
        records.merge(connection, cameras, [again])
        records.merge(connection, cameras, [{**again, "last_seen": 75.0}])
        found = connection.execute(select(cameras)).mappings().one()
        assert connection.execute(select(cameras.c.camera).where(cameras.c.homography.is_(None))).scalar() == "c"
    assert dict(found) == {**again, "first_seen": 50.0, "last_seen": 80.0, "preview": "c.jpg"}


def test_a_table_without_rules_is_not_merged(records: Records) -> None:
    with records.begin() as connection, pytest.raises(ValueError, match=r"crossings.*cameras, occupancy, tiles"):
        records.merge(connection, crossings, [crossing("a")])


def test_an_event_is_claimed_once_a_handler(records: Records) -> None:
    with records.begin() as connection:
        assert records.claim(connection, "insights", ["1", "2", "1"]) == {"1", "2"}
        assert records.claim(connection, "insights", []) == set()
    with records.begin() as connection:
        assert records.claim(connection, "insights", ["2", "3"]) == {"3"}
        assert records.claim(connection, "audit", ["2"]) == {"2"}


def test_a_claim_is_forgotten_with_the_transaction_that_made_it(records: Records) -> None:
    def handler() -> None:
        with records.begin() as connection:
            records.claim(connection, "insights", ["1"])
            records.insert(connection, crossings, [crossing("a")])
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        handler()
    with records.begin() as connection:
        assert count(connection, crossings) == 0
        assert records.claim(connection, "insights", ["1"]) == {"1"}


def test_two_handlers_at_once_never_both_win_an_event(records: Records) -> None:
    ids = [f"{i:04d}" for i in range(200)]
    barrier = threading.Barrier(4)

    def work(_: int) -> int:
        barrier.wait()
        won = 0
        for at in range(0, len(ids), 20):
            with records.begin() as connection:
                new = records.claim(connection, "insights", ids[at : at + 20])
                records.merge(connection, tiles, [tile(int(i) % 5, 1.0) for i in new])
                won += len(new)
        return won

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == len(ids)
    with records.read() as connection:
        assert count(connection, handled) == len(ids)
        assert connection.execute(select(func.sum(tiles.c.seconds))).scalar() == len(ids)


def test_writers_in_opposite_order_do_not_deadlock(records: Records) -> None:
    barrier = threading.Barrier(2)

    def work(order: int) -> None:
        barrier.wait()
        for _ in range(20):
            with records.begin() as connection:
                records.merge(connection, tiles, [tile(x, 1.0) for x in range(50)][::order])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (1, -1)))
    with records.read() as connection:
        assert connection.execute(select(func.sum(tiles.c.seconds))).scalar() == 2 * 20 * 50


def test_a_reader_sees_the_last_commit_while_a_writer_is_busy(records: Records) -> None:
    with records.begin() as connection:
        records.insert(connection, crossings, [crossing("a")])
    with records.begin() as writer:
        records.insert(writer, crossings, [crossing("b")])
        with records.read() as reader:
            assert count(reader, crossings) == 1


def test_a_mistake_in_the_statement_is_no_outage(records: Records) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, records.read() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, UnavailableError)


def test_parameters_stay_out_of_errors(records: Records) -> None:
    with pytest.raises((IntegrityError, ProgrammingError)) as caught, records.begin() as connection:
        connection.execute(insert(events), {"id": "x", "type": "t", "store": None, "time": 1.0, "body": "hashofakey"})
    assert "hashofakey" not in str(caught.value).split("DETAIL")[0]


def test_batches_do_not_change_a_sum(records: Records) -> None:
    example = itertools.count()

    @hypothesis.settings(max_examples=40)
    @hypothesis.given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), max_size=30), st.integers(1, 5))
    def check(cells: list[tuple[int, int]], size: int) -> None:
        minute = next(example)
        for at in range(0, len(cells), size):
            with records.begin() as connection:
                records.merge(connection, tiles, [tile(x, s / 4, minute=minute) for x, s in cells[at : at + size]])
        with records.read() as connection:
            found = connection.execute(select(tiles.c.x, tiles.c.seconds).where(tiles.c.minute == minute)).all()
        assert {row.x: row.seconds for row in found} == {
            x: sum(s for other, s in cells if other == x) / 4 for x, _ in cells
        }

    check()


def test_sqlite_is_private_and_survives_a_reader(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with Records.open(settings) as records, records.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert int(connection.execute(text("PRAGMA busy_timeout")).scalar_one()) >= 5_000
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_locked_database_is_unavailable_for_now(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with Records.open(settings) as records:
        other = sqlite3.connect(tmp_path / "aisle.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with records.read() as connection:
                connection.execute(text("PRAGMA busy_timeout=1"))
            with (
                pytest.raises(RecordsUnavailableError, match=r"aisle\.sqlite3 is unavailable.*locked"),
                records.begin(),
            ):
                pass
        finally:
            other.close()


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://aisle:hunter2@/shop?host={tmp_path}"
    with pytest.raises(RecordsUnavailableError, match="shop is unavailable") as caught:
        Records.open(Settings(data_dir=tmp_path, database_url=url))
    assert "hunter2" not in str(caught.value)


def test_a_url_that_is_none_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="DATABASE_URL cannot be parsed") as caught:
        Records.open(Settings(data_dir=tmp_path, database_url="postgresql://aisle:hunter2@host:port/shop"))
    assert "hunter2" not in str(caught.value)


def test_the_url_of_a_server_is_not_shown(records: Records, settings: Settings) -> None:
    assert "hunter2" not in repr(records) + repr(settings)
    records.ping()


def test_a_connection_that_the_server_ended_is_an_outage_and_then_replaced(
    postgres_directory: Path, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"postgresql://aisle@/postgres?host={postgres_directory}")
    end = text("SELECT pg_terminate_backend(:pid)")
    with Records.open(settings) as records:

        def broken() -> None:
            with records.begin() as victim, records.begin() as other:
                other.execute(end, {"pid": victim.execute(text("SELECT pg_backend_pid()")).scalar_one()})
                victim.execute(text("SELECT 1"))

        with pytest.raises(RecordsUnavailableError, match="unavailable"):
            broken()
        with records.begin() as idle:
            pid = idle.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with Records.open(settings) as second, second.begin() as other:
            other.execute(end, {"pid": pid})
        records.ping()
