"""How many people are there now, by camera and zone, from the events alone; no position is kept."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from store.events import Event, PersonEntered, PersonLeft, PersonMoved, ZoneEntered, ZoneLeft

_REMEMBER_GONE: Final = 1000
_LOST_S: Final = 600.0


@dataclass(slots=True, eq=False)
class _View:
    people: dict[str, float] = field(default_factory=dict)
    gone: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBER_GONE))
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
    is the message that would have said who left. Somebody not seen for ten minutes of footage is gone as well.
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
            view.people[event.track_id] = event.time
        elif isinstance(event, PersonMoved):
            # A batch may come after the leaving of somebody who is in it.
            view.people.update(
                (track, at) for track, at in zip(event.track_id, event.time_s, strict=True) if track not in view.gone
            )
            for track in [track for track, at in view.people.items() if event.time - at > _LOST_S]:
                del view.people[track]
        elif isinstance(event, PersonLeft):
            view.people.pop(event.track_id, None)
            view.gone.append(event.track_id)
        elif isinstance(event, ZoneEntered):
            view.zones[event.zone] += 1
        elif isinstance(event, ZoneLeft):
            view.zones[event.zone] = max(0, view.zones[event.zone] - 1)
