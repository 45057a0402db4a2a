"""Whom the tracks in a run's events show, by where they were: which is what a session's people rest on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.events import Event, PersonMoved
from training.evaluate.checkout_truth import ClipTruth, TruePerson
from training.evaluate.floor_metrics import SAME_PERSON_M, Paths, score_floor

Float = NDArray[np.float64]

_GAP_S: Final = 1.0  # rows further apart than this say nothing of the time between


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """``person`` has, by track, the true track that it shows most of its time, None for nobody; ``seen`` (time, person)
    rows by track; ``whole`` of ``people`` visitors have one track for their visit (``floor_metrics``).
    """

    person: Mapping[str, str | None]
    seen: Mapping[str, list[tuple[float, str | None]]]
    whole: int
    people: int

    def at(self, track: str, time_s: float) -> str | None:
        """Whom ``track`` shows at about ``time_s``."""
        rows = self.seen.get(track, ())
        return min(rows, key=lambda row: abs(row[0] - time_s))[1] if rows else None

    def tracks_of(self, person: str) -> list[str]:
        """The tracks that show somebody most of their time."""
        return sorted(track for track, shown in self.person.items() if shown == person)


def identify(truth: ClipTruth, events: Iterable[Event]) -> Identities:
    """Whom the tracks of ``events`` (their ``person.moved``) show: at each of their rows who is nearest, within 1 m."""
    people = [person for person in truth.people if len(person.time_s)]
    rows = _rows([event for event in events if isinstance(event, PersonMoved)])
    seen: dict[str, list[tuple[float, str | None]]] = {}
    for time_s, track, xy in rows:
        seen.setdefault(track, []).append((time_s, _nearest(people, time_s, np.array(xy))))
    shown = {track: Counter(who for _, who in told).most_common(1)[0][0] for track, told in seen.items()}
    return Identities(shown, seen, _whole(people, rows), len(people))


def _rows(moves: list[PersonMoved]) -> list[tuple[float, str, tuple[float, float]]]:
    """(time, track, place) of all rows in order of time: the floor's where there are any, else those of cameras."""
    floor = [event for event in moves if event.camera is None] or moves
    return sorted(
        (time_s, track, xy)
        for event in floor
        if event.xy_m is not None
        for time_s, track, xy in zip(event.time_s, event.track_id, event.xy_m, strict=True)
    )


def _nearest(people: list[TruePerson], time_s: float, xy: Float) -> str | None:
    away = [
        (float(np.hypot(*(place(person, time_s) - xy))), person.track)
        for person in people
        if person.came_s - 1.0 <= time_s <= person.left_s + 1.0
    ]
    near = min(away, default=(np.inf, ""))
    return near[1] if near[0] <= SAME_PERSON_M else None


def place(person: TruePerson, time_s: float) -> Float:
    """Where somebody is (2,), metres; outside of their visit where it begins or ends."""
    return np.array([np.interp(time_s, person.time_s, person.xy_m[:, axis]) for axis in (0, 1)])


def _whole(people: list[TruePerson], rows: list[tuple[float, str, tuple[float, float]]]) -> int:
    """How many visitors have one track."""
    if not people:
        return 0
    steps = np.diff(np.unique(np.concatenate([person.time_s for person in people])))
    step = float(np.median(steps)) if len(steps) else 1.0
    first = min(person.came_s for person in people)
    moments = round((max(person.left_s for person in people) - first) / step) + 1
    true = [
        (round((time_s - first) / step), n, xy)
        for n, person in enumerate(people)
        for time_s, xy in zip(person.time_s.tolist(), person.xy_m, strict=True)
    ]
    ours = []
    for n, track in enumerate(sorted({track for _, track, _ in rows})):
        told = np.array([(time_s, *xy) for time_s, name, xy in rows if name == track])
        frames = np.arange(max(math.ceil((told[0, 0] - first) / step), 0), moments)
        times = first + frames * step
        # Where it was between two rows, where these are near; at the last one, to half a moment.
        after = np.searchsorted(told[:, 0], times)
        gap = np.take(told[:, 0], after, mode="clip") - np.take(told[:, 0], np.maximum(after - 1, 0), mode="clip")
        held = (times <= told[-1, 0] + step / 2) & (gap <= _GAP_S)
        xy = np.column_stack([np.interp(times, told[:, 0], told[:, axis]) for axis in (1, 2)])
        ours += [(int(frame), n, at) for frame, at in zip(frames[held], xy[held], strict=True)]
    scores = score_floor(_paths(true), _paths(ours), moments)
    return round(scores.whole_visit_identity * len(people))


def _paths(rows: list[tuple[int, int, Float]]) -> Paths:
    rows = sorted(rows, key=lambda row: row[:2])
    frame, name = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))
    return Paths(frame, name, np.array([row[2] for row in rows], np.float64).reshape(-1, 2))
