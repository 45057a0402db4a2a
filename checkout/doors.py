"""What happens at the gates: whom a passage belongs to, and what the gate is told about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from checkout.binding import likeliest
from checkout.ids import derived_id, receipt_id_of
from checkout.lines import Basket
from checkout.policy import Policy
from checkout.sessions import Register, Session
from store.events import (
    Event,
    GateDecided,
    PersonPassed,
    SessionClosed,
    SessionJoined,
    SessionLeft,
    SessionOpened,
)

BasketOf = Callable[[str], Basket]


class Doors:
    """Turns passages into facts about sessions and decisions of gates.

    Whoever runs through the events must apply each to ``register`` before asking for the next. ``session_of`` gives
    the session of a track, ``basket_of`` the basket of a session.
    """

    def __init__(
        self,
        store: str,
        register: Register,
        policy: Policy,
        session_of: Callable[[str], str | None],
        basket_of: BasketOf,
    ) -> None:
        self._store, self._register, self._policy = store, register, policy
        self._session_of, self._basket_of = session_of, basket_of
        self._strangers: deque[PersonPassed] = deque(maxlen=1_000)
        self._held: set[str] = set()

    def opened(self, event: SessionOpened) -> Iterator[Event]:
        """A session begins: whoever passed a moment before their code was read belongs to it as well."""
        session = self._register.get(event.session_id)
        for passed in list(self._strangers):
            if session is not None and session.has_room() and self._fits(session, passed):
                self._strangers.remove(passed)
                yield self._joined(session, 1.0, passed)

    def passed(self, event: PersonPassed) -> Iterator[Event]:
        """Somebody went through a gate."""
        session_id = self._session_of(event.track_id)
        session = self._register.get(session_id) if session_id is not None else None
        if event.way == "in":
            if session is None or not session.is_open:
                yield from self._came(event)
        elif session is None:
            yield self._decision(None, event.gate, "out", event.time, "no_session", is_open=False, about=event.track_id)
        elif session.is_open and event.track_id in session.inside:
            yield from self._went(event, session)

    def look_again(self, now: float) -> Iterator[Event]:
        """Let go whom a gate holds when there is no reason any more."""
        for session_id in sorted(self._held):
            session = self._register.get(session_id)
            if session is None or self._must_show_age(session):
                continue
            self._held.discard(session_id)
            reason = "age_checked" if session.adult else self._reason(session)
            yield self._decision(session, session.left_by or session.gate, "out", now, reason)
            if self._all_out(session, now):
                yield self._closed(session, now, "left")

    def tick(self, now: float) -> Iterator[Event]:
        """Close what nobody came in for, what everybody left, and what is lost."""
        policy = self._policy
        for session in self._register:
            if not session.is_open:
                continue
            if session.inside:
                if now >= session.seen_at + policy.lost_s:
                    yield self._closed(session, session.seen_at + policy.lost_s, "lost")
            elif not session.outside:
                if now >= session.opened_at + policy.bind_s:
                    yield self._closed(session, session.opened_at + policy.bind_s, "turned_back")
            elif self._all_out(session, now) and (session.id not in self._held or self._walked_off(session, now)):
                self._held.discard(session.id)
                yield self._closed(session, max(session.seen_at, session.opened_at), "left")

    def _came(self, event: PersonPassed) -> Iterator[Event]:
        waiting = [s for s in self._register if s.is_open and s.has_room() and self._fits(s, event)]
        if (found := likeliest(waiting, event.time)) is not None:
            yield self._joined(*found, event)
        else:
            self._strangers.append(event)
            yield self._decision(None, event.gate, "in", event.time, "tailgater", is_open=False, about=event.track_id)

    def _went(self, event: PersonPassed, session: Session) -> Iterator[Event]:
        yield SessionLeft(
            id=derived_id("left", session.id, event.track_id),
            store=self._store,
            time=event.time,
            session_id=session.id,
            track_id=event.track_id,
            gate=event.gate,
        )
        if self._must_show_age(session):
            self._held.add(session.id)
            yield self._decision(session, event.gate, "out", event.time, "age_check", is_open=False)
            return
        yield self._decision(session, event.gate, "out", event.time, self._reason(session))
        if self._all_out(session, event.time):
            yield self._closed(session, event.time, "left")

    def _fits(self, session: Session, passed: PersonPassed) -> bool:
        early, late = session.opened_at - self._policy.early_s, session.asked_at + self._policy.bind_s
        return session.gate == passed.gate and early <= passed.time <= late

    def _all_out(self, session: Session, now: float) -> bool:
        """Whether nobody is inside and nobody can come any more."""
        all_came = not session.has_room() or now >= session.asked_at + self._policy.bind_s
        return not session.inside and bool(session.outside) and all_came

    def _walked_off(self, session: Session, now: float) -> bool:
        return now >= session.seen_at + self._policy.settle_s

    def _must_show_age(self, session: Session) -> bool:
        return session.role != "staff" and not session.adult and self._basket_of(session.id).age_restricted

    def _reason(self, session: Session) -> str:
        if session.role == "staff":
            return "staff"
        basket = self._basket_of(session.id)
        if not basket.lines and basket.settled:
            return "nothing_taken"
        return "paid" if basket.settled else "checking"

    def _joined(self, session: Session, share: float, passed: PersonPassed) -> SessionJoined:
        return SessionJoined(
            id=derived_id("joined", session.id, passed.track_id),
            store=self._store,
            time=passed.time,
            cameras=passed.cameras,
            confidence=passed.confidence * share,
            session_id=session.id,
            track_id=passed.track_id,
        )

    def _closed(self, session: Session, time: float, reason: str) -> SessionClosed:
        return SessionClosed.model_validate(
            {
                "id": derived_id("closed", session.id),
                "store": self._store,
                "time": time,
                "session_id": session.id,
                "gate": session.left_by or session.gate,
                "reason": reason,
            }
        )

    def _decision(
        self,
        session: Session | None,
        gate: str,
        way: str,
        time: float,
        reason: str,
        *,
        is_open: bool = True,
        about: str = "",
    ) -> GateDecided:
        billed = session is not None and session.pays
        return GateDecided.model_validate(
            {
                "id": derived_id("decided", gate, way, time, reason, session.id if session else about),
                "store": self._store,
                "time": time,
                "gate": gate,
                "way": way,
                "open": is_open,
                "reason": reason,
                "session_id": session.id if session else None,
                "receipt_id": receipt_id_of(session.id) if session and billed else None,
                "total": self._basket_of(session.id).total if session and billed else None,
            }
        )
