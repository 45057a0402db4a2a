"""How the trunk helps a hand to reach: the least crouching, stooping, turning and tiptoeing that brings the palm there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.limbs import bend
from datasets.simulation.motion.torso import Stance, place_torso, raise_shoulder
from datasets.simulation.motion.turns import Array, Z, about, apply, frame, unit

DROP, STOOP, TWIST, RISE = range(4)  # columns of a posture: metres, radians, radians, radians
UPRIGHT = np.zeros(4)
REACH_SHARE = 0.94  # of an arm's length is used gladly
ROOM_M = 0.12  # from the middle of head and shoulders to a shelf's front

_CROUCH = [(d, s, t, 0.0) for d, s, t in product(
    (0.0, 0.06, 0.13, 0.22, 0.32, 0.43, 0.55), (0.0, 0.1, 0.22, 0.36, 0.52, 0.7, 0.9, 1.1), (-0.6, -0.3, 0.0, 0.3, 0.6)
)]  # fmt: skip
_TIPTOE = [(0.0, s, t, r) for s, t, r in product((0.0, 0.1, 0.2), (-0.6, -0.3, 0.0, 0.3, 0.6), (0.25, 0.5, 0.75))]
CANDIDATES = np.array(_CROUCH + _TIPTOE)  # drops as shares of the leg's length
FINER = np.array(list(product((-0.05, 0.0, 0.05), (-0.09, 0.0, 0.09), (-0.15, 0.0, 0.15), (-0.12, 0.0, 0.12))))


@dataclass(frozen=True, slots=True)
class Goal:
    """A palm's place (x, y, z) for hand ``side``; ``normal`` (x, y) out of the shelf or None; ``inside_m`` how far the
    target lies behind the shelf's front.
    """

    side: int
    target: tuple[float, float, float]
    normal: tuple[float, float] | None = None
    inside_m: float = 0.0


@dataclass(frozen=True, eq=False)
class Found:
    """The best ``posture`` (4,), by how much the palms miss (m), and how far head or shoulders are in the shelf (m)."""

    posture: Array
    miss_m: float
    crowded_m: float


def hips_of(body: Body, xy: Array, heading: Array, posture: Array) -> Array:
    """The middle of the hip joints (n, 3) above standing feet for ``posture`` (n, 4)."""
    drop, stoop, rise = posture[:, DROP], posture[:, STOOP], posture[:, RISE]
    back = 0.14 * np.sin(stoop) + 0.3 * drop
    local = np.stack([np.zeros_like(drop), body.hips[1] - back, standing_hips(body) - drop + heel_lift(body, rise)], 1)
    hips = apply(about(Z, heading - np.pi / 2), local)
    hips[:, :2] += xy
    return hips


def standing_hips(body: Body) -> float:
    """Height of the hips of a body that stands at ease."""
    return body.feet[0].ankle_m + 0.985 * body.leg_m


def heel_lift(body: Body, rise: Array) -> Array:
    """How far the ankle rises when the foot rolls over its ball by ``rise`` radians."""
    ball = body.feet[0].ball
    return np.asarray(ball[2] + ball[1] * np.sin(rise) - ball[2] * np.cos(rise))


def heels_up(body: Body, posture: Array) -> Array:
    """The feet's roll (n,) in radians: tiptoes, or the heels of a deep crouch."""
    share = np.clip((posture[:, DROP] / body.leg_m - 0.25) / 0.3, 0.0, 1.0)
    return np.asarray(posture[:, RISE] + 0.6 * share * share * (3.0 - 2.0 * share))


def aim(side: int, shoulder: Array, target: Array, inward: Array) -> tuple[Array, Array]:
    """The directions of fingers and thumb (n, 3) of a hand that takes something at ``target`` (n, 3), ``inward`` (n, 3)
    being the level direction to go.
    """
    straight = unit(target - shoulder)
    along = unit(0.75 * inward + 0.35 * straight)
    medial = np.stack([inward[:, 1], -inward[:, 0], np.zeros(len(inward))], axis=1) * (1.0 if side == 0 else -1.0)
    return along, unit(np.array([0.0, 0.0, 1.0]) + 0.25 * medial)


def wrist_of(body: Body, side: int, palm: Array, along: Array, thumb: Array) -> Array:
    """Where the wrist (n, 3) is when the palm's middle is at ``palm``, fingers ``along`` and thumb as given."""
    hand = body.hands[side]
    return np.asarray(palm - frame(along, thumb) @ (hand.frame.T @ hand.palm))


def elbow_pole(body: Body, side: int, shoulder: Array, wrist: Array, inward: Array) -> Array:
    """Towards where the elbow (n, 3) must be for the forearm to lie along ``inward`` (n, 3); else down and out."""
    lateral = np.stack([inward[:, 1], -inward[:, 0], np.zeros(len(inward))], axis=1) * (-1.0 if side == 0 else 1.0)
    ideal = wrist - inward * body.arms[side].lower_m - shoulder
    return np.asarray(ideal + 0.12 * lateral - [0.0, 0.0, 0.2])


def find_posture(body: Body, xy: Array, heading: float, goals: Sequence[Goal]) -> Found:
    """The cheapest posture of a body at ``xy`` (2,) that brings all goals' palms to their places at once."""
    found = CANDIDATES * [body.leg_m, 1.0, 1.0, 1.0]
    cost, miss, crowded = _rate(body, xy, heading, goals, found)
    best = int(np.argmin(cost))
    near = np.maximum(found[best] + FINER, [0.0, -0.1, -0.8, 0.0])
    near[:, DROP] = np.minimum(near[:, DROP], 0.56 * body.leg_m)
    near[:, RISE] = np.where(near[:, DROP] > 0.02, 0.0, np.minimum(near[:, RISE], 0.85))
    near[0] = found[best]
    cost, miss, crowded = _rate(body, xy, heading, goals, near)
    best = int(np.argmin(cost))
    return Found(near[best], float(miss[best]), float(crowded[best]))


def _rate(body: Body, xy: Array, heading: float, goals: Sequence[Goal], postures: Array) -> tuple[Array, Array, Array]:
    n = len(postures)
    zero, headings = np.zeros(n), np.full(n, heading)
    bones = place_torso(
        body,
        Stance(
            hips_of(body, xy, headings, postures), headings, postures[:, STOOP], postures[:, TWIST],
            0.3 * postures[:, TWIST], zero, zero,
        ),
    )  # fmt: skip
    share = postures[:, DROP] / body.leg_m
    cost = (
        1.2 * share + 2.0 * share**2 + 0.35 * np.abs(postures[:, STOOP]) + 0.45 * postures[:, STOOP] ** 2
        + 0.35 * postures[:, TWIST] ** 2 + 0.25 * postures[:, RISE]
    )  # fmt: skip
    skeleton = body.skeleton
    chest = bones.point(skeleton.index("spine_03"), skeleton.heads[skeleton.index("neck_01")])
    head = bones.point(skeleton.index("spine_03"), skeleton.tails[skeleton.index("head")] * [1.0, 1.0, 0.96])
    miss, crowded = np.zeros(n), np.zeros(n)
    for goal in goals:
        target = np.broadcast_to(goal.target, (n, 3))
        away = np.array([*(target[0, :2] - xy), 0.0]) if goal.normal is None else -np.array([*goal.normal, 0.0])
        inward = np.broadcast_to(unit(away), (n, 3))
        shoulder = raise_shoulder(bones, goal.side, target)
        along, thumb = aim(goal.side, shoulder, target, inward)
        wrist = wrist_of(body, goal.side, target, along, thumb)
        arm = body.arms[goal.side]
        far = np.sqrt(((wrist - shoulder) ** 2).sum(axis=1)) / arm.length_m
        over = np.maximum(far - REACH_SHARE, 0.0)
        miss = np.maximum(miss, np.maximum(far - 0.985, 0.0) * arm.length_m)
        cost = cost + 8.0 * over + 60.0 * np.maximum(far - 0.965, 0.0) + 1.5 * np.maximum(0.5 - far, 0.0)
        if goal.normal is None:
            continue
        elbow, end, _, _ = bend(arm, shoulder, wrist, elbow_pole(body, goal.side, shoulder, wrist, inward))
        level = ((end - elbow) * inward).sum(axis=1) / arm.lower_m
        cost = cost + (0.4 + 4.0 * goal.inside_m) * (1.0 - level)
        front = target[0, :2] @ goal.normal + goal.inside_m
        for part in (chest, head, shoulder):
            close = np.maximum(front + ROOM_M - part[:, :2] @ np.asarray(goal.normal), 0.0)
            crowded = np.maximum(crowded, close)
    return cost + 12.0 * crowded, miss, crowded
