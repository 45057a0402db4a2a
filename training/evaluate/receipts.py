"""Receipts from a stream of takes and returns, compared with the true ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkout.books import Books
from checkout.fold import Contradiction
from checkout.prices import PriceBook
from store.catalogue import Catalogue
from store.events import Event, ProductEvent, SessionJoined
from training.evaluate.receipt_files import Receipts, read_events, read_receipts, same_barcode

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class ReceiptScores:
    """Packages that stand on both receipts (``right``), on ours alone (``extra``), on the true one alone (``missing``);
    receipts (``count``) and those without a mistake (``exact``). Precision is right / (right + extra), recall
    right / (right + missing), F1 their harmonic mean: all in 0..1, and 1 where nothing could be wrong.
    """

    right: int
    extra: int
    missing: int
    exact: int
    count: int

    @property
    def item_precision(self) -> float:
        """Share of the packages on our receipts that belong there."""
        return self.right / (self.right + self.extra) if self.right + self.extra else 1.0

    @property
    def item_recall(self) -> float:
        """Share of the packages on true receipts that ours have."""
        return self.right / (self.right + self.missing) if self.right + self.missing else 1.0

    @property
    def item_f1(self) -> float:
        """2 right / (2 right + extra + missing)."""
        wrong = self.extra + self.missing
        return 2 * self.right / (2 * self.right + wrong) if self.right + wrong else 1.0

    @property
    def exact_receipts(self) -> float:
        """Share of the receipts without a mistake."""
        return self.exact / self.count if self.count else 1.0

    def as_json(self) -> dict[str, Any]:
        """The keys that all evaluations of receipts share."""
        return {
            "item_precision": round(self.item_precision, 6),
            "item_recall": round(self.item_recall, 6),
            "item_f1": round(self.item_f1, 6),
            "exact_receipts": round(self.exact_receipts, 6),
            "receipts": self.count,
            "items": {"right": self.right, "extra": self.extra, "missing": self.missing},
        }


@dataclass(frozen=True, slots=True)
class WrongCharge:
    """Value in the currency's smallest unit: ``charged`` that should not be, ``missed`` that should, of ``due``."""

    charged: int
    missed: int
    due: int

    def as_json(self) -> dict[str, Any]:
        """With both shares of what is due."""
        due = max(self.due, 1)
        return {
            "charged": self.charged,
            "missed": self.missed,
            "due": self.due,
            "charged_share": round(self.charged / due, 6),
            "missed_share": round(self.missed / due, 6),
        }


@dataclass(frozen=True, eq=False)
class ReceiptReport:
    """Our receipts and the true ones, by person; people without anything on both are left out."""

    ours: Mapping[str, Counter[str]]
    truth: Mapping[str, Counter[str]]
    contradictions: tuple[Contradiction, ...] = ()
    wrong_charge: WrongCharge | None = None

    @property
    def people(self) -> list[str]:
        """Everybody with a true receipt, and whoever we would charge."""
        return sorted(self.truth.keys() | {person for person, products in self.ours.items() if products})

    @property
    def scores(self) -> ReceiptScores:
        """All receipts together."""
        right = extra = missing = exact = 0
        for person in self.people:
            ours, true = self.ours.get(person, Counter()), self.truth.get(person, Counter())
            right += (ours & true).total()
            extra += (ours - true).total()
            missing += (true - ours).total()
            exact += ours == true
        return ReceiptScores(right, extra, missing, exact, len(self.people))

    def as_json(self) -> str:
        """``overall``, each receipt, and returns of what nobody held."""
        overall = self.scores.as_json()
        if self.wrong_charge is not None:
            overall["wrong_charge"] = self.wrong_charge.as_json()
        document = {
            "overall": overall,
            "receipts": [self._row(person) for person in self.people],
            "unmatched_returns": [
                {"event_id": c.event_id, "person": c.track_id, "barcode": c.gtin, "quantity": c.quantity}
                for c in self.contradictions
            ],
        }
        return json.dumps(document, indent=2, ensure_ascii=False)

    def as_table(self) -> Table:
        """For people: a row a receipt that is wrong, and the totals."""
        from rich import box
        from rich.table import Table

        scores = self.scores
        table = Table(
            title=f"{scores.exact} of {scores.count} receipts exact; items: precision {scores.item_precision:.3f}, "
            f"recall {scores.item_recall:.3f}, F1 {scores.item_f1:.3f}",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for title in ("wrong receipt", "extra", "missing"):
            table.add_column(title)
        for person in self.people:
            row = self._row(person)
            if not row["exact"]:
                table.add_row(person, *(_words(row[side]) for side in ("extra", "missing")))
        return table

    def _row(self, person: str) -> dict[str, Any]:
        ours, true = self.ours.get(person, Counter()), self.truth.get(person, Counter())
        return {
            "target_id": person,
            "exact": ours == true,
            "products": _products(ours),
            "extra": _products(ours - true),
            "missing": _products(true - ours),
        }


def evaluate_receipts(events: Path, truth: Path, catalogue: Catalogue | None = None) -> ReceiptReport:
    """Fold the events of a file into receipts and compare them; with a catalogue, in money as well.

    Raises ``ReceiptFileError``.
    """
    found, true = read_events(events), read_receipts(truth)
    books, ours = _receipts(found)
    wrong = None if catalogue is None else _wrong_charge(catalogue, ours, true)
    return ReceiptReport(ours, true, books.contradictions(), wrong)


def receipts_of(events: Iterable[ProductEvent]) -> Receipts:
    """Who owes what by these events: person to product to quantity; each person is a session of their own."""
    return _receipts(list(events))[1]


def _receipts(events: list[ProductEvent]) -> tuple[Books, Receipts]:
    people = {event.track_id for event in events}
    joined: list[Event] = [SessionJoined(store="", time=0.0, session_id=p, track_id=p) for p in sorted(people)]
    books = Books(PriceBook().at)
    books.add_all([*joined, *events])
    found: Receipts = {person: Counter() for person in people}
    for stake in books.stakes():
        found[stake.holder][stake.gtin] += 1
    return books, found


def _wrong_charge(catalogue: Catalogue, ours: Receipts, true: Receipts) -> WrongCharge:
    price = {same_barcode(product.gtin): product.price for product in catalogue.products}

    def value(products: Counter[str]) -> int:
        return sum(price.get(barcode, 0) * n for barcode, n in products.items())

    people = ours.keys() | true.keys()
    none: Counter[str] = Counter()
    pairs = [(ours.get(person, none), true.get(person, none)) for person in people]
    return WrongCharge(
        sum(value(a - b) for a, b in pairs), sum(value(b - a) for a, b in pairs), sum(map(value, true.values()))
    )


def _products(counted: Counter[str]) -> list[dict[str, Any]]:
    return [{"barcode": barcode, "quantity": n} for barcode, n in sorted(counted.items())]


def _words(products: list[dict[str, Any]]) -> str:
    return ", ".join(f"{p['quantity']} x {p['barcode']}" for p in products) or "-"
