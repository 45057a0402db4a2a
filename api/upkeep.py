"""What runs beside the server in one process: the services on the bus, and the job that deletes what is too old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from insights.service import InsightsService
from store.audit import Audit
from store.bus import Bus
from store.plan import Plan
from store.records import Records
from store.retention import purge
from store.settings import Settings

log = structlog.get_logger(__name__)

PURGE_EVERY_S: Final = 3600.0


@contextmanager
def run_insights(bus: Bus, records: Records, settings: Settings, plan: Plan | None = None) -> Iterator[InsightsService]:
    """Run the insights service in a thread for as long as the block lasts."""
    service = InsightsService(bus, records, settings, plan or ())
    with _thread("aisle-insights", service.run):
        yield service


@contextmanager
def run_services(bus: Bus, records: Records, settings: Settings, plan: Plan | None = None) -> Iterator[None]:
    """Count and keep what the bus carries, each in a thread, for as long as the block lasts."""
    with run_insights(bus, records, settings, plan), _thread("aisle-audit", Audit(bus, records).run):
        yield


@contextmanager
def keep_tidy(records: Records, settings: Settings, *, every_s: float = PURGE_EVERY_S) -> Iterator[None]:
    """Delete what is past its age, now and every ``every_s`` seconds, for as long as the block lasts."""

    def run(stop: threading.Event) -> None:
        while True:
            try:
                deleted = purge(records, settings, time.time())
                if any(deleted.values()):
                    log.info("deleted what is past its age", **deleted)
            except Exception:  # the next round tries again
                log.exception("what is past its age could not be deleted")
            if stop.wait(every_s):
                return

    with _thread("aisle-retention", run):
        yield


@contextmanager
def _thread(name: str, run: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
