"""Whether one model is better than another on the same data: a paired bootstrap over groups.

What is drawn with replacement are groups (a camera of a run, a visit, a product), not pictures: pictures of one group
are alike, and to count them as independent would make every difference look certain. Both models are scored on the same
draws, so that what makes a draw hard for both cancels (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Verdict = Literal["better", "worse", "not known"]
Score = Callable[[Float], float]

LEAST_GROUPS: Final = 5  # of fewer groups, draws are too much alike for an interval to mean something


@dataclass(frozen=True, slots=True)
class Comparison:
    """One score of two models, higher being better: ``value`` ours, ``other``, and the interval of the difference.

    ``verdict`` is "better" or "worse" where the interval of value - other lies above or below 0, else "not known"; so
    too where there are fewer than ``LEAST_GROUPS`` groups.
    """

    value: float
    other: float
    low: float
    high: float
    groups: int
    verdict: Verdict

    @property
    def difference(self) -> float:
        """``value`` - ``other``."""
        return self.value - self.other

    def as_dict(self) -> dict[str, Any]:
        """For JSON; numbers with four places."""
        found = {**asdict(self), "difference": self.difference}
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()}

    def __str__(self) -> str:
        return (
            f"{self.value:.3f} against {self.other:.3f}: {self.difference:+.3f} "
            f"[{self.low:+.3f}, {self.high:+.3f}], {self.verdict}"
        )


def compare(
    groups: int, value: Score, other: Score, *, rounds: int = 1000, level: float = 0.95, seed: int = 0
) -> Comparison:
    """Compare two scores of the same ``groups`` groups.

    ``value`` and ``other`` take how often each group was drawn, float (groups,), ones for all as they are, and give a
    score, NaN where a draw has none: such draws are left out. The interval holds the middle ``level`` of the
    differences over ``rounds`` draws (percentile bootstrap); the same ``seed`` gives the same interval.
    """
    ones = np.ones(groups)
    first, second = value(ones), other(ones)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(groups, ones / groups, size=rounds).astype(np.float64) if groups else np.zeros((0, 0))
    differences = np.array([value(each) - other(each) for each in draws])
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        return Comparison(first, second, float("nan"), float("nan"), groups, "not known")
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Comparison(first, second, low, high, groups, _verdict(low, high, groups))


def compare_means(
    groups: Sequence[str], value: Float, other: Float, *, rounds: int = 1000, level: float = 0.95, seed: int = 0
) -> Comparison:
    """Compare the means of scores (n,) of the same n items, which belong to the ``groups`` named (n,)."""
    names, place = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    counts = np.bincount(place, minlength=len(names)).astype(np.float64)
    sums = [np.bincount(place, each, len(names)).astype(np.float64) for each in (value, other)]

    def mean(total: Float) -> Score:
        return lambda drawn: float(drawn @ total / (drawn @ counts)) if len(drawn) else float("nan")

    return compare(len(names), mean(sums[0]), mean(sums[1]), rounds=rounds, level=level, seed=seed)


def _verdict(low: float, high: float, groups: int) -> Verdict:
    if groups < LEAST_GROUPS or low <= 0 <= high:
        return "not known"
    return "better" if low > 0 else "worse"
