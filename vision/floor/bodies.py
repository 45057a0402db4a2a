"""What a person's joints say about where they stand and how tall they are, with its error.

Shoulders, hips, knees and ankles lie at known shares of the height H above (X, Y), each pair's middle near the body's
axis. So every pair seen gives two numbers in the plane z = 1, whatever hides the feet and however steep the view is,
where a box's edges say little. Stacked, whitened and reduced by QR they are ``weight`` (3, 3) and ``value`` (3,) as in
``vision.floor.observations``. Gauss-Newton, with Cauchy weights for pairs that do not fit the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.settings import JointErrors

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]

PAIRS: Final = np.array([[5, 6], [11, 12], [13, 14], [15, 16]])
"""Left and right shoulder, hip, knee and ankle in COCO's order."""
_SHARE: Final = np.array([0.82, 0.53, 0.285, 0.045])  # of the height (Drillis, Contini 1966)
_STEPS: Final = 5
_CAUCHY: Final = 2.5
_LEAST_DEPTH_M: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """n people: ``weight`` (n, 3, 3), ``value`` (n, 3) and ``place`` (n, 3); ``known`` (n,) where joints tell it."""

    weight: Float
    value: Float
    place: Float
    known: Bools


def observe_bodies(
    rotation: Float,
    position: Float,
    focal: Float,
    points: Float,
    confidence: Float,
    side_px: Float,
    height: tuple[float, float],
    errors: JointErrors,
) -> Bodies:
    """What joints say.

    ``rotation`` (n, 3, 3), ``position`` (n, 3) and ``focal`` (n, 2) are those of each person's camera; ``points``
    (n, 17, 2) are joints in the plane z = 1, ``confidence`` (n, 17) in [0, 1]; ``side_px`` (n,) is the larger side of
    the box; ``height`` is a person's, mean and standard deviation in metres.
    """
    pair = points[:, PAIRS].mean(axis=2)
    sure = confidence[:, PAIRS]
    used: Bools = np.asarray((sure >= errors.least).all(axis=2))
    deviation = errors.pixel + errors.unsure * np.maximum(errors.sure - sure, 0.0)
    noise = np.sqrt((deviation**2).sum(axis=2)) / 2 * (side_px / focal.mean(axis=1))[:, None]
    known = used.sum(axis=1) >= errors.pairs
    place = _first_guess(rotation, position, pair, used, height[0])
    known &= np.isfinite(place).all(axis=1)
    place = np.where(known[:, None], place, 0.0)
    prior = np.diag([0.0, 0.0, height[1] ** -2])
    trust = np.where(used, 1.0, 0.0)
    for _ in range(_STEPS):
        slope, missing, depth = _linear(rotation, position, place, pair, noise, errors)
        ahead = (depth > _LEAST_DEPTH_M) | ~used
        known &= ahead.all(axis=1)
        square = (missing**2).sum(axis=2)
        trust = np.where(used, 1 / (1 + square / (2 * _CAUCHY**2)), 0.0)
        information = np.einsum("nk,nkai,nkaj->nij", trust, slope, slope) + prior
        pull = np.einsum("nk,nkai,nka->ni", trust, slope, missing)
        pull[:, 2] += (height[0] - place[:, 2]) * prior[2, 2]
        information[~known] = np.eye(3)
        step = np.linalg.solve(information, pull[..., None])[..., 0]
        place = np.where(known[:, None], place + step, place)
    slope, missing, _ = _linear(rotation, position, place, pair, noise, errors)
    rows = (np.sqrt(trust)[..., None, None] * slope).reshape(len(place), 2 * len(_SHARE), 3)
    seen = (np.sqrt(trust)[..., None] * missing).reshape(len(place), 2 * len(_SHARE)) + (rows @ place[..., None])[
        ..., 0
    ]
    q, weight = np.linalg.qr(rows)
    value = (np.swapaxes(q, 1, 2) @ seen[..., None])[..., 0]
    return Bodies(weight, value, place, known)


def _first_guess(rotation: Float, position: Float, pair: Float, used: Bools, height_m: float) -> Float:
    """X, Y, H (n, 3) where the ray of one pair meets its height: of the hips, else the shoulders, else any."""
    order = np.array([1, 0, 3, 2])
    first = order[used[:, order].argmax(axis=1)]
    at = pair[np.arange(len(pair)), first]
    xy = meets_level(rotation, position, at, _SHARE[first] * height_m)
    return np.concatenate([xy, np.full((len(xy), 1), height_m)], axis=1)


def meets_level(rotation: Float, position: Float, at: Float, level_m: Float) -> Float:
    """Where rays through ``at`` (n, 2) in the plane z = 1 of cameras, ``rotation`` (n, 3, 3) and ``position`` (n, 3),
    are ``level_m`` (n,) above the floor: (n, 2) metres, NaN where they never are.
    """
    rays = (np.concatenate([at, np.ones((len(at), 1))], axis=1)[:, None] @ rotation)[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (level_m - position[:, 2]) / rays[:, 2]
    return np.asarray(position[:, :2] + np.where(reach > 0, reach, np.nan)[:, None] * rays[:, :2])


def _linear(
    rotation: Float, position: Float, place: Float, pair: Float, noise: Float, errors: JointErrors
) -> tuple[Float, Float, Float]:
    """Whitened derivatives (n, 4, 2, 3) by X, Y, H and residuals (n, 4, 2) of the pairs, and their depths (n, 4)."""
    spot = np.concatenate(
        [np.repeat(place[:, None, :2], len(_SHARE), axis=1), (place[:, 2:] * _SHARE)[..., None]], axis=2
    )
    local = np.einsum("nij,nkj->nki", rotation, spot - position[:, None])
    depth = np.maximum(local[..., 2], _LEAST_DEPTH_M)
    at = local[..., :2] / depth[..., None]
    # d(x / z) = (dx - (x / z) dz) / z, and d local / d (x, y, z) are the columns of the rotation.
    moves = (rotation[:, None, :2] - at[..., None] * rotation[:, None, 2:]) / depth[..., None, None]
    spread = np.stack([np.array(errors.aside_m), np.array(errors.aside_m), np.array(errors.up_m)], axis=1) ** 2
    covariance = np.einsum("nkai,ki,nkbi->nkab", moves, spread, moves)
    covariance[..., 0, 0] += noise**2
    covariance[..., 1, 1] += noise**2
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    slope = moves.copy()
    slope[..., 2] *= _SHARE[None, :, None]
    return whiten @ slope, (whiten @ (pair - at)[..., None])[..., 0], local[..., 2]
