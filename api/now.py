"""How many people are there now, by camera and zone and on the floor, from the events alone; no position is kept."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from store.events import Event, FloorAudited, PersonEntered, PersonLeft, PersonMoved, ZoneEntered, ZoneLeft

_REMEMBER_GONE: Final = 1000
_LOST_S: Final = 600.0
_FLOOR: Final = ""
_OUT_OF_SIGHT_S: Final = 10.0  # of one camera, for who is followed over the floor by all of them


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


@dataclass(frozen=True, slots=True)
class OnFloor:
    """Who is on the floor, each person once: ``people``, ``time`` and ``live`` as of a camera; the newest ``audit``."""

    people: int
    time: float | None
    live: bool
    audit: FloorAudited | None


class Now:
    """Counts people from events in the order of the bus.

    Whoever is followed over the floor by all cameras is in a camera's picture while that saw them not long ago.

    A camera that was silent for ``silent_s`` seconds is no longer live and shows nobody: its worker is gone, and so
    is the message that would have said who left. Somebody not seen for ten minutes of footage is gone as well.
    """

    def __init__(self, *, silent_s: float = 20.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._views: dict[str, _View] = {}
        self._audit: FloorAudited | None = None
        self._silent_s = silent_s
        self._clock = clock

    def take(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, FloorAudited):
            self._audit = event
            return
        if not isinstance(event, PersonEntered | PersonMoved | PersonLeft | ZoneEntered | ZoneLeft):
            return
        heard_at = self._clock()
        with self._lock:
            if isinstance(event, PersonMoved) and event.camera is None:
                self._on_floor(event, heard_at)
                return
            names = event.cameras or ((event.camera,) if isinstance(event, PersonMoved) and event.camera else ())
            if isinstance(event, PersonLeft) and _FLOOR in self._views:
                names = (*names, _FLOOR)
            for name in names:
                self._count(self._view(name, event, heard_at), event)

    def floor(self) -> OnFloor:
        """What is known of the floor now."""
        with self._lock:
            audit = self._audit
        present = self.present(_FLOOR)
        return OnFloor(present.people, present.time, present.live, audit if present.live else None)

    def present(self, camera: str) -> Present:
        """What is known of this camera now."""
        with self._lock:
            view = self._views.get(camera)
            if view is None or self._clock() - view.heard_at > self._silent_s:
                return Present(0, {}, view.event_time if view else None, False)
            return Present(len(view.people), dict(view.zones), view.event_time, True)

    def _view(self, name: str, event: Event, heard_at: float) -> _View:
        view = self._views.get(name)
        if view is None or heard_at - view.heard_at > self._silent_s:
            view = self._views[name] = _View()
        view.heard_at, view.event_time = heard_at, max(event.time, view.event_time or event.time)
        return view

    def _on_floor(self, event: PersonMoved, heard_at: float) -> None:
        floor = self._view(_FLOOR, event, heard_at)
        self._count(floor, event)
        for name in event.cameras:
            people = self._views[name].people if name in self._views else {}
            for track in [t for t, at in people.items() if t in floor.people and event.time - at > _OUT_OF_SIGHT_S]:
                del people[track]

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
