"""What gates and apps ask for, from memory: open sessions, live baskets, receipts, decisions. Fed by events alone."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import Final, Literal

from sqlalchemy import func, select

from store.events import (
    BasketChanged,
    BasketLine,
    Event,
    GateDecided,
    ReceiptCorrected,
    ReceiptDrafted,
    ReceiptIssued,
    Role,
    SessionClosed,
    SessionOpened,
    from_cloudevent,
)
from store.records import Records
from store.tables import events

TYPES: Final = (
    "session.opened",
    "session.closed",
    "basket.changed",
    "receipt.drafted",
    "receipt.issued",
    "receipt.corrected",
)
_SESSIONS: Final = 5_000
_DECISIONS: Final = 500
_LOAD_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One session as its people may see it. ``lines`` are the live basket's, or those of the newest receipt."""

    session_id: str
    gate: str
    role: Role
    group_size: int
    member: str | None
    opened_at: float
    closed_at: float | None = None
    reason: str | None = None
    lines: tuple[BasketLine, ...] = ()
    receipt_id: str | None = None
    receipt: Literal["draft", "issued", "corrected"] | None = None

    @property
    def total(self) -> int:
        """What the lines cost together."""
        return sum(line.amount for line in self.lines)


class Board:
    """The newest of each session, and the last decisions of each gate. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Shown] = OrderedDict()
        self._decisions: dict[str, deque[GateDecided]] = {}

    def load(self, records: Records, store: str) -> None:
        """Take what the records know of the last day, so that a new process knows the open sessions."""
        mine = (events.c.store == store) & events.c.type.in_(TYPES)
        with records.read() as connection:
            newest = connection.execute(select(func.max(events.c.time)).where(mine)).scalar()
            if newest is None:
                return
            wanted = select(events.c.body).where(mine, events.c.time >= newest - _LOAD_S)
            bodies = connection.execute(wanted.order_by(events.c.time, events.c.id)).scalars().all()
        for body in bodies:
            self.take(from_cloudevent(json.loads(body)))

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of sessions or gates are passed over."""
        with self._lock:
            if isinstance(event, SessionOpened):
                self._open(event)
            elif isinstance(event, GateDecided):
                kept = self._decisions.setdefault(event.gate, deque(maxlen=_DECISIONS))
                if all(known.id != event.id for known in kept):
                    kept.append(event)
            elif isinstance(event, SessionClosed | BasketChanged | ReceiptDrafted | ReceiptIssued | ReceiptCorrected):
                shown = self._sessions.get(event.session_id)
                if shown is not None:
                    self._sessions[event.session_id] = _changed(shown, event)

    def session(self, session_id: str) -> Shown | None:
        """One session; None for one that is not known, or long over."""
        with self._lock:
            return self._sessions.get(session_id)

    def receipt(self, receipt_id: str) -> Shown | None:
        """The session with this receipt, among those in memory."""
        with self._lock:
            return next((shown for shown in self._sessions.values() if shown.receipt_id == receipt_id), None)

    def open_baskets(self) -> list[Shown]:
        """The sessions of customers and testers that are open, in the order in which they came."""
        with self._lock:
            return [shown for shown in self._sessions.values() if shown.closed_at is None and shown.role != "staff"]

    def last_receipts(self, count: int) -> list[Shown]:
        """The ``count`` sessions with a receipt that closed last, the newest first."""
        with self._lock:
            receipted = [shown for shown in self._sessions.values() if shown.receipt is not None]
        return sorted(receipted, key=lambda shown: shown.closed_at or 0.0, reverse=True)[:count]

    def is_inside(self, member: str) -> bool:
        """Whether a member (by alias) has a session that is open."""
        with self._lock:
            return any(shown.member == member and shown.closed_at is None for shown in self._sessions.values())

    def decisions(self, gate: str, after: str | None) -> list[GateDecided]:
        """What was decided at a gate behind the decision with the id ``after``, oldest first.

        Without ``after`` none; behind one that is forgotten, all that is kept.
        """
        with self._lock:
            kept = list(self._decisions.get(gate, ()))
        if after is None:
            return []
        places = [number for number, decision in enumerate(kept) if decision.id == after]
        return kept[places[0] + 1 :] if places else kept

    def _open(self, event: SessionOpened) -> None:
        shown = Shown(event.session_id, event.gate, event.role, event.group_size, event.member, event.time)
        self._sessions.setdefault(event.session_id, shown)
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)


def _changed(
    shown: Shown, event: SessionClosed | BasketChanged | ReceiptDrafted | ReceiptIssued | ReceiptCorrected
) -> Shown:
    match event:
        case SessionClosed():
            return replace(shown, closed_at=event.time, reason=event.reason)
        case BasketChanged():
            return replace(shown, lines=event.lines) if shown.receipt is None else shown
        case ReceiptDrafted():
            if shown.receipt is not None:
                return shown
            return replace(shown, lines=event.lines, receipt_id=event.receipt_id, receipt="draft")
        case ReceiptIssued():
            if shown.receipt == "corrected":
                return shown
            return replace(shown, lines=event.lines, receipt_id=event.receipt_id, receipt="issued")
        case ReceiptCorrected():
            return replace(shown, lines=event.lines, receipt_id=event.receipt_id, receipt="corrected")
