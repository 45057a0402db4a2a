from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select
from structlog.testing import capture_logs

from store.records import Records
from store.retention import purge, purge_regularly
from store.settings import Settings
from store.tables import (
    api_keys,
    cameras,
    crossings,
    events,
    handled,
    ledger,
    metadata,
    occupancy,
    receipts,
    reviews,
    tiles,
    visits,
    zone_visits,
)

DAY = 86_400.0
NOW = 1_800_000_000.0
OLDEST = NOW - 30 * DAY


def fill(records: Records, suffix: str, time: float) -> None:
    """One row a table: as old as ``time``, by each table's own measure."""
    minute = int(time // 60) - 1
    where = {"store": "s", "camera": suffix}
    with records.begin() as c:
        records.insert(c, events, [{"id": suffix, "type": "t", "store": "s", "time": time, "body": "{}"}])
        records.insert(c, handled, [{"handler": "h", "event_id": suffix, "time": time}])
        records.insert(c, crossings, [{**where, "id": suffix, "line": "l", "direction": "in", "time": time}])
        stay = {**where, "id": suffix, "entered_at": time - 90 * DAY, "left_at": time}
        records.insert(c, zone_visits, [{**stay, "zone": "z", "staff": False}])
        records.insert(c, visits, [stay])
        review = {"id": suffix, "store": "s", "session_id": suffix, "about": "e", "reason": "unsure", "body": {}}
        records.insert(c, reviews, [{**review, "time": time, "answered_at": None}])
        records.merge(c, occupancy, [{**where, "zone": "", "minute": minute, "person_seconds": 1.0, "peak": 1}])
        cell = {**where, "space": "image", "minute": minute, "x": 1, "y": 1}
        records.merge(c, tiles, [{**cell, "visitors": 1, "seconds": 1.0}])


def camera_row(name: str, preview: str | None) -> dict[str, object]:
    return {
        "store": "s", "camera": name, "width": 1, "height": 1, "first_seen": 0.0, "last_seen": 0.0, "preview": preview,
        "lines": [], "zones": [], "homography": None, "cell_px": 1, "cell_m": 1.0,
    }  # fmt: skip


def counts(records: Records) -> dict[str, int]:
    with records.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.tables.values()
        }


def test_rows_past_their_age_go_and_the_others_stay(records: Records, settings: Settings) -> None:
    old_minute_end = OLDEST // 60 * 60  # the newest whole minute that is past its age
    fill(records, "old", old_minute_end - 1)
    fill(records, "new", OLDEST + 120)
    # "old" lies in the minute before the one that its time is in, so it is past its age by a minute at least
    aged = {"events", "handled", "crossings", "zone_visits", "visits", "occupancy", "tiles", "reviews"}
    none = {"pictures": 0, "receipts": 0, "ledger": 0}
    deleted = purge(records, settings, NOW)
    assert deleted == {**dict.fromkeys(aged, 1), **none}
    left = counts(records)
    assert {name: left[name] for name in aged} == dict.fromkeys(aged, 1)
    with records.read() as connection:
        assert connection.execute(select(tiles.c.camera)).scalar_one() == "new"
        assert connection.execute(select(visits.c.id)).scalar_one() == "new"
    assert purge(records, settings, NOW) == {**dict.fromkeys(aged, 0), **none}


def test_receipts_and_payments_have_an_age_of_their_own(records: Records, settings: Settings) -> None:
    def account(name: str, time: float) -> None:
        receipt = {
            "id": name, "store": "s", "session_id": name, "member": None, "role": "customer", "state": "issued",
            "version": 1, "lines": [], "total": 5, "currency": "EUR", "drafted_at": time, "issued_at": time,
            "corrected_at": None, "reason": None,
        }  # fmt: skip
        entry = {"id": name, "store": "s", "receipt_id": name, "time": time, "amount": 5, "currency": "EUR"}
        with records.begin() as c:
            records.insert(c, receipts, [receipt])
            records.insert(c, ledger, [{**entry, "collected_at": None, "reference": None}])

    oldest = NOW - settings.receipt_days * DAY
    account("old", oldest - 1)
    account("kept", oldest)
    deleted = purge(records, settings, NOW)
    assert (deleted["receipts"], deleted["ledger"]) == (1, 1)
    with records.read() as connection:
        assert connection.execute(select(receipts.c.id)).scalars().all() == ["kept"]
        assert connection.execute(select(ledger.c.id)).scalars().all() == ["kept"]


def test_the_age_itself_is_kept(records: Records, settings: Settings) -> None:
    fill(records, "edge", OLDEST)
    minute = int(OLDEST // 60)
    with records.begin() as connection:
        row = {"store": "s", "camera": "edge", "zone": "", "person_seconds": 1.0, "peak": 1}
        records.merge(connection, occupancy, [{**row, "minute": minute}])
    deleted = purge(records, settings, NOW)
    assert deleted["crossings"] == 0
    assert deleted["visits"] == 0
    assert deleted["occupancy"] == 1  # of the minute before, which ended exactly at the age
    with records.read() as connection:
        assert connection.execute(select(occupancy.c.minute)).scalars().all() == [minute]


def test_cameras_and_keys_do_not_age(records: Records, settings: Settings) -> None:
    key = {"id": "k", "label": "l", "hash": "h", "scopes": "", "created_at": 0.0, "expires_at": 1.0, "revoked_at": None}
    with records.begin() as connection:
        records.insert(connection, api_keys, [key])
        records.merge(connection, cameras, [camera_row("c", None)])
    purge(records, settings, NOW)
    left = counts(records)
    assert (left["api_keys"], left["cameras"]) == (1, 1)


def test_more_rows_than_one_transaction_takes(records: Records, settings: Settings) -> None:
    rows = [
        {"id": f"{i:05d}", "store": "s", "camera": "c", "line": "l", "direction": "out", "time": 1.0 + i}
        for i in range(5_001)
    ]
    with records.begin() as connection:
        records.insert(connection, crossings, rows)
    assert purge(records, settings, NOW)["crossings"] == 5_001
    assert counts(records)["crossings"] == 0


def picture(path: Path, age_hours: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"jpeg")
    os.utime(path, (NOW - age_hours * 3600, NOW - age_hours * 3600))
    return path


def test_pictures_past_their_age_go_and_no_camera_points_at_nothing(records: Records, settings: Settings) -> None:
    old = picture(settings.previews_dir / "old.jpg", 73)
    new = picture(settings.previews_dir / "new.jpg", 71)
    deep = picture(settings.evidence_dir / "2026" / "x.jpg", 100)
    outside = picture(settings.data_dir / "elsewhere" / "kept.jpg", 1_000)
    link = settings.evidence_dir / "link"
    link.symlink_to(outside.parent)  # made when the test runs, long before NOW
    with records.begin() as connection:
        records.merge(
            connection,
            cameras,
            [
                camera_row("a", str(old)),
                camera_row("b", str(new)),
                camera_row("c", "previews/new.jpg"),
                camera_row("d", None),
            ],
        )
    assert purge(records, settings, NOW)["pictures"] == 3
    assert not link.is_symlink()
    assert (old.exists(), new.exists(), deep.exists(), outside.exists()) == (False, True, False, True)
    with records.read() as connection:
        found = connection.execute(select(cameras.c.camera, cameras.c.preview)).all()
    assert {row.camera: row.preview for row in found} == {"a": None, "b": str(new), "c": "previews/new.jpg", "d": None}


def test_the_settings_decide_the_age(records: Records, settings: Settings) -> None:
    fill(records, "old", NOW - 2 * DAY)
    preview = picture(settings.previews_dir / "p.jpg", 5)
    assert purge(records, settings, NOW)["crossings"] == 0
    strict = settings.model_copy(update={"retention_days": 1, "evidence_hours": 4})
    deleted = purge(records, strict, NOW)
    assert (deleted["crossings"], deleted["pictures"], preview.exists()) == (1, 1, False)


def test_the_job_purges_until_it_is_stopped(
    records: Records, settings: Settings, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    stop = threading.Event()
    fill(records, "old", 1_000_000.0)
    with capture_logs() as logs:
        job = threading.Thread(
            target=purge_regularly, args=(records, settings, stop), kwargs={"interval_s": 0.01}, daemon=True
        )
        job.start()
        eventually(lambda: counts(records)["crossings"] == 0)
        fill(records, "old", 1_000_000.0)
        eventually(lambda: counts(records)["crossings"] == 0)
        stop.set()
        job.join(20)
    assert not job.is_alive()
    assert {"event": "retention.purged", "log_level": "info"}.items() <= logs[0].items()
    assert logs[0]["crossings"] == 1
