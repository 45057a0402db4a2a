"""What an enrolment learns from its photos: which directions of a vector tell products apart, and which say nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

_SHRINK: Final = 0.2


def linear_classes(vectors: Float, owner: NDArray[np.int64], classes: int) -> tuple[Float, Float]:
    """Weights (d, k) and offsets (k,) of linear discriminant analysis: ``vectors @ weights + offsets`` scores classes.

    Fisher (1936), with the within-class covariance of ``vectors`` (n, d) of classes ``owner`` (n,) shrunk by a fifth
    towards a multiple of the identity (Friedman, Regularized Discriminant Analysis, 1989). What varies within products,
    such as the shop behind them, is thereby weighed down. Every class needs a vector.
    """
    mean = np.zeros((classes, vectors.shape[1]))
    np.add.at(mean, owner, vectors)
    counts = np.bincount(owner, minlength=classes)
    mean /= counts[:, None]
    rest = vectors - mean[owner]
    spread = rest.T @ rest / max(len(rest) - classes, 1)
    level = max(float(np.trace(spread)) / len(spread), 1e-6)
    spread = (1 - _SHRINK) * spread + _SHRINK * level * np.eye(len(spread))
    weights = np.linalg.solve(spread, mean.T)
    return weights.astype(np.float32), (-0.5 * (mean.T * weights).sum(axis=0)).astype(np.float32)
