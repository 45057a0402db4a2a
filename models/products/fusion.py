"""How evidence becomes a probability.

The numbers follow logistic regressions on photos of 31 cartons (a part cut from a training split, by what stands behind
them) and on simulated crops, and were then rounded and in part set by hand.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.products.evidence import COLOURS, COVER, NAMES, PRINT

Float = NDArray[np.float32]

# Weights of the kinds of evidence (``evidence.NAMES``), where what varies within products was learnt and where not.
_LEARNT: Final = (3.2, 4.0, 2.2, 0.4, 1.0, 0.0, 1.0)
_PLAIN: Final = (0.6, 10.0, 3.0, 0.5, 1.0, 4.5, 1.0)
# Offset, and weights of the best candidate's print, cover, colours and probability, for its being there at all.
_KNOWN_LEARNT: Final = (-4.9, 0.6, 1.2, 0.8, 3.3)
_KNOWN_PLAIN: Final = (-2.6, 0.25, 2.8, 1.5, 1.6)


def fused(evidence: Float, learnt: bool) -> Float:
    """Logits float32 (n, k) of the candidates from evidence (n, k, 7)."""
    assert evidence.shape[-1] == len(NAMES)
    return np.asarray(evidence @ np.array(_LEARNT if learnt else _PLAIN, np.float32), np.float32)


def known(evidence: Float, probability: NDArray[np.floating], learnt: bool) -> Float:
    """How likely the product is one of the candidates, (n,) in 0..1: a logistic function of what the best has."""
    rows = np.arange(len(evidence))
    best = evidence[rows, probability.argmax(axis=1)]
    lead = probability.max(axis=1)
    offset, shared, cover, colours, sure = _KNOWN_LEARNT if learnt else _KNOWN_PLAIN
    total = offset + shared * best[:, PRINT] + cover * best[:, COVER] + colours * best[:, COLOURS] + sure * lead
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)
