"""Keeps what a hand carries out of the shelf before which its owner stands, and out of furniture beside the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.simulation.motion.turns import Array, smooth, unit
from datasets.simulation.performance import Footprint, Gesture

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


def beside_furniture(
    place: Array, yaw: Array, half: tuple[float, float], body: Array, furniture: Sequence[Footprint]
) -> Array:
    """``place`` (n, 3) of a thing half as wide and long as ``half``, turned by ``yaw`` (n,), moved level to the side of
    ``furniture`` on which its owner's ``body`` (n, 3) stands.
    """
    right = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    ahead = np.stack([-right[:, 1], right[:, 0]], axis=1)
    for footprint in furniture:
        corners = np.array(footprint)
        sides = np.stack([corners[1] - corners[0], corners[2] - corners[1]])
        size = np.linalg.norm(sides, axis=1)
        axes = sides / size[:, None]
        middle = corners.mean(axis=0)
        local = (body[:, :2] - middle) @ axes.T
        nearest = np.clip(local, -size / 2, size / 2)
        gap = np.linalg.norm(local - nearest, axis=1)
        if (gap > BEFORE_M).all():
            continue
        # A line between the two: square to the shortest way from the body to the furniture.
        out = unit(local - nearest) @ axes
        room = ((place[:, :2] - middle - nearest @ axes) * out).sum(axis=1)
        room -= np.abs((out * right).sum(axis=1)) * half[0] + np.abs((out * ahead).sum(axis=1)) * half[1]
        back = SOFT_M * np.logaddexp(0.0, -room / SOFT_M) * smooth((BEFORE_M - gap) / 0.2) * smooth(gap / 0.1)
        place = place + np.concatenate([np.minimum(back, 0.3)[:, None] * out, np.zeros((len(place), 1))], axis=1)
    return place
