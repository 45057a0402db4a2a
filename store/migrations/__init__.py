"""The history of the schema as alembic revisions, and the way to bring a database up to date under a lock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from store.errors import RecordsError

# The newest revision, so that alembic is imported only where there is something to do.
HEAD = "0002"
_LOCK = 0x_A1_51_E0_01


def upgrade(engine: Engine) -> None:
    """Bring the database behind ``engine`` to ``HEAD``; processes that start together do so one after the other.

    Raises ``RecordsError`` when the database is ahead of this version.
    """
    with _only_one(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = current(connection)
        if found != HEAD:
            _run(connection, found)


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None for one without our tables."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _run(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise RecordsError(f"the database is at schema {found}, this version of Aisle knows up to {HEAD}: update Aisle")
    command.upgrade(config, "head")


@contextmanager
def _only_one(engine: Engine) -> Iterator[None]:
    """Hold a file lock beside an SQLite database: switching to WAL does not wait for other processes by itself."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    with open(f"{engine.url.database}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        yield
