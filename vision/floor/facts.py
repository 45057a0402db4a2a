"""Turns the settled moments of a floor into events: who came into the shop, where they went, who left it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from cameras.geometry import CameraModel
from store.events import Event, PersonEntered, PersonIsStaff, PersonLeft, PersonMoved, PersonTogether
from vision.floor.groups import Groups
from vision.floor.tracks import FloorMoment

Publish = Callable[[Sequence[Event]], None]

_STAFF: Final = 0.9  # the probability from which a visit is told of as staff's
_TOGETHER: Final = 0.6  # the probability from which two are told of as one group
_STEP_S: Final = 0.5  # the most that one moment counts of having been seen
_REMEMBERED: Final = 1000  # visits of staff, which are asked about after they left


@dataclass(slots=True)
class _Visit:
    entered_at: float
    seen_at: float
    confidence: float
    cameras: set[int] = field(default_factory=set)
    sure: bool = False
    watched_s: float = 0.0
    first_by: tuple[int, ...] = ()
    held: list[_Row] = field(default_factory=list)


class _Row(NamedTuple):
    track_id: str
    time_s: float
    xy_m: tuple[float, float]
    seen_by: tuple[int, ...]


class FloorFacts:
    """Publishes ``person.entered`` and ``person.left`` once a visit to the shop, and ``person.moved`` about once in
    ``batch_s`` seconds: of the floor, and then of each camera.

    Lines and zones are drawn in pixels of single cameras, so each camera is told of too, by the same track: where its
    picture shows the feet of those whom it saw at that moment. That is the place on the floor, by all cameras, seen
    through the camera's lens, and not the lower edge of its box, which furniture and the picture's edge cut.

    Who was seen by one camera for ``sure_s`` seconds is told of, who by two for half of that, and so on; and never
    if gone by then: cut by the picture's edge, somebody is often two for a moment.

    ``person.is_staff`` follows once, as soon as it is known that a visit is staff's, before any movement that is not
    told by then. Who came together is told by ``person.together`` when the first of them leaves.

    A visit has a random id, which ``name`` tells. ``entered`` counts the visits so far, ``entered_by`` those that each
    camera saw.
    """

    def __init__(
        self,
        store: str,
        cameras: Sequence[CameraModel],
        publish: Publish,
        *,
        batch_s: float = 1.0,
        sure_s: float = 2.0,
    ) -> None:
        self.entered = 0
        self.entered_by = {camera.camera: 0 for camera in cameras}
        self._store, self._cameras, self._publish = store, tuple(cameras), publish
        self._batch_s, self._sure_s = batch_s, sure_s
        self._visits: dict[int, _Visit] = {}
        self._names: dict[int, str] = {}
        self._rows: list[_Row] = []
        self._groups = Groups()
        self._grouped: list[set[int]] = []  # who was told of together
        self._batch_began: float | None = None
        self._before: float | None = None  # the last moment's time
        self._staff: dict[int, None] = {}  # in order of time

    def name(self, number: int) -> str:
        """The visit's id of the tracker's track ``number``; random, the same for as long as the track may be seen."""
        return self._names.setdefault(number, secrets.token_hex(8))

    @property
    def sure(self) -> set[int]:
        """The tracks that were told of and have not left."""
        return {number for number, visit in self._visits.items() if visit.sure}

    def is_staff(self, number: int) -> bool:
        """Whether a track was told of as staff's; known for long after it left, when what it did is settled."""
        return number in self._staff

    def add(self, moments: Sequence[FloorMoment], alive: Collection[int]) -> None:
        """Take in settled moments in order of time, and publish what is due.

        Who is not ``alive`` any more (see ``FloorTracker.alive``) has left when they were last seen.
        """
        events: list[Event] = []
        for moment in moments:
            events += self._take(moment)
        gone = [number for number in self._visits if number not in alive]
        if gone:
            events += self._moved()
            # After their last rows, so that nobody moves after having left.
            events += self._goodbyes(gone)
            self._groups.forget(self._visits.keys())
            self._grouped = [group for group in self._grouped if group & self._visits.keys()]
            self._names = {n: name for n, name in self._names.items() if n in alive or n in self._visits}
        if events:
            self._publish(events)

    def close(self) -> None:
        """The footage ended: everybody leaves at the moment they were last seen."""
        events = self._moved()
        events += self._goodbyes(list(self._visits))
        if events:
            self._publish(events)

    def _take(self, moment: FloorMoment) -> list[Event]:
        events: list[Event] = []
        tracks = moment.tracks
        self._groups.update(moment)
        step_s = 0.0 if self._before is None else min(moment.time_s - self._before, _STEP_S)
        self._before = moment.time_s
        rows = zip(
            tracks.track_id.tolist(), tracks.xy.tolist(), tracks.confidence.tolist(), tracks.cameras, strict=True
        )
        for number, (x, y), confidence, saw in rows:
            seen_by = tuple(np.flatnonzero(saw).tolist())
            visit = self._visits.get(number)
            if visit is None:
                visit = self._visits[number] = _Visit(moment.time_s, moment.time_s, confidence, first_by=seen_by)
            else:
                visit.watched_s += step_s * len(seen_by)
            if visit.sure:
                self._count(set(seen_by) - visit.cameras)
            visit.cameras.update(seen_by)
            visit.seen_at = moment.time_s
            visit.confidence = max(visit.confidence, confidence)
            visit.held.append(_Row(self.name(number), moment.time_s, (round(x, 4), round(y, 4)), seen_by))
            if not visit.sure and visit.watched_s >= self._sure_s:
                visit.sure = True
                self.entered += 1
                self._count(visit.cameras)
                events.append(self._entered(number, visit))
            if visit.sure and not self.is_staff(number) and (chance := moment.staff.get(number, 0.0)) >= _STAFF:
                self._staff[number] = None
                if len(self._staff) > _REMEMBERED:
                    del self._staff[next(iter(self._staff))]
                events.append(self._is_staff(number, visit, chance))
            if visit.sure:
                self._rows += visit.held
                visit.held.clear()
        if self._batch_began is None:
            self._batch_began = moment.time_s
        if moment.time_s - self._batch_began >= self._batch_s:
            events += self._moved()
            self._batch_began = moment.time_s
        return events

    def _moved(self) -> list[Event]:
        rows, self._rows = sorted(self._rows, key=lambda row: row.time_s), []
        if not rows:
            return []
        used = sorted({camera for row in rows for camera in row.seen_by})
        place = {camera: n for n, camera in enumerate(used)}
        found: list[Event] = [
            PersonMoved(
                store=self._store,
                time=rows[-1].time_s,
                cameras=self._named(used),
                track_id=tuple(row.track_id for row in rows),
                time_s=tuple(row.time_s for row in rows),
                xy_m=tuple(row.xy_m for row in rows),
                seen_by=tuple(tuple(place[camera] for camera in row.seen_by) for row in rows),
            )
        ]
        return found + [each for camera in used if (each := self._in_picture(camera, rows)) is not None]

    def _in_picture(self, camera: int, rows: Sequence[_Row]) -> PersonMoved | None:
        model = self._cameras[camera]
        own = [row for row in rows if camera in row.seen_by]
        feet = model.project(np.array([(*row.xy_m, 0.0) for row in own]))
        shown = np.flatnonzero(np.isfinite(feet).all(axis=1))
        own, feet = [own[row] for row in shown.tolist()], feet[shown]
        if not own:
            return None
        return PersonMoved(
            store=self._store,
            time=own[-1].time_s,
            cameras=(model.camera,),
            camera=model.camera,
            size=model.size,
            track_id=tuple(row.track_id for row in own),
            time_s=tuple(row.time_s for row in own),
            xy=tuple((x, y) for x, y in feet.round(2).tolist()),
            xy_m=tuple(row.xy_m for row in own),
        )

    def _count(self, cameras: Collection[int]) -> None:
        for camera in cameras:
            self.entered_by[self._cameras[camera].camera] += 1

    def _entered(self, number: int, visit: _Visit) -> PersonEntered:
        return PersonEntered(
            store=self._store,
            time=visit.entered_at,
            cameras=self._named(visit.first_by),
            confidence=_clipped(visit.confidence),
            track_id=self.name(number),
        )

    def _is_staff(self, number: int, visit: _Visit, chance: float) -> PersonIsStaff:
        return PersonIsStaff(
            store=self._store,
            time=visit.seen_at,
            cameras=self._named(sorted(visit.cameras)),
            confidence=_clipped(chance),
            track_id=self.name(number),
        )

    def _goodbyes(self, gone: Sequence[int]) -> list[Event]:
        """Who left, and before that with whom they came."""
        told = self.sure
        events: list[Event] = []
        for number in gone:
            visit = self._visits.pop(number)
            if not visit.sure:
                continue
            others = {other: p for other, p in self._groups.with_(number, _TOGETHER).items() if other in told}
            group = {number, *others}
            if others and not any(group <= before for before in self._grouped):
                self._grouped.append(group)
                events.append(self._together(visit, sorted(group), min(others.values())))
            events.append(self._left(number, visit))
        return events

    def _together(self, visit: _Visit, group: Sequence[int], chance: float) -> PersonTogether:
        return PersonTogether(
            store=self._store,
            time=visit.seen_at,
            cameras=self._named(sorted(visit.cameras)),
            confidence=_clipped(chance),
            track_id=tuple(self.name(number) for number in group),
        )

    def _left(self, number: int, visit: _Visit) -> PersonLeft:
        return PersonLeft(
            store=self._store,
            time=visit.seen_at,
            cameras=self._named(sorted(visit.cameras)),
            confidence=_clipped(visit.confidence),
            track_id=self.name(number),
            entered_at=visit.entered_at,
        )

    def _named(self, cameras: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._cameras[camera].camera for camera in cameras)


def _clipped(confidence: float) -> float:
    return min(max(confidence, 0.0), 1.0)
