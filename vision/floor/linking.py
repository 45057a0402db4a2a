"""Whose path goes on as what was seen: a path's past against all that is known of what came after.

Both sides know a place, a velocity and a height, with errors. A link's gain is the log ratio of the density of the two
being one person to that of one leaving and another coming. People mostly go on as they went; now and then they do not,
or the moments between are missing: a share of ``leaps`` has a wider error. One-to-one, the most gain in all (Hungarian
method).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.association import assign
from vision.floor.association import LEAST
from vision.floor.motion import States
from vision.floor.openings import Openings
from vision.floor.settings import FloorSettings

Float = NDArray[np.float64]
Ints = NDArray[np.int64]


def link(
    heads: States,
    tails: States,
    ago_s: Float,
    silence: Float,
    same: NDArray[np.bool_],
    alike: Float,
    openings: Openings,
    settings: FloorSettings,
) -> tuple[Ints, Ints]:
    """Rows of ``heads`` (h) and ``tails`` (t) that are one person's.

    ``heads`` are predicted for the tails' moment, ``ago_s`` (h,) since each was seen, and ``silence`` (h,) the
    logarithm of the chance that nobody saw them since if they were there; ``same`` (h, t) which were followed as one;
    ``alike`` (h, t) what their looks speak for one person. Looks decide between links, and not whether there is one:
    who turns around looks like somebody else.
    """
    reach = 4.0 * np.sqrt(np.trace(heads.variance[:, :2, :2], axis1=1, axis2=2))
    reach += settings.walking.leap * 3.0 * np.sqrt(np.maximum(ago_s, 1e-3))
    apart = np.linalg.norm(heads.mean[:, None, :2] - tails.mean[None, :, :2], axis=2)
    head, tail = np.nonzero(apart < reach[:, None] + 1.0)
    if not len(head):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    gain = gains(heads[head], tails[tail], ago_s[head], openings, settings)
    gain += silence[head] + settings.keep * same[head, tail]
    good = gain > 0
    worth = np.maximum(gain + settings.looks_in_link * alike[head, tail], LEAST)
    return assign(head[good], tail[good], worth[good] - 1.0)


def gains(heads: States, tails: States, ago_s: Float, openings: Openings, settings: FloorSettings) -> Float:
    """The gain (m,) of m pairs."""
    walking, boxes = settings.walking, settings.boxes
    missing = tails.mean - heads.mean
    spread = heads.variance + tails.variance
    usual = _density(missing, spread)
    wide = spread.copy()
    wide[:, [0, 1], [0, 1]] += (walking.leap**2 * np.maximum(ago_s, 1e-3))[:, None]
    wide[:, [2, 3], [2, 3]] += walking.speed**2
    leap = _density(missing, wide)
    together = np.logaddexp(np.log1p(-settings.leaps) + usual, np.log(settings.leaps) + leap)
    # One who comes: anywhere, at any velocity, as tall as people are.
    fresh = tails.variance[:, 2:, 2:].copy()
    fresh[:, [0, 1], [0, 1]] += walking.speed**2
    fresh[:, 2, 2] += boxes.height_sd_m**2
    centre = np.array([0.0, 0.0, boxes.height_m])
    coming = _density(tails.mean[:, 2:] - centre, fresh) + np.log(openings.arrivals(tails.mean[:, :2]))
    leaving = np.log(openings.leaving(heads.mean[:, :2], ago_s))
    return np.asarray(together - coming - leaving)


def _density(missing: Float, spread: Float) -> Float:
    distance = (missing[:, None] @ np.linalg.solve(spread, missing[..., None]))[:, 0, 0]
    return np.asarray(-(distance + np.log(np.linalg.det(spread)) + missing.shape[1] * np.log(2 * np.pi)) / 2)
