"""Takes and returns that were found against those that happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

WITHIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class ReachFact:
    """A take or return at ``time_s`` by ``who`` (a person, a hand or a slot: whatever both sides name alike)."""

    kind: str
    time_s: float
    who: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """The place in the truth of each found event (n,), -1 for a false one; ``missed`` are the places of the rest."""

    found: NDArray[np.int64]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EventScores:
    """``right`` of ``found`` events are among the ``truth`` ones.

    precision = right / found, recall = right / truth, F1 = 2 precision recall / (precision + recall), all in 0..1;
    precision without found events and recall without true ones are 1.
    """

    truth: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of found events that are right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of true events that were found."""
        return self.right / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.found + self.truth) if self.found + self.truth else 1.0

    @classmethod
    def together(cls, parts: Iterable[EventScores]) -> EventScores:
        """The scores of several parts as one."""
        rows = [(part.truth, part.found, part.right) for part in parts]
        return cls(*(sum(row[k] for row in rows) for k in range(3)))

    def as_json(self) -> dict[str, float | int]:
        """The numbers by name."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {
            "truth": self.truth,
            "found": self.found,
            "right": self.right,
            **{name: round(value, 4) for name, value in shares.items()},
        }


def match(found: Sequence[ReachFact], truth: Sequence[ReachFact], within_s: float = WITHIN_S) -> Matched:
    """Match one to one: the same kind, the same ``who``, not more than ``within_s`` apart.

    As many pairs as can be, and among such matchings the one with the smallest sum of differences in time (Kuhn 1955).
    """
    places = np.full(len(found), -1, np.int64)
    if found and truth:
        apart = np.abs(np.array([f.time_s for f in found])[:, None] - np.array([t.time_s for t in truth])[None])
        alike = np.array([[f.kind == t.kind and f.who == t.who for t in truth] for f in found])
        possible = alike & (apart <= within_s + 1e-9)
        # A pair that cannot be costs more than all pairs that can.
        cost = np.where(possible, apart, (within_s + 1) * (len(found) + len(truth)))
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if possible[i, j]:
                places[i] = j
    taken = set(places.tolist())
    return Matched(places, tuple(j for j in range(len(truth)) if j not in taken))


def score(found: Sequence[ReachFact], truth: Sequence[ReachFact], within_s: float = WITHIN_S) -> EventScores:
    """Precision, recall and F1 of ``found``; matching as ``match``."""
    matched = match(found, truth, within_s)
    return EventScores(len(truth), len(found), int(np.count_nonzero(matched.found >= 0)))
