"""The insights service: takes where people were from the bus, writes counts to the records, says what happened."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

import structlog
from sqlalchemy import select

from insights.camera import CameraInsights
from insights.definitions import DEFAULT_RULES, Rules
from insights.facts import Facts, Visit
from insights.floor_heatmap import FLOOR
from insights.staff import TYPES as OF_STAFF
from insights.staff import StaffVisits
from insights.writing import FactWriter, camera_row
from store.bus import Bus, BusClosedError
from store.errors import UnavailableError
from store.events import Event, PersonLeft, PersonMoved
from store.plan import CameraView, Plan
from store.records import Records
from store.settings import Settings
from store.tables import cameras, handled

GROUP: Final = "insights"
TYPES: Final = (PersonMoved.type, PersonLeft.type, *OF_STAFF)
_CHUNK = 256
_PAUSE_S = 1.0
log = structlog.get_logger(__name__)


class InsightsService:
    """Counts for one store. Run one of them a store: its memory of who is where is in the process.

    A batch of events, the marks that they are handled, and what they show are one transaction. After a restart or a
    failure that memory is rebuilt from the events that the bus still keeps, without writing anything twice. Cameras
    that ``plan`` does not know are counted as a whole picture without lines and zones.
    """

    def __init__(
        self,
        bus: Bus,
        records: Records,
        settings: Settings,
        plan: Plan | Sequence[CameraView] = (),
        *,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._bus = bus
        self._records = records
        self._store = settings.store
        self._rules = rules
        # Marks of what is handled are deleted with age; an event is replayed only while its mark is sure to be there.
        self._replay_s = (settings.retention_days - 0.5) * 86_400
        self._views = {view.camera: view for view in (plan.cameras if isinstance(plan, Plan) else plan)}
        self._cameras: dict[str, CameraInsights] = {}
        self._staff = StaffVisits()
        self._late: dict[str, int] = {}
        self._stale = True

    def run(self, stop: threading.Event) -> None:
        """Catch up with what the bus keeps, then handle events until ``stop`` is set or the bus is closed."""
        try:
            while not stop.is_set():
                try:
                    self._catch_up()
                except UnavailableError as error:
                    log.warning("insights.waits", reason=str(error))
                    stop.wait(_PAUSE_S)
                else:
                    self._bus.consume(GROUP, self.handle, types=TYPES, stop=stop)
                    return
        except BusClosedError:
            return

    def handle(self, events: Sequence[Event]) -> None:
        """Count events, in one transaction, and publish what they show. Events that were handled before do nothing."""
        if self._stale:
            self._rebuild()
        self._handle(events)

    def _handle(self, events: Sequence[Event]) -> None:
        self._stale = True  # until all is written: what failed half-way is not in the records
        with self._records.begin() as connection:
            unique = {event.id: event for event in events if event.store == self._store}
            new = self._records.claim(connection, GROUP, unique)
            fresh = [event for name, event in unique.items() if name in new]
            said: list[Event] = []
            for camera, facts in self._count(fresh):
                writer = FactWriter(self._records, self._store, camera)
                writer.write(connection, facts)
                said += writer.events(facts)
            self._records.merge(connection, cameras, self._camera_rows(fresh))
            # Said before the commit: what is said twice has the same id, what is never said would be lost.
            self._bus.publish(said)
        self._stale = False

    def _count(self, events: Iterable[Event]) -> Iterator[tuple[str, Facts]]:
        """What these events show, by camera; a camera may come more than once."""
        touched: dict[str, CameraInsights] = {}
        for event in events:
            self._staff.take(event)
            if isinstance(event, PersonMoved):
                name = event.camera or FLOOR
                camera = self._camera(event, name)
                if camera.is_set_back(event):
                    log.warning("insights.footage_began_anew", camera=event.camera, time=event.time)
                    yield name, _told(name, camera.close())
                    del self._cameras[name]
                    camera = self._camera(event, name)
                camera.take(event)
                touched[name] = camera
            elif isinstance(event, PersonLeft):
                for name in event.cameras:
                    if name in self._cameras:
                        self._cameras[name].leave(event)
                        touched[name] = self._cameras[name]
                    elif len(event.cameras) == 1 and event.track_id not in self._staff:
                        yield name, Facts(visits=[Visit(event.track_id, 0, event.entered_at, event.time)])
                floor = self._cameras.get(FLOOR)
                if floor is not None and floor.follows(event.track_id):
                    floor.leave(event)
                    touched[FLOOR] = floor
        for name, camera in touched.items():
            yield name, _told(name, camera.release())
            if camera.late_rows > self._late.get(name, 0):
                log.warning("insights.rows_came_late", camera=name, rows=camera.late_rows - self._late.get(name, 0))
            self._late[name] = camera.late_rows

    def _camera(self, event: PersonMoved, camera: str) -> CameraInsights:
        if camera not in self._cameras:
            view = self._views.get(camera) or CameraView(camera=camera or "floor", size=event.size or (1, 1))
            self._cameras[camera] = CameraInsights(view, self._rules, self._staff)
        return self._cameras[camera]

    def _camera_rows(self, events: Iterable[Event]) -> list[dict[str, object]]:
        seen: dict[str, list[float]] = {}
        for event in events:
            if isinstance(event, PersonMoved) and event.camera is not None:
                seen.setdefault(event.camera, []).append(event.time)
        return [
            camera_row(self._store, self._cameras[camera].view, self._rules, times) for camera, times in seen.items()
        ]

    def _catch_up(self) -> None:
        """Rebuild, and handle at once, in the order of the bus, what a predecessor was given and did not finish."""
        for done, events in self._kept():
            if done:
                self._remember(events)
                continue
            try:
                self._handle(events)
            except UnavailableError:
                raise
            except Exception:  # the bus gives them again one by one, and buries what cannot be handled
                log.exception("insights.catching_up_failed", events=len(events))
                return
        self._stale = False

    def _rebuild(self) -> None:
        for done, events in self._kept():
            if done:
                self._remember(events)
        self._stale = False

    def _remember(self, events: Iterable[Event]) -> None:
        """Take events whose facts are in the records already."""
        for _ in self._count(events):
            pass

    def _kept(self) -> Iterator[tuple[bool, list[Event]]]:
        """All events that the bus keeps, oldest first, in runs of those handled and those not; starts from nothing."""
        self._cameras.clear()
        self._late.clear()
        kept = (e for _, e in self._bus.history(self._replay_s) if e.type in TYPES and e.store == self._store)
        while chunk := list(islice(kept, _CHUNK)):
            with self._records.read() as connection:
                ids = [event.id for event in chunk]
                mine = select(handled.c.event_id).where(handled.c.handler == GROUP, handled.c.event_id.in_(ids))
                known = set(connection.execute(mine).scalars())
            for done, run in groupby([(event.id in known, event) for event in chunk], itemgetter(0)):
                yield done, [event for _, event in run]


def _told(name: str, facts: Facts) -> Facts:
    """What of these facts is new: of the whole floor its cells, for the cameras tell the rest of their pictures."""
    return facts if name != FLOOR else Facts(tiles=facts.tiles)
