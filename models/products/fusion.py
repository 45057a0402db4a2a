"""How evidence becomes a probability. The numbers were fitted by ``python -m training.product_fusion``."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.products.evidence import COLOURS, NAMES, PRINT

Float = NDArray[np.float32]

# Weights of the kinds of evidence, where what varies within products was learnt and where it was not.
_LEARNT: Final = (3.4, 0.0, 2.2, 0.5, 0.0, 0.0, 1.0)
_PLAIN: Final = (0.6, 0.0, 4.5, 1.2, 0.0, 4.0, 1.0)
# Offset and weights of the best candidate's print, colours and lead for its being one of the candidates at all.
_KNOWN: Final = (-4.0, 1.0, 2.0, 2.0)


def fused(evidence: Float, learnt: bool) -> Float:
    """Logits float32 (n, k) of the candidates from evidence (n, k, 7)."""
    assert evidence.shape[-1] == len(NAMES)
    return np.asarray(evidence @ np.array(_LEARNT if learnt else _PLAIN, np.float32), np.float32)


def known(evidence: Float, probability: NDArray[np.floating], learnt: bool) -> Float:
    """How likely the product is one of the candidates, (n,) in 0..1: a logistic function of what the best has."""
    rows = np.arange(len(evidence))
    best = evidence[rows, probability.argmax(axis=1)]
    lead = probability.max(axis=1)
    offset, shared, colours, led = _KNOWN
    total = offset + shared * best[:, PRINT] + colours * best[:, COLOURS] + led * lead
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)
