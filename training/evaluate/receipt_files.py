"""Reading takes and returns, and true receipts, from files that others wrote: every fault is named with its line."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from store.events import ProductEvent, ProductReturned, ProductTaken
from store.shopping import MOST_PACKAGES
from training.errors import TrainingError

ACTIONS: dict[str, type[ProductEvent]] = {"take": ProductTaken, "return": ProductReturned}
Receipts = dict[str, Counter[str]]


class ReceiptFileError(TrainingError):
    """A file of events or receipts that cannot be used: which, where, why."""


class _BadValueError(ValueError):
    """What is wrong with one line."""


def read_events(path: Path) -> list[ProductEvent]:
    """Read JSON Lines of ``{"event_id", "at", "person", "action", "gtin", "quantity", "slot"}``, in any order.

    ``at`` is seconds or ISO 8601 with an offset; ``action`` is take or return; ``gtin`` a barcode of any length (kept
    as it stands); ``quantity`` is 1 where it is missing, ``slot`` may be missing; other fields are passed over. The
    same line twice counts once. Raises ``ReceiptFileError`` naming every bad line with its number.
    """
    found: dict[str, tuple[int, ProductEvent]] = {}
    faults: list[str] = []
    for number, line in enumerate(_text(path, "events").splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = _event(_object(line))
            known = found.setdefault(event.id, (number, event))
            if known[1] != event:
                raise _BadValueError(f"event_id {event.id!r} is that of another event, on line {known[0]}")
        except _BadValueError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise ReceiptFileError(f"{path}: {'; '.join(faults)}")
    return [event for _, event in found.values()]


def read_receipts(path: Path) -> Receipts:
    """Read ``{"receipts": [{"target_id", "products": [{"barcode", "quantity"}]}]}``: person to barcode to quantity.

    Several entries of one product, or of one person, add up. Raises ``ReceiptFileError``.
    """
    text = _text(path, "receipts")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ReceiptFileError(f"{path}: no JSON ({error})") from None
    entries = document.get("receipts") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ReceiptFileError(f'{path}: expected {{"receipts": [...]}}')
    receipts: Receipts = {}
    faults: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            person, products = _receipt(entry)
            receipts.setdefault(person, Counter()).update(products)
        except _BadValueError as error:
            faults.append(f"receipt {number}: {error}")
    if faults:
        raise ReceiptFileError(f"{path}: {'; '.join(faults)}")
    return receipts


def same_barcode(code: str) -> str:
    """One way to write a barcode: leading zeros do not count (GS1: GTIN-8, -12, -13 and -14 are one number)."""
    return code.lstrip("0") or "0" if code.isascii() and code.isdigit() else code


def _event(fields: dict[str, Any]) -> ProductEvent:
    action = fields.get("action")
    if action not in ACTIONS:
        raise _BadValueError(f"action must be take or return, found {_shown(action)}")
    slot = fields.get("slot")
    # Barcodes may have any length, ids any length: what the file says is checked here, not by the event's own rules.
    return ACTIONS[action].model_construct(
        id=_id(fields, "event_id"),
        store="",
        time=_time(fields),
        track_id=_id(fields, "person"),
        gtin=same_barcode(_id(fields, "gtin")),
        slot=None if slot is None else str(slot),
        quantity=_quantity(fields),
    )


def _receipt(entry: Any) -> tuple[str, Counter[str]]:
    if not isinstance(entry, dict):
        raise _BadValueError(f"expected an object, found {_shown(entry)}")
    person = _id(entry, "target_id")
    products = entry.get("products")
    if not isinstance(products, list):
        raise _BadValueError(f"products must be a list, found {_shown(products)}")
    counted: Counter[str] = Counter()
    for product in products:
        if not isinstance(product, dict):
            raise _BadValueError(f"a product must be an object, found {_shown(product)}")
        quantity = _quantity(product, least=0)
        if quantity:
            counted[same_barcode(_id(product, "barcode"))] += quantity
    return person, counted


def _id(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        problem = f"{name} is missing" if name not in fields else f"{name} must be text, found {_shown(value)}"
        raise _BadValueError(problem)
    return value.strip()


def _quantity(fields: dict[str, Any], least: int = 1) -> int:
    value = fields.get("quantity", 1)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST_PACKAGES:
        raise _BadValueError(f"quantity must be a whole number from {least} to {MOST_PACKAGES}, found {_shown(value)}")
    return value


def _time(fields: dict[str, Any]) -> float:
    value = fields.get("at")
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _BadValueError(f"at must be seconds or ISO 8601, found {_shown(value)}") from None
        if moment.tzinfo is None:
            raise _BadValueError(f"at needs its offset from UTC, found {_shown(value)}")
        return moment.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        problem = "at is missing" if "at" not in fields else f"at must be seconds or ISO 8601, found {_shown(value)}"
        raise _BadValueError(problem)
    return float(value)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise _BadValueError(f"no JSON ({error})") from None
    if not isinstance(value, dict):
        raise _BadValueError(f"expected an object, found {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ReceiptFileError(f"{what} {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ReceiptFileError(f"{what} {path}: no UTF-8 text ({error.reason} at byte {error.start})") from None
