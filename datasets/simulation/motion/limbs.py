"""Arms and legs that reach a point: two bones and a hinge."""

from __future__ import annotations

import numpy as np

from datasets.simulation.motion.body import Limb
from datasets.simulation.motion.turns import Array, cross, unit

FIRM, FULL = 0.97, 0.999  # shares of a limb's length: exact up to the first, never beyond the second
FOLDED, SOFT_M = 0.3, 0.03  # a limb is folded to this share of its length at most, and comes there softly


def bend(limb: Limb, root: Array, target: Array, pole: Array, firm: float = FIRM) -> tuple[Array, Array, Array, Array]:
    """The hinge (n, 3), the end (n, 3) and the rotations (n, 3, 3) of upper and lower bone of a limb from ``root``
    (n, 3) towards ``target`` (n, 3), the hinge on the side of ``pole`` (n, 3).

    A target beyond ``firm`` of the limb's length is approached ever more slowly, so that the hinge never snaps; nor
    does the end come nearer to the root than ``FOLDED`` of the length.
    """
    way = target - root
    far = np.sqrt(np.einsum("...i,...i->...", way, way))
    line = way / np.maximum(far, 1e-9)[:, None]
    near, full = firm * limb.length_m, FULL * limb.length_m
    far = np.where(far > near, near + (full - near) * (1.0 - np.exp(-np.maximum(far - near, 0.0) / (full - near))), far)
    far = SOFT_M * np.logaddexp(far / SOFT_M, FOLDED * limb.length_m / SOFT_M)
    cos = (limb.upper_m**2 + far**2 - limb.lower_m**2) / (2.0 * limb.upper_m * far)
    cos = np.clip(cos, -1.0, 1.0)
    aside = unit(pole - line * np.einsum("...i,...i->...", pole, line)[:, None])
    upper = cos[:, None] * line + np.sqrt(1.0 - cos**2)[:, None] * aside
    hinge = root + limb.upper_m * upper
    end = root + far[:, None] * line
    lower = (end - hinge) / limb.lower_m
    axis = cross(aside, line)
    return hinge, end, _turn(upper, axis, limb.upper_frame), _turn(lower, axis, limb.lower_frame)


def _turn(direction: Array, axis: Array, rest: Array) -> Array:
    return np.asarray(np.stack([direction, axis, cross(direction, axis)], axis=-1) @ rest.T)
