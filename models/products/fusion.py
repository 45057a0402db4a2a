"""How evidence becomes a probability.

The numbers follow logistic regressions on photos of 31 cartons (parts cut from a training split, by what stands behind
them; for known-ness, with a quarter of the products left out) and on simulated crops, and were then rounded.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.products.evidence import BOX, COARSE, NAMES, SIZE

Float = NDArray[np.float32]

# Weights of the kinds of evidence (``evidence.NAMES``), where what varies within products was learnt and where not.
_LEARNT: Final = (2.5, 0.0, 2.0, 0.0, 0.7, 0.8, 0.0, 0.0, 1.0, 1.0)
_PLAIN: Final = (0.5, 0.0, 18.0, 3.0, 0.5, 0.0, 1.0, 4.5, 1.0, 1.2)
_COUNT_FROM_TO: Final = (10.0, 60.0)
_CUMULATIVE: Final = [COARSE, SIZE, BOX]
# For the best candidate's being there at all: an offset, weights of its evidence, and one of its probability. Of many
# photos a product, of few, and of few in small pictures, where that one is the best of five says nothing.
_KNOWN_LEARNT: Final = (2.4, (0.0, 2.1, 0.0, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0), 0.0)
_KNOWN_PLAIN: Final = (-2.4, (0.0, 0.0, 0.0, -0.4, 0.0, 0.0, 3.6, 2.6, 0.0, 0.0), 2.4)
_KNOWN_SMALL: Final = (-1.6, (0.0, 0.0, 3.5, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.8), 0.0)


def fused(evidence: Float, learnt: bool) -> Float:
    """Logits float32 (n, k) of the candidates from evidence (n, k, 10)."""
    assert evidence.shape[-1] == len(NAMES)
    return np.asarray(evidence @ np.array(_LEARNT if learnt else _PLAIN, np.float32), np.float32)


def together(evidence: Float, pixels: Float) -> Float:
    """The evidence (1, k, 10) of n pictures of one package: the mean of theirs (n, k, 10), each counting by its
    ``pixels`` (n,), the longer side, up to a limit, and more the more pictures there are.

    Mistakes of one package's pictures are alike, so that n pictures count as the square root of n.
    """
    weight = np.clip(pixels, *_COUNT_FROM_TO)
    mean = np.tensordot(weight / weight.sum(), evidence, axes=1)
    mean[..., _CUMULATIVE] *= np.sqrt(len(evidence))
    return np.asarray(mean[None], np.float32)


def known(evidence: Float, probability: NDArray[np.floating], learnt: bool) -> Float:
    """How likely the product is one of the candidates, (n,) in 0..1: a logistic function of what the best has."""
    rows = np.arange(len(evidence))
    best = evidence[rows, probability.argmax(axis=1)]
    lead = probability.max(axis=1)
    totals = [
        offset + best @ np.array(weights, np.float32) + sure * lead
        for offset, weights, sure in ((_KNOWN_LEARNT,) if learnt else (_KNOWN_PLAIN, _KNOWN_SMALL))
    ]
    total = totals[0] if learnt else np.where(best[:, COARSE] == 0, *totals)
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)
