"""Deleting what is past its age: rows of the records, and blurred pictures on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import Column, ColumnElement, Table, delete, select, tuple_, update

from store.errors import UnavailableError
from store.records import Records
from store.settings import Settings
from store.tables import (
    cameras,
    crossings,
    events,
    handled,
    ledger,
    occupancy,
    receipts,
    reviews,
    tiles,
    visits,
    zone_visits,
)

# What makes a row old. A stay is as old as its end; a minute of counts as old as its end.
_SECONDS: tuple[Column[float], ...] = (
    events.c.time,
    handled.c.time,
    crossings.c.time,
    zone_visits.c.left_at,
    visits.c.left_at,
    reviews.c.time,
)
_ACCOUNTS: tuple[Column[float], ...] = (receipts.c.drafted_at, ledger.c.time)
_MINUTES: tuple[Column[int], ...] = (occupancy.c.minute, tiles.c.minute)
_AT_ONCE = 5_000
log = structlog.get_logger(__name__)


def purge(records: Records, settings: Settings, now: float) -> dict[str, int]:
    """Delete what is older at ``now`` (seconds, UTC) than the settings allow; return how many by table, and pictures.

    Rows go after ``retention_days`` on the clock of the footage, receipts and payments after ``receipt_days``, pictures
    after ``evidence_hours`` on the clock of the file system. Rows go in small transactions, so that writers are not
    held up; running it again, or twice at once, is fine.
    """
    oldest = now - settings.retention_days * 86_400
    deleted = {column.table.name: _delete(records, column, column < oldest) for column in _SECONDS}
    kept_from = now - settings.receipt_days * 86_400
    deleted |= {column.table.name: _delete(records, column, column < kept_from) for column in _ACCOUNTS}
    for minute in _MINUTES:
        deleted[minute.table.name] = _delete(records, minute, (minute + 1) * 60 <= oldest)
    deleted["pictures"] = _delete_pictures(records, settings, now - settings.evidence_hours * 3_600)
    return deleted


def purge_regularly(
    records: Records, settings: Settings, stop: threading.Event, *, interval_s: float = 3_600.0
) -> None:
    """Purge now and every ``interval_s`` until ``stop`` is set; an outage of the database is waited out."""
    while not stop.is_set():
        try:
            deleted = {name: count for name, count in purge(records, settings, time.time()).items() if count}
        except UnavailableError as error:
            log.warning("retention.postponed", reason=str(error))
        else:
            log.info("retention.purged", **deleted)
        stop.wait(interval_s)


def _delete(records: Records, column: Column[float] | Column[int], old: ColumnElement[bool]) -> int:
    table = column.table
    assert isinstance(table, Table)
    key = list(table.primary_key.columns)
    chosen = select(*key).where(old).limit(_AT_ONCE)
    total = 0
    while True:
        with records.begin() as connection:
            count = connection.execute(delete(table).where(tuple_(*key).in_(chosen))).rowcount
        total += count
        if count < _AT_ONCE:
            return total


def _delete_pictures(records: Records, settings: Settings, oldest: float) -> int:
    deleted = 0
    for folder in (settings.previews_dir, settings.evidence_dir):
        for path in _files(folder):
            try:
                if path.lstat().st_mtime < oldest:
                    path.unlink()
                    deleted += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                log.error("retention.picture_stays", path=str(path), reason=error.strerror)
        _drop_empty(folder)
    _forget_previews(records, settings.data_dir)
    return deleted


def _drop_empty(folder: Path) -> None:
    """Remove the folders of clips of which no file is left; one that is just being written is left alone."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            with suppress(OSError):  # not empty
                path.rmdir()


def _files(folder: Path) -> Iterator[Path]:
    """Every file below ``folder``; links are files here, never followed."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _forget_previews(records: Records, data_dir: Path) -> None:
    """Clear ``cameras.preview`` where the file is gone; a relative path is one below ``data_dir``."""
    with records.read() as connection:
        rows = connection.execute(select(cameras.c.preview).where(cameras.c.preview.is_not(None))).scalars().all()
    gone = [preview for preview in rows if not (data_dir / preview).exists()]
    if gone:
        with records.begin() as connection:
            connection.execute(update(cameras).where(cameras.c.preview.in_(gone)).values(preview=None))
