"""Tells what happens in the demo's shop in lines, and in the end lays the receipts beside what was really taken."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

from api.desk_gate import money
from checkout.prices import PriceBook
from store.bus import Bus
from store.events import (
    BasketChanged,
    BasketEvent,
    BasketLine,
    Event,
    GateDecided,
    ReceiptCorrected,
    ReceiptDrafted,
    ReceiptIssued,
)

_TYPES: Final = (
    BasketChanged.type, ReceiptDrafted.type, ReceiptIssued.type, ReceiptCorrected.type, GateDecided.type,
)  # fmt: skip


@dataclass
class Teller:
    """Says every change in one line. ``name`` knows who a session belongs to, ``began_s`` is when the film begins on
    the clock of the stream. ``receipts`` has the newest one of each session, ``first_at`` when the first was drafted
    (``time.monotonic``).
    """

    prices: PriceBook
    name: Callable[[str], str]
    began_s: float
    say: Callable[[str], None]
    receipts: dict[str, BasketEvent] = field(default_factory=dict)
    first_at: float | None = None

    def take(self, event: Event) -> None:
        """Take the next event of the bus."""
        match event:
            case BasketChanged():
                self._line(event.time, f"{self.name(event.session_id)}'s basket: {self._basket(event)}")
            case ReceiptDrafted() | ReceiptIssued() | ReceiptCorrected():
                self.first_at = time.monotonic() if self.first_at is None else self.first_at
                self.receipts[event.session_id] = event
                kind = event.type.removeprefix("receipt.")
                self._line(event.time, f"{self.name(event.session_id)}'s receipt, {kind}: {self._basket(event)}")
            case GateDecided(session_id=None):
                self._line(event.time, f"somebody without a code goes {event.way} at {event.gate}: {event.reason}")
            case GateDecided(session_id=str(session)):
                self._line(event.time, f"{self.name(session)} goes {event.way} at {event.gate}: {event.reason}")

    def is_issued(self, session: str) -> bool:
        """Whether the receipt of a session is final."""
        return isinstance(self.receipts.get(session), ReceiptIssued | ReceiptCorrected)

    def items(self, counted: Mapping[str, int]) -> str:
        """Packages by GTIN in words."""
        return ", ".join(f"{n} x {self.prices.name(gtin) or gtin}" for gtin, n in sorted(counted.items())) or "nothing"

    def _basket(self, event: BasketEvent) -> str:
        said = ", ".join(self._said(line) for line in event.lines if line.quantity)
        return f"{said or 'nothing'}; {self.prices.currency} {money(event.total)}"

    def _said(self, line: BasketLine) -> str:
        checking = f" (checking, {line.confidence:.0%})" if line.state == "checking" else ""
        return f"{line.quantity} x {self.prices.name(line.gtin) or line.gtin}{checking}"

    def _line(self, time_s: float, text: str) -> None:
        self.say(f"{clock(time_s - self.began_s)}  {text}")


def clock(seconds: float) -> str:
    """Minutes and seconds of the film."""
    whole = max(round(seconds), 0)
    return f"{whole // 60}:{whole % 60:02d}"


@contextmanager
def telling(bus: Bus, teller: Teller) -> Iterator[None]:
    """Give ``teller`` what the bus carries from now on, for as long as the block lasts."""
    stop = threading.Event()
    told = bus.subscribe(_TYPES, heartbeat_s=0.5)

    def hear() -> None:
        for item in told:
            if stop.is_set():
                return
            if item is not None:
                teller.take(item[1])

    thread = threading.Thread(target=hear, name="aisle-demo-telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


@dataclass(frozen=True, slots=True)
class Bill:
    """A shopper's receipt beside the truth: packages by GTIN. ``receipt`` is None where there is none."""

    name: str
    receipt: Mapping[str, int] | None
    taken: Mapping[str, int]

    @property
    def is_right(self) -> bool:
        """Whether the receipt has what was taken and nothing else."""
        return Counter(self.receipt or {}) == Counter(self.taken)


def bills(
    receipts: Mapping[str, BasketEvent],
    visits: Mapping[str, str],
    taken: Mapping[str, Mapping[str, int]],
    names: Mapping[str, str],
) -> list[Bill]:
    """A bill for each session of the film in ``taken``; ``visits`` leads from our sessions to those of the film."""
    billed = {
        visits[session]: {line.gtin: line.quantity for line in event.lines if line.quantity}
        for session, event in receipts.items()
        if session in visits
    }
    return [Bill(names.get(session, session), billed.get(session), owed) for session, owed in taken.items()]


def bill_table(found: Sequence[Bill], items: Callable[[Mapping[str, int]], str]) -> Table:
    """The bills as a table for people."""
    table = Table(title=f"{sum(bill.is_right for bill in found)} of {len(found)} receipts are right")
    for title in ("shopper", "receipt", "really taken", ""):
        table.add_column(title)
    for bill in found:
        receipt = "none" if bill.receipt is None else items(bill.receipt)
        table.add_row(bill.name, receipt, items(bill.taken), "right" if bill.is_right else "wrong")
    return table
