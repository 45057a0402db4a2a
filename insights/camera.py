"""One camera's people, from events in any small disorder to facts."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from insights.arrivals import Arrivals, Rows
from insights.counting import Counting, Person
from insights.definitions import DEFAULT_RULES, Rules
from insights.facts import Facts, Visit
from store.events import PersonLeft, PersonMoved
from store.plan import CameraView

# For how many times ``silence_s`` a track is remembered as gone.
MEMORY = 10


@dataclass(slots=True)
class _Gone:
    at: float
    visits: int
    left: bool


class CameraInsights:
    """Takes events with ``take`` and ``leave``, and says with ``release`` what they show.

    Rows wait for ``lateness_s`` of the footage's clock, so that the facts depend neither on how rows were batched into
    events nor on small disorder. People are forgotten when they have left, or were not seen for ``silence_s`` on the
    same clock: memory does not grow. Who is in ``staff`` counts nowhere, as in a staff zone: not from the moment that
    it is known, and not as a visit.
    """

    def __init__(self, view: CameraView, rules: Rules = DEFAULT_RULES, staff: Container[str] = ()) -> None:
        self.view = view
        self._rules, self._staff = rules, staff
        self._arrivals = Arrivals()
        self._counting = Counting(view, rules)
        self._leaving: dict[str, PersonLeft] = {}
        self._gone: dict[str, _Gone] = {}

    @property
    def late_rows(self) -> int:
        """How many rows came too late to be counted."""
        return self._arrivals.late

    def is_set_back(self, event: PersonMoved) -> bool:
        """Whether the footage began anew: the event is long past, and of people never heard of."""
        if not event.time_s or max(event.time_s) >= self._arrivals.released - self._rules.silence_s:
            return False
        return not any(track in self._counting.people or track in self._gone for track in event.track_id)

    def follows(self, track_id: str) -> bool:
        """Whether anything of this track is counted or waits for it."""
        return track_id in self._counting.people or track_id in self._arrivals.tracks()

    def take(self, event: PersonMoved) -> None:
        """Take where people were."""
        self._arrivals.add(Rows.of(event, self.view))

    def leave(self, event: PersonLeft) -> None:
        """Take that somebody left; told twice it counts once."""
        gone = self._gone.get(event.track_id)
        if gone is None or not gone.left:
            self._leaving[event.track_id] = event

    def release(self) -> Facts:
        """Count all rows that no earlier one is expected to precede."""
        # When all who were seen have left, nothing is left to wait for: footage that ends is counted to its end.
        seen = self._counting.people.keys() | self._arrivals.tracks()
        leaving = self._leaving.keys()
        final = seen <= leaving and leaving - seen <= self._gone.keys()
        return self._count(self._end_of_all() if final else self._arrivals.clock - self._rules.lateness_s, final=final)

    def close(self) -> Facts:
        """Count everything, as if all had left at their last sighting."""
        facts = self._count(self._end_of_all(), final=True)
        self._forget(list(self._counting.people.values()), facts)
        return facts

    def _end_of_all(self) -> float:
        return max([self._arrivals.clock, *(event.time for event in self._leaving.values())])

    def _count(self, until: float, *, final: bool) -> Facts:
        facts = Facts()
        if until < self._arrivals.released or until == -np.inf:
            self._end(self._arrivals.released, facts)
            return facts
        rows = self._arrivals.due(until)
        counts = [not self._has_left(track) and track not in self._staff for track in rows.track_id.tolist()]
        rows = rows[np.array(counts, np.bool_)]
        for again in self._returns(rows):
            earlier = rows.time_s < again
            self._step(rows[earlier], float(np.nextafter(again, -np.inf)), False, facts)
            rows = rows[~earlier]
        self._step(rows, until, final, facts)
        self._gone = {t: g for t, g in self._gone.items() if until - g.at < MEMORY * self._rules.silence_s}
        return facts

    def _step(self, rows: Rows, until: float, final: bool, facts: Facts) -> None:
        facts.add(self._counting.advance(rows, until, final=final))
        self._end(until, facts)
        silent = until - self._rules.silence_s
        self._forget([person for person in self._counting.people.values() if person.seen <= silent], facts)

    def _has_left(self, track_id: str) -> bool:
        gone = self._gone.get(track_id)
        return gone is not None and gone.left

    def _returns(self, rows: Rows) -> list[float]:
        """When somebody is seen again who by then counts as gone."""
        before = np.append(np.nan, rows.time_s[:-1])[: len(rows)]
        heads = np.flatnonzero(np.append(True, rows.track_id[1:] != rows.track_id[:-1])[: len(rows)])
        known = [self._counting.people.get(track) for track in rows.track_id[heads].tolist()]
        before[heads] = [np.nan if person is None else person.seen for person in known]
        return sorted(set(rows.time_s[rows.time_s - before > self._rules.silence_s].tolist()))

    def _end(self, until: float, facts: Facts) -> None:
        """Let those go who left up to ``until``, also those of whom no row ever came."""
        left = {track: event for track, event in self._leaving.items() if event.time <= until}
        self._leaving = {track: event for track, event in self._leaving.items() if track not in left}
        known = [self._counting.people[track] for track in left if track in self._counting.people]
        missed = [event for track, event in left.items() if track not in self._counting.people]
        unseen = [event for event in missed if _of_one_camera(event) and event.track_id not in self._staff]
        facts.visits += [Visit(e.track_id, 0, e.entered_at, e.time) for e in unseen if e.track_id not in self._gone]
        self._forget(known, facts, left)
        for track in left:
            self._gone[track] = _Gone(until, 0, left=True)

    def _forget(self, people: Sequence[Person], facts: Facts, left: Mapping[str, PersonLeft] | None = None) -> None:
        """End the visits of these people at their last sighting, or as ``left`` says.

        Who was followed over several cameras was in this picture from the first to the last sighting in it.
        """
        self._counting.forget(people, facts)
        for person in people:
            gone = self._gone.get(person.track_id)
            event = left[person.track_id] if left else None
            if event is not None and not _of_one_camera(event):
                event = None
            visits = gone.visits if gone else 0
            entered_at = event.entered_at if event and not visits else person.since
            left_at = event.time if event else person.seen
            if person.counted and person.track_id not in self._staff:
                facts.visits.append(Visit(person.track_id, visits, entered_at, left_at))
            self._gone[person.track_id] = _Gone(self._arrivals.released, visits + 1, left=False)


def _of_one_camera(event: PersonLeft) -> bool:
    return len(event.cameras) == 1
