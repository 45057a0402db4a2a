"""Readings of weight plates, and whose sessions are staff's, as the bus tells them while a shop is watched."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.bus import Bus
from store.events import Event, PlateRead, SessionJoined, SessionOpened

_MOST: Final = 100_000  # readings that wait; a minute of 80 plates that read 20 times a second
_REMEMBERED: Final = 5_000

Float = NDArray[np.float64]


class SideFacts:
    """What a shop's watcher needs beside pictures, from events of other hands. Safe to share between threads.

    Readings wait until the pictures have come so far: one plate's are given in order of time, and one that comes later
    than what was given of its plate is left to the plate's own watcher to drop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, float, float]] = deque(maxlen=_MOST)
        self._staff: OrderedDict[str, bool] = OrderedDict()
        self._session_of: OrderedDict[str, str] = OrderedDict()

    def take(self, event: Event) -> None:
        """Take an event; those of other types change nothing."""
        with self._lock:
            match event:
                case PlateRead():
                    self._waiting.extend(zip(event.plate, event.time_s, event.grams, strict=True))
                case SessionOpened():
                    self._staff[event.session_id] = event.role == "staff"
                case SessionJoined():
                    self._session_of[event.track_id] = event.session_id
            for known in (self._staff, self._session_of):
                while len(known) > _REMEMBERED:
                    known.popitem(last=False)

    def readings(self, until_s: float) -> dict[str, tuple[Float, Float]]:
        """By plate, what it read up to this time and was not given yet: times (n,) in order, and grams (n,)."""
        due: dict[str, list[tuple[float, float]]] = {}
        with self._lock:
            later: deque[tuple[str, float, float]] = deque(maxlen=_MOST)
            for plate, time_s, grams in self._waiting:
                if time_s <= until_s:
                    due.setdefault(plate, []).append((time_s, grams))
                else:
                    later.append((plate, time_s, grams))
            self._waiting = later
        found = {plate: np.array(sorted(rows), np.float64) for plate, rows in due.items()}
        return {plate: (rows[:, 0], rows[:, 1]) for plate, rows in found.items()}

    def is_staff(self, track: str) -> bool:
        """Whether a track belongs to a session of staff, as far as is known."""
        with self._lock:
            return self._staff.get(self._session_of.get(track, ""), False)


@contextmanager
def listening(bus: Bus, store: str) -> Iterator[SideFacts]:
    """Side facts of ``store`` that take what the bus carries from now on, for as long as the block lasts."""
    facts, stop = SideFacts(), threading.Event()
    types = {PlateRead.type, SessionOpened.type, SessionJoined.type}
    told = bus.subscribe(types, heartbeat_s=0.5)

    def hear() -> None:
        for item in told:
            if stop.is_set():
                return
            if item is not None and item[1].store == store:
                facts.take(item[1])

    thread = threading.Thread(target=hear, name="aisle-side-facts", daemon=True)
    thread.start()
    try:
        yield facts
    finally:
        stop.set()
        thread.join(timeout=10)
