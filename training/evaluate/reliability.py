"""Whether a confidence means what it says: of what is told with .8, four of five should be right.

ECE = sum over bins b of n_b / n * |accuracy_b - confidence_b|, in 0..1, 0 being perfect; bins of equal width over the
confidence, accuracy and confidence their means in a bin (Guo et al., On Calibration of Modern Neural Networks, 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of about one confidence: their mean confidence, the share that is right, how many they are."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """``ece`` in 0..1, NaN without answers, and the bins that hold any, by rising confidence."""

    ece: float
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; numbers with four places."""
        bins = [[round(b.confidence, 4), round(b.accuracy, 4), b.count] for b in self.bins]
        return {"ece": None if np.isnan(self.ece) else round(self.ece, 4), "bins": bins}


def reliability(confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], *, bins: int = 10) -> Reliability:
    """How reliable answers of ``confidence`` (n,) in 0..1 are, of which those that are ``right`` (n,) are known.

    Raises ``ValueError`` for confidences outside 0..1.
    """
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        raise ValueError(f"expected confidences in 0..1, got {confidence.min():g} to {confidence.max():g}")
    if not len(confidence):
        return Reliability(float("nan"), ())
    place = np.minimum((np.asarray(confidence, np.float64) * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    sure = np.bincount(place, weights=confidence, minlength=bins)
    good = np.bincount(place, weights=right, minlength=bins)
    ece = float(np.abs(good - sure).sum() / len(confidence))
    held = np.flatnonzero(count)
    return Reliability(ece, tuple(Bin(sure[b] / count[b], good[b] / count[b], int(count[b])) for b in held.tolist()))
