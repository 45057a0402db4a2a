"""Where the joints of arms are, from the rays of several cameras, some of which look at something else.

A camera's ray to a joint has an error that grows as its confidence falls (``ray_error``), or it shows the other arm, or
anything. A hypothesis is a point; it is worth, over the cameras, the logarithm of how much likelier their rays are with
it than without any: a mixture of a Gaussian around the point and of an even spread. Hypotheses are where pairs of rays
pass each other nearest, and where the joint was expected. Both arms are chosen together: a camera that took the left
arm for the right one did so for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

# Of the shipped joint finder on simulated pictures (seed 500): the error along one axis over the larger side of the
# person's box, by confidence.
_CONFIDENCE: Final = np.array([0.0, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93, 0.98])
_SHARE: Final = np.array([0.5, 0.3, 0.22, 0.14, 0.09, 0.062, 0.04, 0.028, 0.02])
_STEEP: Final = 0.6  # from this much downwards on, joints are found worse
_WORSE: Final = 1.0  # by which share more, straight down

_SWAPPED: Final = 3.5  # log odds against a camera having taken one arm for the other
_KEPT: Final = 5  # hypotheses of each arm that are weighed together with the other's
_WIDTH_M: Final = 0.4  # joints are hardly farther from the body's axis
_LOOSE_M: Final = 0.2  # by how much they may be, along one axis
_TOP_M: Final = 2.3
_EXPECTED: Final = 0.8  # the chance that a joint is where it was expected
_ROOM_M3: Final = 0.5  # the room around a body, where it is otherwise
_LEAST_ANGLE: Final = 0.1  # radians between rays that can tell how far a point is
_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """What c cameras say of both arms' same joint, of n people.

    ``origin`` (c, 3) metres; ``way`` (n, c, 2, 3) unit vectors, left and right; ``error`` (n, c, 2) radians, infinite
    where a camera says nothing; ``sure`` (n, c, 2) the probability that the ray shows its joint at all; ``spread``
    (n, c) radians, how wide a false one may be off.
    """

    origin: Float
    way: Float
    error: Float
    sure: Float
    spread: Float


def ray_error(confidence: Float, wide: Float, down: Float) -> Float:
    """The error in radians of a joint's ray along one axis.

    By its confidence, the angle that the larger side of the person's box fills, and how much of the unit ray goes down.
    """
    steep = np.clip((down - _STEEP) / (1.0 - _STEEP), 0.0, 1.0)
    return np.asarray(np.interp(confidence, _CONFIDENCE, _SHARE) * (1.0 + _WORSE * steep) * wide)


def choose(
    rays: Rays, axis: Float, expected: Float, variance: Float, prior: Float, pull: Float
) -> tuple[Float, Float, Float]:
    """The joints that the rays speak for best: points (n, 2, 3), their covariances, and who saw them.

    ``axis`` (n, 2) is where people stand, ``expected`` (n, 2, 3) with ``variance`` (n, 2, 3, 3) where the joints are
    expected, NaN where that is not known; ``prior`` (n, 2, 3, 3) with ``pull`` (n, 2, 3) is what is known of them
    without these rays, as in ``point = inverse(prior) @ pull``. The last array (n, c, 2) is the probability that a
    camera's ray shows this joint there: of left and right.
    """
    pool = _hypotheses(rays, axis, expected)
    pool = _sharpened(rays, _best(rays, pool, axis, expected, variance))
    point = _pair(rays, np.concatenate([pool, expected], axis=1), axis, expected, variance)
    for _ in range(_ROUNDS):
        weight, share = _weights(rays, point)
        information, told = _gathered(rays, weight)
        information, told = information + prior, told + pull
        point = np.asarray(np.linalg.solve(information, told[..., None])[..., 0], np.float64)
    return point, np.asarray(np.linalg.inv(information), np.float64), share


def _hypotheses(rays: Rays, axis: Float, expected: Float) -> Float:
    """Points (n, m, 3) where the joints may be, NaN for none."""
    n, c = rays.way.shape[:2]
    said = np.isfinite(rays.error)
    one, other = np.array(list(combinations(range(c), 2)), np.int64).reshape(-1, 2).T
    u, v = rays.way[:, one], rays.way[:, other]
    gap = (rays.origin[other] - rays.origin[one])[None, :, None]
    cosine = (u * v).sum(axis=-1)
    sine2 = 1.0 - cosine**2
    along, across = (u * gap).sum(axis=-1), (v * gap).sum(axis=-1)
    s = (along - cosine * across) / np.maximum(sine2, 1e-9)
    t = (cosine * along - across) / np.maximum(sine2, 1e-9)
    middle = (
        rays.origin[one][None, :, None] + s[..., None] * u + rays.origin[other][None, :, None] + t[..., None] * v
    ) / 2
    good = said[:, one] & said[:, other] & (sine2 > _LEAST_ANGLE**2) & (s > 0) & (t > 0)
    middle = np.where(good[..., None], middle, np.nan)
    # One ray alone: where it passes the body's middle.
    body = np.concatenate([axis, np.full((n, 1), 1.0)], axis=1)[:, None] - rays.origin
    ahead = np.einsum("nci,ncki->nck", body, rays.way)
    alone = rays.origin[None, :, None] + ahead[..., None] * rays.way
    alone = np.where((said & (ahead > 0))[..., None], alone, np.nan)
    return np.concatenate([middle.reshape(n, 2 * len(one), 3), alone.reshape(n, 2 * c, 3), expected], axis=1)


def _best(rays: Rays, pool: Float, axis: Float, expected: Float, variance: Float) -> Float:
    """The ``_KEPT`` likeliest of points (n, m, 3) for each arm by itself: (n, 2 kept, 3)."""
    worth = _worth(rays, pool).sum(axis=2) + _plausible(pool, axis)[..., None] + _awaited(pool, expected, variance)
    worth = np.where(np.isfinite(worth), worth, -np.inf)
    kept = min(_KEPT, pool.shape[1])
    best = np.argpartition(-worth, kept - 1, axis=1)[:, :kept].reshape(len(pool), 2 * kept)
    return np.take_along_axis(pool, best[..., None], axis=1)


def _sharpened(rays: Rays, point: Float) -> Float:
    """Points (n, k, 3) moved to where the rays that show them, left or right, pass nearest."""
    off, far = _off(rays, point)
    odds = _odds(rays, off)
    size = np.where(np.isfinite(rays.error), rays.error, 1.0)[:, None] * far[..., None]
    weight = odds / (odds + 1.0) / size**2
    across = np.eye(3) - rays.way[..., :, None] * rays.way[..., None, :]
    n, k = point.shape[:2]
    flat = weight.reshape(n, k, 2 * len(rays.origin))
    information = (flat @ across.reshape(n, 2 * len(rays.origin), 9)).reshape(n, k, 3, 3) + np.eye(3) / _LOOSE_M**2
    own = (across @ rays.origin[:, None, :, None])[..., 0]
    told = flat @ own.reshape(n, 2 * len(rays.origin), 3) + np.nan_to_num(point) / _LOOSE_M**2
    return np.asarray(np.where(np.isfinite(point), np.linalg.solve(information, told[..., None])[..., 0], np.nan))


def _pair(rays: Rays, point: Float, axis: Float, expected: Float, variance: Float) -> Float:
    """The likeliest left and right (n, 2, 3) of points (n, k, 3), where each camera may have swapped both."""
    worth = _worth(rays, point)
    own = _plausible(point, axis)[..., None] + _awaited(point, expected, variance)
    straight = worth[:, :, None, :, 0] + worth[:, None, :, :, 1]
    crossed = worth[:, :, None, :, 1] + worth[:, None, :, :, 0] - _SWAPPED
    total = np.maximum(straight, crossed).sum(axis=3) + own[:, :, None, 0] + own[:, None, :, 1]
    n, k = point.shape[:2]
    best = np.where(np.isfinite(total), total, -np.inf).reshape(n, k * k).argmax(axis=1)
    chosen = np.stack([best // k, best % k], axis=1)
    return np.take_along_axis(point, chosen[..., None], axis=1)


def _off(rays: Rays, point: Float) -> tuple[Float, Float]:
    """By what angle (n, m, c, 2) each ray misses points (n, m, 3), and how far (n, m, c) these are.

    The angle is its chord, which is as long up to the size that matters.
    """
    way = point[:, :, None] - rays.origin
    far = np.maximum(np.sqrt((way**2).sum(axis=-1)), 0.1)
    # (n, c, m, 3) by (n, c, 3, 2): the cosines of all points with both rays of a camera.
    cosine = np.swapaxes(way / far[..., None], 1, 2) @ np.swapaxes(rays.way, 2, 3)
    return np.sqrt(2.0 - 2.0 * np.minimum(np.swapaxes(cosine, 1, 2), 1.0)), far


def _odds(rays: Rays, off: Float) -> Float:
    """How much likelier it is that rays (n, m, c, 2), which miss by angles ``off``, show the point than anything."""
    error = rays.error[:, None]
    narrow = np.where(np.isfinite(error), error, 1.0)
    ratio = (rays.spread[:, None, :, None] / narrow) ** 2 / 2 * np.exp(-np.minimum((off / narrow) ** 2 / 2, 80.0))
    return np.asarray(np.where(np.isfinite(error), rays.sure[:, None] * ratio, 0.0))


def _worth(rays: Rays, point: Float) -> Float:
    """What each ray says for points (n, m, 3): log likelihoods (n, m, c, 2)."""
    off, _ = _off(rays, point)
    unsure = np.where(np.isfinite(rays.error), 1.0 - rays.sure, 1.0)[:, None]
    return np.asarray(np.log(_odds(rays, off) + unsure))


def _plausible(point: Float, axis: Float) -> Float:
    """What the body says for points (n, m, 3)."""
    out = np.maximum(np.linalg.norm(point[..., :2] - axis[:, None], axis=-1) - _WIDTH_M, 0.0)
    up = np.maximum(point[..., 2] - _TOP_M, 0.0) + np.maximum(-point[..., 2], 0.0)
    return np.asarray(-(out**2 + 4 * up**2) / (2 * _LOOSE_M**2))


def _awaited(point: Float, expected: Float, variance: Float) -> Float:
    """What the expected places say for points (n, m, 3), as left and as right joints: (n, m, 2)."""
    known = np.isfinite(expected.sum(axis=-1))
    safe = np.where(known[..., None, None], variance, np.eye(3))
    off = np.where(known[:, None, :, None], point[:, :, None] - expected[:, None], 0.0)
    square = np.einsum("nmki,nkij,nmkj->nmk", off, np.linalg.inv(safe), off)
    peak = _ROOM_M3 / np.sqrt((2 * np.pi) ** 3 * np.linalg.det(safe))
    ratio = _EXPECTED * peak[:, None] * np.exp(-np.minimum(square / 2, 80.0)) + 1.0 - _EXPECTED
    return np.asarray(np.where(known[:, None], np.log(ratio), 0.0))


def _weights(rays: Rays, point: Float) -> tuple[Float, Float]:
    """What each ray weighs for each joint at ``point`` (n, 2, 3): (n, 2, c, 2) in 1/m2, joint then ray; and shares."""
    off, far = _off(rays, point)
    odds = _odds(rays, off)
    unsure = np.where(np.isfinite(rays.error), 1.0 - rays.sure, 1.0)[:, None]
    total = odds + unsure
    said = np.log(total)
    straight = said[:, 0, :, 0] + said[:, 1, :, 1]
    crossed = said[:, 0, :, 1] + said[:, 1, :, 0] - _SWAPPED
    swapped = 1.0 / (1.0 + np.exp(np.clip(straight - crossed, -50.0, 50.0)))
    shows = odds / np.maximum(total, 1e-12)
    pairing = np.stack([np.stack([1 - swapped, swapped], -1), np.stack([swapped, 1 - swapped], -1)], axis=1)
    share = shows * pairing
    size = np.where(np.isfinite(rays.error), rays.error, 1.0)[:, None] * far[..., None]
    return share / size**2, np.moveaxis(share.sum(axis=-1), 1, 2)


def _gathered(rays: Rays, weight: Float) -> tuple[Float, Float]:
    """Information (n, 2, 3, 3) and pull (n, 2, 3) of rays with ``weight`` (n, 2, c, 2), across each ray."""
    across = np.eye(3) - rays.way[..., :, None] * rays.way[..., None, :]
    information = np.einsum("njck,nckab->njab", weight, across)
    return information, np.einsum("njck,nckab,cb->nja", weight, across, rays.origin)
