"""What runs beside the server in one process: the services on the bus, and the job that deletes what is too old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from checkout.service import CheckoutService
from insights.service import InsightsService
from store.audit import Audit
from store.bus import Bus
from store.catalogue import Catalogue
from store.plan import Plan
from store.records import Records
from store.retention import purge_regularly
from store.settings import Settings


@contextmanager
def run_services(
    bus: Bus,
    records: Records,
    settings: Settings,
    plan: Plan | None = None,
    catalogue: Catalogue | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Count, bill and keep what the bus carries, each in a thread, for as long as the block lasts.

    ``clock`` says in seconds how the checkout's time passes between events; footage may be played slower than it was.
    """
    insights = InsightsService(bus, records, settings, plan or ())
    audit = Audit(bus, records)
    checkout = CheckoutService(bus, records, settings, plan, catalogue, clock=clock)
    with (
        _thread("aisle-insights", insights.run),
        _thread("aisle-checkout", checkout.run),
        _thread("aisle-audit", audit.run),
    ):
        yield


@contextmanager
def keep_tidy(records: Records, settings: Settings) -> Iterator[None]:
    """Delete what is past its age, now and every hour, for as long as the block lasts."""
    with _thread("aisle-retention", partial(purge_regularly, records, settings)):
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
