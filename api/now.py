"""How many people are there now, by camera and zone, from the events alone; no position is kept."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from store.events import Event, PersonEntered, PersonLeft, PersonMoved, ZoneEntered, ZoneLeft


@dataclass(slots=True, eq=False)
class _View:
    people: set[str] = field(default_factory=set)
    zones: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    event_time: float | None = None
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Present:
    """Who is there: ``people`` in the picture, ``zones`` by name; footage ``time``; ``live`` while heard from."""

    people: int
    zones: dict[str, int]
    time: float | None
    live: bool


class Now:
    """Counts people from events in the order of the bus.

    A camera that was silent for ``silent_s`` seconds is no longer live and shows nobody: its worker is gone, and so
    is the message that would have said who left.
    """

    def __init__(self, *, silent_s: float = 20.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._views: dict[str, _View] = {}
        self._silent_s = silent_s
        self._clock = clock

    def take(self, event: Event) -> None:
        """Count one event."""
        if not isinstance(event, PersonEntered | PersonMoved | PersonLeft | ZoneEntered | ZoneLeft):
            return
        heard_at = self._clock()
        with self._lock:
            for camera in event.cameras or ((event.camera,) if isinstance(event, PersonMoved) else ()):
                view = self._views.get(camera)
                if view is None or heard_at - view.heard_at > self._silent_s:
                    view = self._views[camera] = _View()
                view.heard_at, view.event_time = heard_at, max(event.time, view.event_time or event.time)
                self._count(view, event)

    def present(self, camera: str) -> Present:
        """What is known of this camera now."""
        with self._lock:
            view = self._views.get(camera)
            if view is None or self._clock() - view.heard_at > self._silent_s:
                return Present(0, {}, view.event_time if view else None, False)
            return Present(len(view.people), dict(view.zones), view.event_time, True)

    @staticmethod
    def _count(view: _View, event: Event) -> None:
        if isinstance(event, PersonEntered):
            view.people.add(event.track_id)
        elif isinstance(event, PersonMoved):
            view.people.update(event.track_id)
        elif isinstance(event, PersonLeft):
            view.people.discard(event.track_id)
        elif isinstance(event, ZoneEntered):
            view.zones[event.zone] += 1
        elif isinstance(event, ZoneLeft):
            view.zones[event.zone] = max(0, view.zones[event.zone] - 1)
