"""Measures of knowing people again by their vectors. All likenesses are scalar products of unit vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What a search for each of n queries gave: ``first`` (n,) whether the most alike is the right person,
    ``precision`` (n,) the average precision, ``found`` (n,) whether there was anything right to find; the others are
    False and NaN where there was not. ``taken`` int (n,) is the place of the most alike, -1 where nothing was searched.
    """

    first: Bool
    precision: Float
    found: Bool
    taken: NDArray[np.int64]


def rank(likeness: Float, same: Bool, searched: Bool) -> Ranking:
    """Search each query (a row) among what is ``searched`` (n, m) of m pictures: by falling ``likeness`` (n, m).

    ``same`` (n, m) is whether both show one person. Average precision is the mean, over the right pictures, of the
    share of right ones among all that are as alike or more: AP = 1/R sum_r r / rank(r) (Zheng et al., Scalable Person
    Re-identification, 2015). Pictures as alike as another count as before it only if they are wrong.
    """
    n = len(likeness)
    first, precision = np.zeros(n, np.bool_), np.full(n, np.nan)
    found = np.asarray((same & searched).any(axis=1), np.bool_)
    taken = np.full(n, -1, np.int64)
    for row in range(n):
        columns = np.flatnonzero(searched[row])
        if not len(columns):
            continue
        right = same[row, columns]
        order = np.lexsort((right, -likeness[row, columns]))
        taken[row] = columns[order[0]]
        if found[row]:
            hits = np.flatnonzero(right[order])
            first[row] = hits[0] == 0
            precision[row] = ((np.arange(len(hits)) + 1) / (hits + 1)).mean()
    return Ranking(first, precision, found, taken)


def auroc(positive: Float, negative: Float) -> float:
    """The area under the ROC curve: how often a positive is above a negative, ties by half (Mann and Whitney, 1947).

    NaN where either is empty.
    """
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def fit_logistic(positive: Float, negative: Float, steps: int = 60) -> tuple[float, float]:
    """Slope a and offset b of 1 / (1 + exp(-(a x + b))), most likely where both kinds weigh the same (Platt, 1999).

    By Newton's method. Raises ``ValueError`` where either is empty.
    """
    if not len(positive) or not len(negative):
        raise ValueError(f"pairs of both kinds are needed, found {len(positive)} of one person and {len(negative)}")
    x = np.concatenate([positive, negative])
    y = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    weight = np.where(y > 0, 0.5 / len(positive), 0.5 / len(negative))
    terms = np.stack([x, np.ones_like(x)], axis=1)
    answer = np.zeros(2)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(terms @ answer, -40, 40)))
        # A touch of ridge keeps the slope finite where the kinds do not overlap.
        slope = terms.T @ (weight * (p - y)) + 1e-6 * answer
        bend = (terms * (weight * p * (1 - p))[:, None]).T @ terms + 1e-6 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        answer = answer - np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-9:
            break
    return float(answer[0]), float(answer[1])


def pairs(
    vectors: Float, person: NDArray[np.int64], camera: NDArray[np.int64], run: NDArray[np.int64]
) -> tuple[Float, Float]:
    """The likenesses of all pairs of one run and different cameras: of one person, and of two."""
    likeness = vectors @ vectors.T
    meets = np.triu((run[:, None] == run[None]) & (camera[:, None] != camera[None]), 1)
    same = person[:, None] == person[None]
    return likeness[meets & same], likeness[meets & ~same]
