"""Turns the settled tracks of one camera into events: who came, where they went, who left."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cameras.floor import floor_map
from store.events import Event, PersonEntered, PersonLeft, PersonMoved
from store.views import CameraView
from vision.detections import foot_points
from vision.lookback import Moment

Publish = Callable[[Sequence[Event]], None]


@dataclass(slots=True)
class _Visit:
    track_id: str
    entered_at: float
    seen_at: float
    confidence: float


class FactWriter:
    """Publishes ``person.entered``, ``person.moved`` (one for about ``batch_s`` seconds) and ``person.left``.

    A person has left when no moment has held them for ``patience_s``: longer than the tracker takes to give somebody
    up. Each person has a random ``track_id`` for one visit. ``entered`` counts the visits so far.
    """

    def __init__(
        self, store: str, view: CameraView, publish: Publish, *, patience_s: float, batch_s: float = 1.0
    ) -> None:
        self.entered = 0
        self._store, self._view, self._publish = store, view, publish
        self._patience_s, self._batch_s = patience_s, batch_s
        self._to_floor = floor_map(view)
        self._visits: dict[int, _Visit] = {}
        self._rows: list[tuple[str, float, tuple[float, float]]] = []
        self._batch_began: float | None = None

    def add(self, moments: Sequence[Moment]) -> None:
        """Take in settled moments in order of time, and publish what is due."""
        events: list[Event] = []
        for moment in moments:
            events += self._take(moment)
        if events:
            self._publish(events)

    def close(self) -> None:
        """The footage ended: everybody leaves at the moment they were last seen."""
        events = self._moved()
        events += [self._left(visit) for visit in self._visits.values()]
        self._visits.clear()
        if events:
            self._publish(events)

    def _take(self, moment: Moment) -> list[Event]:
        events: list[Event] = []
        feet = foot_points(moment.tracks.xyxy).tolist()
        ids, confidences = moment.tracks.track_id.tolist(), moment.tracks.confidence.tolist()
        for number, confidence, (x, y) in zip(ids, confidences, feet, strict=True):
            visit = self._visits.get(number)
            if visit is None:
                visit = _Visit(secrets.token_hex(8), moment.time_s, moment.time_s, confidence)
                self._visits[number] = visit
                self.entered += 1
                events.append(
                    PersonEntered(
                        store=self._store,
                        time=moment.time_s,
                        cameras=(self._view.camera,),
                        confidence=_clipped(confidence),
                        track_id=visit.track_id,
                    )
                )
            visit.seen_at = moment.time_s
            visit.confidence = max(visit.confidence, confidence)
            self._rows.append((visit.track_id, moment.time_s, (x, y)))
        if self._batch_began is None:
            self._batch_began = moment.time_s
        gone = [n for n, visit in self._visits.items() if moment.time_s - visit.seen_at > self._patience_s]
        if gone or moment.time_s - self._batch_began >= self._batch_s:
            events += self._moved()
            self._batch_began = moment.time_s
        # After their last rows, so that nobody moves after having left.
        events += [self._left(self._visits.pop(number)) for number in gone]
        return events

    def _moved(self) -> list[Event]:
        if not self._rows:
            return []
        ids, times, xy = zip(*self._rows, strict=True)
        self._rows = []
        xy_m = None
        if self._to_floor is not None:
            floor = self._to_floor(np.array(xy))
            if np.isfinite(floor).all():
                xy_m = tuple(map(tuple, floor.round(4).tolist()))
        return [
            PersonMoved(
                store=self._store,
                time=times[-1],
                cameras=(self._view.camera,),
                camera=self._view.camera,
                size=self._view.size,
                track_id=ids,
                time_s=times,
                xy=tuple((round(x, 2), round(y, 2)) for x, y in xy),
                xy_m=xy_m,
            )
        ]

    def _left(self, visit: _Visit) -> PersonLeft:
        return PersonLeft(
            store=self._store,
            time=visit.seen_at,
            cameras=(self._view.camera,),
            confidence=_clipped(visit.confidence),
            track_id=visit.track_id,
            entered_at=visit.entered_at,
        )


def _clipped(confidence: float) -> float:
    return min(max(confidence, 0.0), 1.0)
