"""The sessions of a shop as the facts tell: who opened them, who belongs to them, who is out, what was receipted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from store.events import (
    BasketEvent,
    BasketLine,
    Event,
    ReceiptCorrected,
    ReceiptDrafted,
    ReceiptIssued,
    Role,
    SessionChecked,
    SessionClosed,
    SessionJoined,
    SessionLeft,
    SessionOpened,
)


@dataclass(slots=True)
class Session:
    """One visit of a member, or of a group that shares a code. Times are seconds on the clock of the footage.

    ``inside`` and ``outside`` are the tracks that belong to it, ``left_by`` the gate that the last of them took;
    ``came_at`` is when the last of those who belong to it came in, None for nobody yet; ``receipted`` are the lines of
    its newest receipt, and ``issued`` says whether that is final.
    """

    id: str
    gate: str
    opened_at: float
    role: Role = "customer"
    group_size: int = 1
    member: str | None = None
    adult: bool = False
    inside: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    seen_at: float = 0.0
    came_at: float | None = None
    left_by: str | None = None
    closed_at: float | None = None
    reason: str | None = None
    receipted: tuple[BasketLine, ...] | None = None
    issued: bool = False
    corrections: int = 0

    @property
    def is_open(self) -> bool:
        """Whether its people may still be in the shop."""
        return self.closed_at is None

    @property
    def pays(self) -> bool:
        """Whether it ends in a receipt."""
        return self.role != "staff" and self.reason != "turned_back"

    @property
    def asked_at(self) -> float:
        """From when on its next person is waited for: the last one came, or the code was shown."""
        return self.opened_at if self.came_at is None else max(self.opened_at, self.came_at)

    def has_room(self) -> bool:
        """Whether more people may come in on its code."""
        return len(self.inside) + len(self.outside) < self.group_size


class Register:
    """All sessions that are known, by facts alone: a fact that is told again changes nothing."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def get(self, session_id: str) -> Session | None:
        """The session with this id."""
        return self._sessions.get(session_id)

    def roles(self) -> dict[str, Role]:
        """The role of every session."""
        return {session.id: session.role for session in self._sessions.values()}

    def drop(self, session_id: str) -> None:
        """Forget a session."""
        self._sessions.pop(session_id, None)

    def apply(self, event: Event) -> None:
        """Take one fact; those of sessions that were not opened are passed over."""
        if isinstance(event, SessionOpened):
            self._sessions.setdefault(
                event.session_id,
                Session(
                    event.session_id, event.gate, event.time, event.role, event.group_size, event.member, event.adult,
                    seen_at=event.time,
                ),
            )  # fmt: skip
            return
        if not isinstance(event, SessionJoined | SessionLeft | SessionChecked | SessionClosed | BasketEvent):
            return
        session = self._sessions.get(event.session_id)
        if session is not None:
            _apply(session, event)
            if isinstance(event, SessionJoined):
                self._leave_others(event)

    def _leave_others(self, event: SessionJoined) -> None:
        for session in self._sessions.values():
            if session.id != event.session_id:
                session.inside.discard(event.track_id)
                session.outside.discard(event.track_id)


def _apply(session: Session, event: SessionJoined | SessionLeft | SessionChecked | SessionClosed | BasketEvent) -> None:
    match event:
        case SessionJoined():
            if event.track_id not in session.outside:
                session.inside.add(event.track_id)
            session.seen_at = max(session.seen_at, event.time)
            session.came_at = event.time if session.came_at is None else max(session.came_at, event.time)
        case SessionLeft():
            session.inside.discard(event.track_id)
            session.outside.add(event.track_id)
            session.left_by = event.gate
            session.seen_at = max(session.seen_at, event.time)
        case SessionChecked():
            session.adult = session.adult or event.adult
        case SessionClosed():
            if session.closed_at is None:
                session.closed_at, session.reason = event.time, event.reason
        case ReceiptDrafted():
            if session.receipted is None:
                session.receipted = event.lines
        case ReceiptIssued():
            if not session.issued:
                session.receipted, session.issued = event.lines, True
        case ReceiptCorrected():
            session.receipted, session.issued = event.lines, True
            session.corrections += 1
        case _:
            pass
