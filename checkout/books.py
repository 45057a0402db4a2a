"""The books: all events about products, and who holds what by them, whatever order they came in.

The holdings are a pure function of the set of events: they are applied in order of time, what is taken before what is
let go at the same moment, then by id. An event that comes late is put in its place and what follows is done again.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from checkout.fold import EMPTY, Contradiction, Holdings, PriceAt, Stake, step
from store.events import Event, ProductEvent, ProductHandedOver, ProductSettled, ProductTaken, SessionJoined

_EVERY = 64  # a checkpoint each so many events
_OUTRANKS = {"evidence": 0, "balance": 1, "review": 2}
Place = tuple[float, int, str]


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """The holdings after the first ``done`` events."""

    done: int
    held: Holdings


class Books:
    """Takes events about products, and who belongs to which session; the same event twice is one.

    ``joins`` counts the changes of who belongs where.

    ``forget`` closes the books on what is long past; an event of before that time is refused from then on.
    """

    def __init__(self, price_at: PriceAt) -> None:
        self._price_at = price_at
        self._order: list[Place] = []
        self._events: dict[str, ProductEvent] = {}
        self._settled: dict[str, ProductSettled] = {}
        self._joined: dict[str, tuple[Place, str]] = {}
        self.joins = 0
        self._checkpoints = [_Checkpoint(0, EMPTY)]
        self._now: Holdings | None = EMPTY
        self._closed_before = float("-inf")

    def add(self, event: Event) -> bool:
        """Take one event; False when it changes nothing: known already, of another kind, or too late.

        Of two events with one id the first that came is meant; ids are the business of who makes them.
        """
        if isinstance(event, SessionJoined):
            return self._join(event)
        if isinstance(event, ProductSettled):
            return self._settle(event)
        if not isinstance(event, ProductEvent) or event.id in self._events or event.time < self._closed_before:
            return False
        self._events[event.id] = event
        place = _place(event)
        if self._now is not None and (not self._order or place > self._order[-1]):
            self._order.append(place)
            self._now = self._step(self._now, len(self._order) - 1)
        else:
            insort(self._order, place)
            self._undo(place)
        return True

    def add_all(self, events: Iterable[Event]) -> None:
        """Take many events, in any order."""
        for event in events:
            self.add(event)

    def knows(self, event_id: str) -> bool:
        """Whether a product event with this id is in the books."""
        return event_id in self._events

    def event(self, event_id: str) -> ProductEvent:
        """The product event with this id, as it is settled now. Raises ``KeyError``."""
        return _as_settled(self._events[event_id], self._settled.get(event_id))

    def holdings(self) -> Holdings:
        """Who holds what after all events."""
        if self._now is None:
            self._now = self._run(self._checkpoints[-1], len(self._order))
        return self._now

    def stakes(self) -> Iterable[Stake]:
        """Everything that somebody may hold."""
        return (stake for stakes in self.holdings().stakes.values() for stake in stakes)

    def contradictions(self) -> tuple[Contradiction, ...]:
        """What was let go by somebody who is not known to hold it, in order of time."""
        return self.holdings().contradictions

    def session_of(self, track_id: str) -> str | None:
        """The session that a track belongs to."""
        joined = self._joined.get(track_id)
        return joined[1] if joined else None

    def tracks_of(self, session_id: str) -> list[str]:
        """The tracks of a session, by name."""
        return sorted(track for track, (_, session) in self._joined.items() if session == session_id)

    def forget(self, before: float, gone: Callable[[str], bool]) -> None:
        """Close the books on what happened before ``before``, and on tracks that are ``gone``."""
        done = bisect_left(self._order, (before,))
        checkpoint = max((c for c in self._checkpoints if c.done <= done), key=lambda c: c.done)
        held = self._run(checkpoint, done)
        old, self._order = self._order[:done], self._order[done:]
        for *_, event_id in old:
            del self._events[event_id]
            self._settled.pop(event_id, None)
        stakes = {track: kept for track, kept in held.stakes.items() if kept and not gone(track)}
        self._joined = {track: joined for track, joined in self._joined.items() if not gone(track)}
        self.joins += 1
        self._checkpoints = [_Checkpoint(0, Holdings(stakes))]
        self._now = None
        self._closed_before = max(self._closed_before, before)

    def _join(self, event: SessionJoined) -> bool:
        place = (event.time, 0, event.id)
        known = self._joined.get(event.track_id)
        if known is not None and known[0] >= place:
            return False
        self._joined[event.track_id] = (place, event.session_id)
        self.joins += 1
        return True

    def _settle(self, event: ProductSettled) -> bool:
        known = self._settled.get(event.settles)
        if known is not None and _rank(known) >= _rank(event):
            return False
        self._settled[event.settles] = event
        settled = self._events.get(event.settles)
        if settled is None:
            return False
        self._undo(_place(settled))
        return True

    def _undo(self, place: Place) -> None:
        """Forget what was worked out from this place on."""
        at = bisect_left(self._order, place)
        while self._checkpoints[-1].done > at:
            self._checkpoints.pop()
        self._now = None

    def _run(self, start: _Checkpoint, end: int) -> Holdings:
        held = start.held
        for number in range(start.done, end):
            held = self._step(held, number)
        return held

    def _step(self, held: Holdings, number: int) -> Holdings:
        """The holdings after one event more; some are kept to go back to."""
        held = step(held, self.event(self._order[number][2]), self._price_at)
        if (number + 1) % _EVERY == 0 and number + 1 > self._checkpoints[-1].done:
            self._checkpoints.append(_Checkpoint(number + 1, held))
        return held


def _place(event: ProductEvent) -> Place:
    return (event.time, 0 if isinstance(event, ProductTaken) else 1, event.id)


def _rank(event: ProductSettled) -> tuple[int, float, str]:
    return (_OUTRANKS[event.by], event.time, event.id)


def _as_settled(event: ProductEvent, settled: ProductSettled | None) -> ProductEvent:
    """``event`` as if it had said what turned out."""
    if settled is None:
        return event
    said: dict[str, object] = {
        name: getattr(settled, name) for name in ("track_id", "gtin", "quantity", "who", "what", "confidence")
    }
    if isinstance(event, ProductHandedOver) and settled.to_track_id is not None:
        said["to_track_id"] = settled.to_track_id
    return event.model_copy(update=said)
