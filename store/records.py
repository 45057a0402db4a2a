"""The records: one database, SQLite in the data directory or PostgreSQL, opened and brought up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from store import writes
from store.errors import RecordsError, UnavailableError
from store.migrations import upgrade
from store.settings import Settings

__all__ = ["Records", "RecordsError", "RecordsUnavailableError"]

BUSY_TIMEOUT_MS = 15_000
_SQLITE_TRANSIENT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
_READ = "aisle_read_only"


class RecordsUnavailableError(UnavailableError):
    """The database cannot be reached, is locked or is full."""


class Records:
    """A database with the tables of ``store.tables``. Safe to share between threads; one per process is enough."""

    def __init__(self, engine: Engine) -> None:
        """Use ``Records.open``."""
        self._engine = engine
        self._reader = engine.execution_options(**{_READ: True})

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect and migrate to the newest schema; many processes may do so at once.

        Raises ``RecordsUnavailableError`` when the server cannot be reached, ``RecordsError`` when the URL is wrong or
        a newer version of Aisle wrote the database.
        """
        engine = _engine(_url(settings))
        try:
            with _translated(engine):
                upgrade(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end of the block, rolled back when the block raises.

        Raises ``RecordsUnavailableError`` for what may pass by itself: a lost connection, a lock, a full disk.
        """
        with _translated(self._engine), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view, never blocked by a writer. Raises as ``begin``."""
        with _translated(self._engine), self._reader.begin() as connection:
            yield connection

    def ping(self) -> None:
        """Raise ``RecordsUnavailableError`` unless the database answers."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def claim(self, connection: Connection, handler: str, event_ids: Collection[str]) -> set[str]:
        """Mark events as taken by ``handler`` in its own transaction; do only those whose ids are returned."""
        return writes.claim(connection, handler, event_ids, time.time())

    def insert(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows (dicts with the same keys), skipping those whose id is there; return how many were new."""
        return writes.insert_new(connection, table, rows)

    def merge(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to ``occupancy``, ``tiles`` or ``cameras``: sums add up, peaks rise, the rest is replaced."""
        writes.merge(connection, table, rows)

    def close(self) -> None:
        """Give all connections back. Safe to call twice."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Records({self.dialect})"


def _url(settings: Settings) -> URL:
    if settings.database_url is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return URL.create("sqlite+pysqlite", database=str(settings.data_dir / "aisle.sqlite3"))
    try:
        url = make_url(settings.database_url.get_secret_value())
    except (ArgumentError, ValueError):
        raise RecordsError(
            "DATABASE_URL cannot be parsed; expected postgresql://user:password@host:port/name"
        ) from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url.set(drivername="sqlite+pysqlite")


def _engine(url: URL) -> Engine:
    # Parameters stay out of error messages: among them are hashes of API keys.
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
        return engine
    return create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10, "application_name": "aisle"}
    )


def _on_sqlite_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_sqlite_begin(connection: Connection) -> None:
    # A writer that starts as a reader fails at once when another has written meanwhile; IMMEDIATE makes it wait.
    read = connection.get_execution_options().get(_READ, False)
    connection.exec_driver_sql("BEGIN" if read else "BEGIN IMMEDIATE")


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not _may_pass(error):
            raise
        url = engine.url
        where = url.database if url.get_backend_name() == "sqlite" else f"{url.host}:{url.port or 5432}/{url.database}"
        raise RecordsUnavailableError(f"database {where} is unavailable: {error.orig}") from None


def _may_pass(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in _SQLITE_TRANSIENT
    return isinstance(error, OperationalError)
