"""Receipts and reviews, from the records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from store.events import BasketLine
from store.records import Records
from store.tables import ledger, receipts, reviews


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it stands now. Money is in the smallest unit; ``collected`` is what was charged and paid back."""

    id: str
    session_id: str
    role: str
    state: str
    version: int
    lines: tuple[BasketLine, ...]
    total: int
    currency: str
    drafted_at: float
    issued_at: float | None
    corrected_at: float | None
    reason: str | None
    collected: int


@dataclass(frozen=True, slots=True)
class Review:
    """A question to a person: what the product event ``about`` was. ``body`` holds the alternatives."""

    id: str
    session_id: str
    about: str
    reason: str
    time: float
    body: dict[str, Any]
    answered_at: float | None


def receipt(records: Records, store: str, receipt_id: str) -> Receipt | None:
    """The receipt with this id."""
    paid = select(func.coalesce(func.sum(ledger.c.amount), 0)).where(
        ledger.c.receipt_id == receipt_id, ledger.c.collected_at.is_not(None)
    )
    with records.read() as connection:
        row = connection.execute(
            select(receipts).where(receipts.c.store == store, receipts.c.id == receipt_id)
        ).one_or_none()
        collected = int(connection.execute(paid).scalar_one())
    if row is None:
        return None
    return Receipt(
        row.id, row.session_id, row.role, row.state, row.version,
        tuple(BasketLine.model_validate(line) for line in row.lines), row.total, row.currency, row.drafted_at,
        row.issued_at, row.corrected_at, row.reason, collected,
    )  # fmt: skip


def newest_receipt(records: Records, store: str) -> float | None:
    """When the last receipt was drafted; None before the first."""
    with records.read() as connection:
        return connection.execute(select(func.max(receipts.c.drafted_at)).where(receipts.c.store == store)).scalar()


def open_reviews(records: Records, store: str, limit: int) -> list[Review]:
    """The reviews that nobody has answered, oldest first."""
    wanted = select(reviews).where(reviews.c.store == store, reviews.c.answered_at.is_(None))
    with records.read() as connection:
        rows = connection.execute(wanted.order_by(reviews.c.time, reviews.c.id).limit(limit)).all()
    return [Review(r.id, r.session_id, r.about, r.reason, r.time, dict(r.body), r.answered_at) for r in rows]


def review(records: Records, store: str, review_id: str) -> Review | None:
    """The review with this id."""
    with records.read() as connection:
        r = connection.execute(select(reviews).where(reviews.c.store == store, reviews.c.id == review_id)).one_or_none()
    return None if r is None else Review(r.id, r.session_id, r.about, r.reason, r.time, dict(r.body), r.answered_at)
