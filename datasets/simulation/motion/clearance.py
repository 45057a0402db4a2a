"""Keeps what a hand carries out of the shelf before which its owner stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.simulation.motion.turns import Array, smooth
from datasets.simulation.performance import Gesture

BESIDE_M, BEFORE_M = 0.7, 0.9  # of a gesture's target: how far to the side and in front its shelf matters
SOFT_M = 0.02


def before_shelves(palm: Array, ahead_m: float, body: Array, gestures: Sequence[Gesture]) -> Array:
    """``palm`` (n, 3), drawn back from the fronts of the shelves that ``gestures`` tell of, so that what reaches
    ``ahead_m`` beyond it stays before them; ``body`` (n, 3) is where its owner stands.
    """
    for normal, target, inside_m in {(g.normal, g.target, g.inside_m): None for g in gestures}:
        if normal is None or target is None:
            continue
        out = np.array([*normal, 0.0])
        place = body - np.array(target)
        before = place @ out - inside_m
        beside = np.abs(place[:, 0] * normal[1] - place[:, 1] * normal[0])
        matters = smooth((BESIDE_M + 0.3 - beside) / 0.3) * smooth((BEFORE_M - before) / 0.2) * smooth(before / 0.1)
        if not matters.any():
            continue
        room = (palm - np.array(target)) @ out - inside_m - ahead_m
        back = SOFT_M * np.logaddexp(0.0, -room / SOFT_M) * matters
        palm = palm + np.minimum(back, 0.25)[:, None] * out
    return palm
