"""Which answers find whom, and the scores of that: precision over recall as COCO has it.

Matching (Lin et al., Microsoft COCO, 2014): by falling confidence, each answer takes the free truth that it is most
like, if by the threshold or more. Precision is right / (right + wrong), recall right / truths; AP is the mean of the
precision at the recalls 0, .01 .. 1, where the precision at a recall is the best one at it or any larger; AP without a
number is the mean over the thresholds .5, .55 .. .95, AP50 that at .5; AR is the mean over the thresholds of the recall
of all answers. All are in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

THRESHOLDS: Final = np.linspace(0.5, 0.95, 10).round(2)
MOST: Final = 100  # answers of a picture that count, the most confident
CONFIDENCES: Final = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
PRECISION: Final = 0.9  # at which the recall is told
_RECALLS: Final = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Scores:
    """COCO's numbers of some answers; NaN where there is nobody to find. ``people`` is how many there are."""

    ap: float
    ap50: float
    ar: float
    people: int

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON, with four places."""
        numbers = {name: getattr(self, name) for name in ("ap", "ap50", "ar")}
        return {**{k: None if np.isnan(v) else round(v, 4) for k, v in numbers.items()}, "people": self.people}


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What became of n answers to pictures with m truths.

    ``confidence`` (n,); ``truth`` (n, thresholds) the place of the truth that each found at each of ``THRESHOLDS``, -1
    for none; ``counts`` (n, thresholds) whether it counts, right or wrong, or lies on what is ignored. ``wanted`` (m,)
    are the truths that should be found. ``group`` (n,) and ``truth_group`` (m,) are places in ``groups``, of what is
    drawn by a bootstrap. ``parts`` and ``truth_parts`` give, by the name of a slicing, the part that each is in.
    """

    confidence: Float
    truth: Ints
    counts: Bools
    wanted: Bools
    group: Ints
    truth_group: Ints
    groups: tuple[str, ...]
    parts: Mapping[str, Ints] = field(default_factory=dict)
    truth_parts: Mapping[str, Ints] = field(default_factory=dict)

    @classmethod
    def joined(cls, pictures: Sequence[Matches]) -> Self:
        """Those of several sets of pictures as one, ordered by falling confidence."""
        names = {name: place for place, name in enumerate(sorted({n for each in pictures for n in each.groups}))}
        placed = [np.array([names[name] for name in each.groups], np.int64) for each in pictures]
        starts = np.cumsum([0, *(len(each.wanted) for each in pictures)])
        truth = [np.where(p.truth >= 0, p.truth + start, -1) for p, start in zip(pictures, starts, strict=False)]
        confidence = _cat([each.confidence for each in pictures], np.zeros(0))
        order = np.argsort(-confidence, kind="stable")
        slicings = pictures[0].parts.keys() if pictures else ()
        none = np.zeros(0, np.int64)
        wide = np.zeros((0, len(THRESHOLDS)))
        return cls(
            confidence[order],
            _cat(truth, wide.astype(np.int64))[order],
            _cat([each.counts for each in pictures], wide.astype(np.bool_))[order],
            _cat([each.wanted for each in pictures], np.zeros(0, np.bool_)),
            _cat([at[each.group] for each, at in zip(pictures, placed, strict=True)], none)[order],
            _cat([at[each.truth_group] for each, at in zip(pictures, placed, strict=True)], none),
            tuple(names),
            {name: _cat([each.parts[name] for each in pictures], none)[order] for name in slicings},
            {name: _cat([each.truth_parts[name] for each in pictures], none) for name in slicings},
        )

    @property
    def found(self) -> Bools:
        """Whether each answer found somebody who is wanted, (n, thresholds)."""
        return self.counts & (self.truth >= 0)

    @property
    def people(self) -> int:
        """How many should be found."""
        return int(np.count_nonzero(self.wanted))

    def part(self, slicing: str, part: int) -> Matches:
        """Only the truths of one part, their finders, and the wrong answers that lie in that part."""
        inside = self.truth_parts[slicing] == part
        theirs = np.where(self.truth >= 0, np.append(inside, False)[self.truth], (self.parts[slicing] == part)[:, None])
        return self._with(self.counts & theirs, self.wanted & inside)

    def of_groups(self, kept: Sequence[str]) -> Matches:
        """Only the truths and answers of the groups named."""
        chosen = np.isin(np.arange(len(self.groups)), [self.groups.index(name) for name in kept])
        return self._with(self.counts & chosen[self.group][:, None], self.wanted & chosen[self.truth_group])

    def _with(self, counts: Bools, wanted: Bools) -> Matches:
        rest = (self.group, self.truth_group, self.groups, self.parts, self.truth_parts)
        return Matches(self.confidence, self.truth, counts, wanted, *rest)

    def scores(self, drawn: Float | None = None) -> Scores:
        """AP, AP50 and AR; ``drawn`` (groups,) is how often each group counts, once each by default."""
        drawn = np.ones(len(self.groups)) if drawn is None else drawn
        people = float(drawn[self.truth_group] @ self.wanted)
        weight = drawn[self.group]
        if not people:
            return Scores(float("nan"), float("nan"), float("nan"), 0)
        found = self.found
        each = [_precision(found[:, t], self.counts[:, t], weight, people) for t in range(len(THRESHOLDS))]
        precision, recall = zip(*each, strict=True)
        return Scores(float(np.mean(precision)), precision[0], float(np.mean(recall)), self.people)

    def ap50(self, drawn: Float) -> float:
        """AP50 alone, which is quicker; NaN where nobody is drawn."""
        people = float(drawn[self.truth_group] @ self.wanted)
        if not people:
            return float("nan")
        counts = self.counts[:, 0]
        return _precision(counts & (self.truth[:, 0] >= 0), counts, drawn[self.group], people)[0]

    def at(self, confidence: float) -> tuple[float, float]:
        """Recall and precision at overlap .5 of the answers of ``confidence`` or more; precision is 1 without any."""
        kept = self.counts[:, 0] & (self.confidence >= confidence)
        right, all_ = int(np.count_nonzero(self.found[kept, 0])), int(np.count_nonzero(kept))
        return right / max(self.people, 1), right / all_ if all_ else 1.0

    def recall_at(self, precision: float) -> tuple[float, float]:
        """The largest recall of all confidences whose precision is ``precision`` or more, and that confidence.

        Without such a confidence the recall is 0 at confidence 1.
        """
        kept = self.counts[:, 0]
        confidence, right = self.confidence[kept], np.cumsum(self.found[kept, 0])
        good = np.flatnonzero(right >= precision * np.arange(1, len(right) + 1))
        # Answers of one confidence are taken together or not at all.
        falls = np.append(np.diff(confidence) < 0, True)
        good = good[falls[good]]
        if not len(good):
            return 0.0, 1.0
        return float(right[good[-1]]) / max(self.people, 1), float(confidence[good[-1]])

    def best(self) -> float:
        """The confidence, among those quoted, of the largest F1: 2 recall precision / (recall + precision)."""

        def f1(confidence: float) -> float:
            recall, precision = self.at(confidence)
            return 2 * recall * precision / max(recall + precision, 1e-9)

        return max(CONFIDENCES, key=f1)


def match(likeness: Float, confidence: Float, wanted: Bools, forgiven: Bools) -> tuple[Ints, Bools]:
    """Match the n answers to one picture with its m truths: ``truth`` and ``counts`` of ``Matches``.

    ``likeness`` (n, m) in 0..1. An answer that finds one who is not ``wanted`` (m,) does not count, nor does one that
    finds nobody and is ``forgiven`` (n,); nor those beyond the ``MOST`` confident.
    """
    n, m = likeness.shape
    truth = np.full((n, len(THRESHOLDS)), -1, np.int64)
    order = np.argsort(-confidence, kind="stable")
    if m:
        for t, threshold in enumerate(THRESHOLDS.tolist()):
            free = np.ones(m, np.bool_)
            for place in order[:MOST].tolist():
                for able in (free & wanted, free & ~wanted):  # who is wanted goes first
                    candidates = np.where(able, likeness[place], -1.0)
                    if candidates.max() >= threshold:
                        chosen = int(candidates.argmax())
                        free[chosen] = False
                        truth[place, t] = chosen
                        break
    counts = np.where(truth >= 0, np.append(wanted, False)[truth], ~forgiven[:, None])
    counts[order[MOST:]] = False
    return truth, counts


def _precision(found: Bools, counts: Bools, weight: Float, people: float) -> tuple[float, float]:
    """AP and the last recall of answers by falling confidence, each of which counts ``weight`` times."""
    right = np.cumsum(weight * found)
    all_ = np.cumsum(weight * counts)
    recall = right / people
    precision = np.maximum.accumulate((right / np.maximum(all_, 1e-12))[::-1])[::-1]
    # A hair of room: recalls are sums of weights, which round otherwise than COCO's counts.
    place = np.searchsorted(recall, _RECALLS - 1e-12)
    ap = float(np.append(precision, 0.0)[np.minimum(place, len(precision))].mean())
    return ap, float(recall[-1]) if len(recall) else 0.0


def _cat(parts: Sequence[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([empty, *parts])
