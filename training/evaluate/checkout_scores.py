"""How good receipts are: items, money, reviews, time and whether confidences mean what they say.

``wrong_charge`` is the value charged that should not be and the value missed, together, over the value that is due;
``wrong_charge_unreviewed`` the part of it that no review would mend. ``review_rate`` is reviews asked for over lines of
receipts. ``final_receipt`` is the time from the last true event of a session (a product in its people's hands, the last
of them inside) to its final receipt, in seconds of the stream. ``ece`` is that of the lines' confidences, see
``training.evaluate.reliability``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.evaluate.receipts import ReceiptScores
from training.evaluate.reliability import reliability

THRESHOLDS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.01)
"""Confidences under which a line may be put to a person, for the curve."""


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A product on our receipt (``quantity``), on the true one (``true``), or only thought possible (neither).

    ``price`` of one package in the currency's smallest unit; ``confidence`` that ``quantity`` is right, None where the
    checkout has no such line; ``reviewed``: a person was asked about it.
    """

    gtin: str
    quantity: int
    true: int
    price: int
    confidence: float | None = None
    reviewed: bool = False

    @property
    def wrong(self) -> int:
        """Value that is charged wrongly or missed."""
        return abs(self.quantity - self.true) * self.price


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """One visit: its lines, how many reviews it asked for, the time to its final receipt, None where none was issued,
    and whether its session had all its people and nobody else.
    """

    run: str
    session: str
    lines: tuple[ScoredLine, ...]
    reviews: int = 0
    final_s: float | None = None
    corrections: int = 0
    bound: bool = True

    @property
    def exact(self) -> bool:
        """Whether the receipt has no mistake."""
        return all(line.quantity == line.true for line in self.lines)

    @property
    def wrong(self) -> int:
        """Value that is charged wrongly or missed."""
        return sum(line.wrong for line in self.lines)


def receipt_scores(sessions: Iterable[SessionOutcome]) -> ReceiptScores:
    """Packages and receipts of all ``sessions``."""
    sessions = list(sessions)
    lines = [line for session in sessions for line in session.lines]
    return ReceiptScores(
        right=sum(min(line.quantity, line.true) for line in lines),
        extra=sum(max(line.quantity - line.true, 0) for line in lines),
        missing=sum(max(line.true - line.quantity, 0) for line in lines),
        exact=sum(session.exact for session in sessions),
        count=len(sessions),
    )


def scored(sessions: Sequence[SessionOutcome]) -> dict[str, Any]:
    """The scores of ``sessions`` as JSON has them; None for what there is nothing to tell of."""
    lines = [line for session in sessions for line in session.lines]
    told = [line for line in lines if line.quantity]
    due = sum(line.true * line.price for line in lines)
    finals = np.array([session.final_s for session in sessions if session.final_s is not None], np.float64)
    sure = np.array([line.confidence for line in told if line.confidence is not None], np.float64)
    right = np.array([line.quantity == line.true for line in told if line.confidence is not None], np.bool_)
    reviews = sum(session.reviews for session in sessions)
    return {
        **receipt_scores(sessions).as_json(),
        "wrong_charge": _share(sum(line.wrong for line in lines), due),
        "wrong_charge_unreviewed": _share(sum(line.wrong for line in lines if not line.reviewed), due),
        "charged": sum(max(line.quantity - line.true, 0) * line.price for line in lines),
        "missed": sum(max(line.true - line.quantity, 0) * line.price for line in lines),
        "due": due,
        "review_rate": _share(reviews, len(told)),
        "reviews": reviews,
        "final_receipt_p50_s": _quantile(finals, 50),
        "final_receipt_p95_s": _quantile(finals, 95),
        "unissued": len(sessions) - len(finals),
        "corrections": sum(session.corrections for session in sessions),
        "sessions_bound": _share(sum(session.bound for session in sessions), len(sessions)),
        "ece": reliability(sure, right).as_dict()["ece"],
    }


def review_curve(sessions: Iterable[SessionOutcome]) -> list[dict[str, float]]:
    """For rising thresholds: if people settled every line with less confidence, how many lines that would be, and what
    would still be charged wrongly; both as shares, as in ``scored``.

    Lines of nothing that may be something count as soon as they are under the threshold.
    """
    lines = [line for session in sessions for line in session.lines]
    due, told = sum(line.true * line.price for line in lines), sum(line.quantity > 0 for line in lines)
    curve = []
    for threshold in THRESHOLDS:
        asked = [line.confidence is not None and line.confidence < threshold for line in lines]
        left = sum(line.wrong for line, is_asked in zip(lines, asked, strict=True) if not is_asked)
        curve.append(
            {"threshold": threshold, "review_rate": _share(sum(asked), told), "wrong_charge": _share(left, due)}
        )
    return curve


def reliability_of(sessions: Iterable[SessionOutcome]) -> dict[str, Any]:
    """The reliability of receipts' lines, with its bins."""
    told = [line for session in sessions for line in session.lines if line.quantity and line.confidence is not None]
    sure = np.array([line.confidence for line in told], np.float64)
    return reliability(sure, np.array([line.quantity == line.true for line in told], np.bool_)).as_dict()


def _share(part: int, whole: int) -> float:
    """Over at least one, so that something wrong where nothing is due shows."""
    return round(part / max(whole, 1), 6)


def _quantile(values: np.ndarray[Any, Any], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if len(values) else None
