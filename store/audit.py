"""Keeps the facts of a store in the records, so that they can be looked up when the bus has forgotten them."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Final

from store import tables
from store.bus import Bus, BusClosedError
from store.errors import UnavailableError
from store.events import EVENT_TYPES, Event
from store.records import Records

GROUP: Final = "audit"
KEPT_TYPES: Final = frozenset(name for name in EVENT_TYPES if not name.startswith(("person.", "plate.")))
"""All but the events about single people: who they were and where they went is kept nowhere. Nor are raw readings."""
_PAUSE_S: Final = 1.0


class Audit:
    """Writes every event of ``KEPT_TYPES`` to the table ``events``, once. Any number may run for one store."""

    def __init__(self, bus: Bus, records: Records) -> None:
        self._bus, self._records = bus, records

    def run(self, stop: threading.Event) -> None:
        """Keep events until ``stop`` is set or the bus is closed."""
        while not stop.is_set():
            try:
                self._bus.ensure_group(GROUP)
                self._bus.consume(GROUP, self.handle, types=KEPT_TYPES, stop=stop)
            except BusClosedError:
                return
            except UnavailableError:
                stop.wait(_PAUSE_S)

    def handle(self, events: Sequence[Event]) -> None:
        """Write events; those that were written before change nothing."""
        rows = [
            {
                "id": event.id,
                "type": event.type,
                "store": event.store,
                "time": event.time,
                "body": json.dumps(event.to_cloudevent(), separators=(",", ":"), ensure_ascii=False),
            }
            for event in events
            if event.type in KEPT_TYPES
        ]
        with self._records.begin() as connection:
            self._records.insert(connection, tables.events, rows)
