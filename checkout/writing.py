"""The checkout's facts in the records: events, receipts, what is due, and reviews."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, update

from checkout.payment import book
from checkout.sessions import Session
from store.events import (
    BasketLine,
    Event,
    ProductSettled,
    ReceiptCorrected,
    ReceiptDrafted,
    ReceiptIssued,
    ReviewRequested,
)
from store.records import Records
from store.tables import events, receipts, reviews

FACTS: Final = (
    "product.taken",
    "product.returned",
    "product.misplaced",
    "product.handed_over",
    "product.settled",
    "session.opened",
    "session.joined",
    "session.left",
    "session.checked",
    "session.closed",
    "receipt.drafted",
    "receipt.issued",
    "receipt.corrected",
    "receipt.disputed",
    "review.requested",
)
"""The events by which a shop's checkout can be built again."""


def total_of(lines: Iterable[BasketLine]) -> int:
    """What lines cost together, in the currency's smallest unit."""
    return sum(line.amount for line in lines)


class CheckoutWriter:
    """Writes facts of one store; writing the same ones again changes nothing."""

    def __init__(self, records: Records, store: str, currency: str) -> None:
        self._records, self._store, self._currency = records, store, currency

    def keep(self, connection: Connection, facts: Sequence[Event]) -> None:
        """Keep the events of ``FACTS``, and answer the reviews that they settle."""
        rows = {
            event.id: {
                "id": event.id,
                "type": event.type,
                "store": event.store,
                "time": event.time,
                "body": json.dumps(event.to_cloudevent(), separators=(",", ":"), ensure_ascii=False),
            }
            for event in facts
            if event.type in FACTS
        }
        self._records.insert(connection, events, list(rows.values()))
        for event in facts:
            if isinstance(event, ProductSettled) and event.by == "review":
                answered = reviews.c.store == self._store, reviews.c.about == event.settles
                connection.execute(
                    update(reviews).where(*answered, reviews.c.answered_at.is_(None)).values(answered_at=event.time)
                )

    def receipt(
        self,
        connection: Connection,
        event: ReceiptDrafted | ReceiptIssued | ReceiptCorrected,
        session: Session,
    ) -> None:
        """Write a receipt's newest state, and what it leaves to pay; testers never pay."""
        total = total_of(event.lines)
        lines = [line.model_dump(mode="json") for line in event.lines]
        changed: dict[str, Any] = {"lines": lines, "total": total}
        if isinstance(event, ReceiptDrafted):
            first = {
                "id": event.receipt_id, "store": self._store, "session_id": event.session_id, "member": session.member,
                "role": session.role, "state": "draft", "version": 1, "currency": self._currency,
                "drafted_at": event.time, "issued_at": None, "corrected_at": None, "reason": None, **changed,
            }  # fmt: skip
            self._records.insert(connection, receipts, [first])
            return
        if isinstance(event, ReceiptIssued):
            changed |= {"state": "issued", "issued_at": event.time}
        else:
            changed |= {"state": "corrected", "corrected_at": event.time, "reason": event.reason}
        changed["version"] = receipts.c.version + 1
        connection.execute(update(receipts).where(receipts.c.id == event.receipt_id).values(**changed))
        if session.role == "customer":
            book(self._records, connection, self._store, event.receipt_id, total, self._currency, event.time)

    def review(self, connection: Connection, event: ReviewRequested) -> None:
        """Put a review into the queue."""
        body = event.model_dump(mode="json", include={"track_id", "gtin", "who", "what", "evidence", "confidence"})
        row = {
            "id": event.review_id, "store": self._store, "session_id": event.session_id, "about": event.about,
            "reason": event.reason, "time": event.time, "body": body, "answered_at": None,
        }  # fmt: skip
        self._records.insert(connection, reviews, [row])
