"""The counts of every line and zone so far, from the events, for drawing them onto pictures."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from store.bus import Bus
from store.errors import BusClosedError
from store.events import Event, LineCrossed, ZoneEntered, ZoneLeft


class Tally:
    """Crossings by line, in and out, and people by zone, of each camera. Read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._crossings: Counter[tuple[str, str, str]] = Counter()
        self._present: Counter[tuple[str, str]] = Counter()

    def take(self, event: Event) -> None:
        """Count one event."""
        with self._lock:
            for camera in event.cameras:
                if isinstance(event, LineCrossed):
                    self._crossings[camera, event.line, event.direction] += 1
                elif isinstance(event, ZoneEntered):
                    self._present[camera, event.zone] += 1
                elif isinstance(event, ZoneLeft):
                    self._present[camera, event.zone] -= 1

    def crossings(self, camera: str) -> dict[str, tuple[int, int]]:
        """(in, out) by line name; lines that nobody crossed are not there."""
        with self._lock:
            lines = {line for of, line, _ in self._crossings if of == camera}
            return {line: (self._crossings[camera, line, "in"], self._crossings[camera, line, "out"]) for line in lines}

    def present(self, camera: str) -> dict[str, int]:
        """People now by zone name."""
        with self._lock:
            return {zone: max(0, people) for (of, zone), people in self._present.items() if of == camera}


@contextmanager
def keep_tally(bus: Bus) -> Iterator[Tally]:
    """A tally of what the bus carries, for as long as the block lasts."""
    tally, stop = Tally(), threading.Event()
    events = bus.subscribe({LineCrossed.type, ZoneEntered.type, ZoneLeft.type}, heartbeat_s=0.5)

    def listen() -> None:
        try:
            for item in events:
                if stop.is_set():
                    return
                if item is not None:
                    tally.take(item[1])
        except BusClosedError:
            return

    thread = threading.Thread(target=listen, name="aisle-tally", daemon=True)
    thread.start()
    try:
        yield tally
    finally:
        stop.set()
        thread.join(timeout=5)
