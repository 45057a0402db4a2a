"""Payment: what is due stands in our ledger first; a provider collects it from there, once, however often asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import Connection, func, select, update

from checkout.ids import derived_id
from store.records import Records
from store.tables import ledger

log = structlog.get_logger(__name__)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Due:
    """An amount in the currency's smallest unit that a receipt has to be charged, or paid back where it is negative.

    ``id`` is the key by which a provider recognises a request that it has met already.
    """

    id: str
    receipt_id: str
    amount: int
    currency: str


class PaymentError(RuntimeError):
    """A provider refused or cannot be reached; it is asked again later."""


class Payments(Protocol):
    """Whoever moves the money."""

    def collect(self, due: Due) -> str:
        """Charge, or pay back, and return a reference. Called again with the same ``due.id`` it must not do it twice.

        Raises ``PaymentError``.
        """


class HouseAccount:
    """Puts everything on the member's account with the shop: the ledger itself is the account."""

    def collect(self, due: Due) -> str:
        """Nothing to do: the entry is on the account already."""
        return f"house:{due.id[:16]}"


def book(
    records: Records, connection: Connection, store: str, receipt_id: str, total: int, currency: str, time: float
) -> int:
    """Enter what a receipt of ``total`` leaves to pay or to pay back, and return that amount.

    A receipt's entries always add up to its newest total, so that booking it again enters nothing.
    """
    booked = connection.execute(
        select(func.coalesce(func.sum(ledger.c.amount), 0), func.count()).where(ledger.c.receipt_id == receipt_id)
    ).one()
    amount = total - int(booked[0])
    if amount:
        entry = {
            "id": derived_id("due", receipt_id, str(booked[1]), str(total)),
            "store": store,
            "receipt_id": receipt_id,
            "time": time,
            "amount": amount,
            "currency": currency,
            "collected_at": None,
            "reference": None,
        }
        records.insert(connection, ledger, [entry])
    return amount


def collect_due(records: Records, store: str, payments: Payments, now: float) -> int:
    """Have everything collected that is entered and not collected yet; return how many entries were.

    An entry that the provider refuses stays for the next call.
    """
    with records.read() as connection:
        rows = connection.execute(
            select(ledger)
            .where(ledger.c.store == store, ledger.c.collected_at.is_(None))
            .order_by(ledger.c.time)
            .limit(_AT_ONCE)
        ).all()
    collected = 0
    for row in rows:
        try:
            reference = payments.collect(Due(row.id, row.receipt_id, row.amount, row.currency))
        except PaymentError as error:
            log.warning("checkout.payment_waits", receipt=row.receipt_id, reason=str(error))
            continue
        with records.begin() as connection:
            connection.execute(
                update(ledger).where(ledger.c.id == row.id).values(collected_at=now, reference=reference[:128])
            )
        collected += 1
    return collected
