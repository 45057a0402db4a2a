"""What an enrolment learns from its photos: which directions of a vector tell products apart, and which say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

_SHRINK: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The space in which classes are told apart: (x - ``middle``) @ ``axes`` for vectors x (n, d), and the classes'
    places in it: ``middle`` (d,), ``axes`` (d, m), ``centres`` (k, m). ``learnt`` says that what varies within classes
    was seen.
    """

    middle: Float
    axes: Float
    centres: Float
    learnt: bool

    def distances(self, vectors: Float) -> Float:
        """Squared distances (n, k) of vectors (n, d) from the classes, divided by the number of axes.

        Minus a half of them are the scores of linear discriminant analysis, but for a number for each vector.
        """
        at = (vectors - self.middle) @ self.axes
        apart = (at**2).sum(axis=1)[:, None] - 2 * at @ self.centres.T + (self.centres**2).sum(axis=1)
        return np.asarray(np.maximum(apart, 0.0) / max(self.axes.shape[1], 1), np.float32)


def learnt_classes(vectors: Float, owner: NDArray[np.int64], count: int) -> Classes:
    """Linear discriminant analysis of ``vectors`` (n, d) of classes ``owner`` (n,), each of which has one at least.

    Fisher (1936), with the within-class covariance shrunk by a fifth towards a multiple of the identity (Friedman,
    Regularized Discriminant Analysis, 1989). What varies within products, such as the shop behind them, is thereby
    weighed down. The axes span the classes' centres after whitening: a distance along them is of Mahalanobis.
    """
    mean = _means(vectors, owner, count)
    rest = vectors - mean[owner]
    spread = rest.T @ rest / max(len(rest) - count, 1)
    level = max(float(np.trace(spread)) / len(spread), 1e-6)
    spread = (1 - _SHRINK) * spread + _SHRINK * level * np.eye(len(spread))
    lower = np.linalg.cholesky(spread)
    middle = mean.mean(axis=0)
    whitened = np.linalg.solve(lower, (mean - middle).T)
    basis = _span(whitened)
    axes = np.linalg.solve(lower.T, basis)
    return Classes(_float(middle), _float(axes), _float((mean - middle) @ axes), True)


def plain_classes(vectors: Float, owner: NDArray[np.int64], count: int) -> Classes:
    """As ``learnt_classes`` where there is too little to learn from: the directions of the classes' means from their
    own mean.
    """
    mean = _means(vectors, owner, count)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    middle = mean.mean(axis=0) if count > 1 else np.zeros(mean.shape[1])
    away = mean - middle
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    basis = _span(away.T)
    return Classes(_float(middle), _float(basis), _float(away @ basis), False)


def _means(vectors: Float, owner: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    mean = np.zeros((count, vectors.shape[1]))
    np.add.at(mean, owner, vectors)
    return np.asarray(mean / np.bincount(owner, minlength=count)[:, None])


def _span(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis (d, m) of what ``columns`` (d, k) span; a direction where they are all nothing."""
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, : max(int((size > 1e-6 * max(size[0], 1e-9)).sum()), 1)])


def _float(values: NDArray[np.floating]) -> Float:
    return np.asarray(values, np.float32)
