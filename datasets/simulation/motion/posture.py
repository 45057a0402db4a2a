"""How the trunk helps a hand to reach: the least crouching, stooping, turning and tiptoeing that brings it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.limbs import bend
from datasets.simulation.motion.torso import Stance, collarbone, place_torso, turned_collarbone
from datasets.simulation.motion.turns import Array, Z, about, apply, frame, unit

DROP, STOOP, TWIST, RISE, SIDE = range(5)  # columns of a posture: metres, and radians
UPRIGHT = np.zeros(5)
HIP_TURN = 0.5  # of a twist is turned by the hips
REACH_SHARE = 0.94  # of an arm's length is used gladly
ROOM_M = (0.12, 0.11, 0.06)  # from the neck, the head and a shoulder to a shelf's front

_TURNS = (-1.15, -0.75, -0.35, 0.0, 0.35, 0.75, 1.15)
_CROUCH = product(
    (0.0, 0.06, 0.13, 0.22, 0.32, 0.43, 0.53, 0.62), (0.0, 0.1, 0.22, 0.36, 0.52, 0.7, 0.9, 1.1, 1.3), _TURNS, (0.0,)
)
_TIPTOE = product((0.0,), (0.0, 0.1, 0.2), _TURNS, (0.25, 0.5, 0.75, 0.95))
CANDIDATES = np.array([(*c, 0.0) for c in (*_CROUCH, *_TIPTOE)])  # drops as shares of the leg's length
FINER = np.array(list(product((-0.05, 0.0, 0.05), (-0.09, 0.0, 0.09), (-0.2, 0.0, 0.2), (-0.12, 0.0, 0.12), (0.0,))))


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
    """The best ``posture`` (5,), its ``cost``, by how much the palms miss, and how far head or shoulders are in the
    shelf.
    """

    posture: Array
    cost: float
    miss_m: float
    crowded_m: float


def hips_of(body: Body, xy: Array, heading: Array, posture: Array) -> Array:
    """The middle of the hip joints (n, 3) above standing feet for ``posture`` (n, 5)."""
    drop, stoop, rise = posture[:, DROP], posture[:, STOOP], posture[:, RISE]
    back = 0.14 * np.sin(stoop) + 0.3 * drop
    local = np.stack([np.zeros_like(drop), body.hips[1] - back, standing_hips(body) - drop + heel_lift(body, rise)], 1)
    hips = apply(about(Z, heading - np.pi / 2), local)
    hips[:, :2] += xy
    return hips


def standing_hips(body: Body) -> float:
    """Height of the hips of a body that stands at ease."""
    return body.feet[0].ankle_m + 0.994 * body.leg_m


def heel_lift(body: Body, rise: Array) -> Array:
    """How far the ankle rises when the foot rolls over its ball by ``rise`` radians."""
    ball = body.feet[0].ball
    return np.asarray(ball[2] + ball[1] * np.sin(rise) - ball[2] * np.cos(rise))


def heels_up(body: Body, posture: Array) -> Array:
    """The feet's roll (n,) in radians: tiptoes, or the heels of a deep crouch."""
    share = np.clip((posture[:, DROP] / body.leg_m - 0.25) / 0.3, 0.0, 1.0)
    return np.asarray(posture[:, RISE] + 0.6 * share * share * (3.0 - 2.0 * share))


def aim(side: int, shoulder: Array, target: Array, inward: Array, inside_m: float) -> tuple[Array, Array]:
    """The directions of fingers and thumb (n, 3) of a hand that takes something at ``target`` (n, 3), ``inward`` (n, 3)
    being the level direction to go, the straighter the deeper ``inside_m`` a shelf.
    """
    deep = float(np.clip(inside_m / 0.2, 0.0, 1.0))
    straight = unit(target - shoulder)
    along = unit((0.5 + 0.35 * deep) * inward + (0.55 - 0.3 * deep) * straight)
    medial = np.stack([inward[:, 1], -inward[:, 0], np.zeros(len(inward))], axis=1) * (1.0 if side == 0 else -1.0)
    return along, unit(np.array([0.0, 0.0, 1.0]) + 0.25 * medial)


def wrist_of(body: Body, side: int, palm: Array, along: Array, thumb: Array) -> Array:
    """Where the wrist (n, 3) is when the palm's middle is at ``palm``, fingers ``along`` and thumb as given."""
    hand = body.hands[side]
    return np.asarray(palm - frame(along, thumb) @ (hand.frame.T @ hand.palm))


def natural_pole(upright: Array, side: int, shoulder: Array, wrist: Array) -> Array:
    """Towards where an elbow (n, 3) points that nothing forces: square to the arm in the plane of walking, back when
    the arm hangs, down when it is held out, ahead when it is raised, and a little outwards and down.

    ``upright`` (n, 3, 3) are the body's axes in columns: right, ahead, up.
    """
    line = apply(np.swapaxes(upright, -1, -2), unit(wrist - shoulder))
    out = np.full(len(line), -0.45 if side == 0 else 0.45)
    return apply(upright, np.stack([out, line[:, 2] - 0.2, -line[:, 1] - 0.25], axis=1))


def level_pole(body: Body, side: int, shoulder: Array, wrist: Array, inward: Array, inside_m: float) -> Array:
    """What draws the elbow (n, 3) to where the forearm lies along ``inward`` (n, 3), the more the deeper a target lies
    inside a shelf.
    """
    deep = float(np.clip(inside_m / 0.2, 0.0, 1.0))
    return np.asarray((1.0 + 5.0 * deep) * (wrist - inward * body.arms[side].lower_m - shoulder))


def find_posture(body: Body, xy: Array, heading: float, goals: Sequence[Goal]) -> Found:
    """The cheapest posture of a body at ``xy`` (2,) that brings all goals' palms to their places at once."""
    goals = [_seen_from(goal, xy, heading) for goal in goals]
    tilt = float(np.mean([-1.0 if goal.side == 0 else 1.0 for goal in goals]))
    trunks = _candidates(body, tilt)
    cost, _, _ = _rate(body, trunks, goals)
    coarse = trunks.postures[int(np.argmin(cost))]
    near = np.maximum(coarse + FINER, [0.0, -0.1, -1.3, 0.0, -1.0])
    near[:, DROP] = np.minimum(near[:, DROP], 0.63 * body.leg_m)
    near[:, RISE] = np.where(near[:, DROP] > 0.02, 0.0, np.minimum(near[:, RISE], 0.95))
    near[0] = coarse
    trunks = _trunks(body, _tilted(body, near, tilt))
    cost, miss, crowded = _rate(body, trunks, goals)
    best = int(np.argmin(cost))
    return Found(trunks.postures[best], float(cost[best]), float(miss[best]), float(crowded[best]))


def _seen_from(goal: Goal, xy: Array, heading: float) -> Goal:
    """The goal in the frame of a body at ``xy`` (2,): x to its right, y ahead."""
    cos, sin = float(np.cos(heading)), float(np.sin(heading))

    def turned(x: float, y: float) -> tuple[float, float]:
        return x * sin - y * cos, x * cos + y * sin

    target = (*turned(goal.target[0] - float(xy[0]), goal.target[1] - float(xy[1])), goal.target[2])
    return Goal(goal.side, target, None if goal.normal is None else turned(*goal.normal), goal.inside_m)


@dataclass(frozen=True, eq=False)
class _Trunks:
    """A standing body's trunk in ``postures`` (n, 5), seen from its place and heading: how hard each is (n,), the
    ``chest``'s turn (n, 3, 3), neck and top of the head (n, 3), and of each side, with the collarbone at rest, its
    joint and the shoulder (n, 3).
    """

    postures: Array
    strain: Array
    chest: Array
    neck: Array
    crown: Array
    collars: tuple[Array, Array]
    shoulders: tuple[Array, Array]


@lru_cache(maxsize=128)
def _candidates(body: Body, tilt: float) -> _Trunks:
    return _trunks(body, _tilted(body, CANDIDATES * [body.leg_m, 1.0, 1.0, 1.0, 1.0], tilt))


def _tilted(body: Body, postures: Array, tilt: float) -> Array:
    """Postures with the shoulder of a single working hand lowered in a crouch and raised on tiptoe."""
    postures[:, SIDE] = tilt * (0.4 * postures[:, DROP] / body.leg_m - 0.3 * postures[:, RISE])
    return postures


def _trunks(body: Body, postures: Array) -> _Trunks:
    n = len(postures)
    zero, headings = np.zeros(n), np.full(n, np.pi / 2)
    bones = place_torso(
        body,
        Stance(
            hips_of(body, np.zeros(2), headings, postures), headings, postures[:, STOOP], postures[:, TWIST],
            HIP_TURN * postures[:, TWIST], zero, postures[:, SIDE],
        ),
    )  # fmt: skip
    share = postures[:, DROP] / body.leg_m
    strain = (
        2.2 * share + 0.8 * share**2 + 0.35 * np.abs(postures[:, STOOP]) + 0.45 * postures[:, STOOP] ** 2
        + 0.35 * postures[:, TWIST] ** 2 + 0.25 * postures[:, RISE]
    )  # fmt: skip
    skeleton = body.skeleton
    spine = skeleton.index("spine_03")
    left, right = (collarbone(body, side) for side in (0, 1))
    return _Trunks(
        postures,
        strain,
        bones.rotation[:, spine].copy(),
        bones.point(spine, skeleton.heads[skeleton.index("neck_01")]),
        bones.point(spine, skeleton.tails[skeleton.index("head")] * [1.0, 1.0, 0.96]),
        (bones.joint[:, left[0]].copy(), bones.joint[:, right[0]].copy()),
        (bones.joint[:, left[1]].copy(), bones.joint[:, right[1]].copy()),
    )


def _rate(body: Body, trunks: _Trunks, goals: Sequence[Goal]) -> tuple[Array, Array, Array]:
    """Cost, miss and crowding (n,) of the trunks for goals that are seen from the body."""
    n = len(trunks.postures)
    upright = np.broadcast_to(np.eye(3), (n, 3, 3))
    cost, miss, crowded = trunks.strain, np.zeros(n), np.zeros(n)
    for goal in goals:
        target = np.broadcast_to(goal.target, (n, 3))
        away = np.array([*goal.target[:2], 0.0]) if goal.normal is None else -np.array([*goal.normal, 0.0])
        inward = np.broadcast_to(unit(away), (n, 3))
        turn = turned_collarbone(body, goal.side, trunks.chest, trunks.shoulders[goal.side], target)
        bone, upper_arm = collarbone(body, goal.side)
        shoulder = trunks.collars[goal.side] + turn @ (body.skeleton.heads[upper_arm] - body.skeleton.heads[bone])
        along, thumb = aim(goal.side, shoulder, target, inward, goal.inside_m)
        wrist = wrist_of(body, goal.side, target, along, thumb)
        arm = body.arms[goal.side]
        far = np.sqrt(((wrist - shoulder) ** 2).sum(axis=1)) / arm.length_m
        over = np.maximum(far - REACH_SHARE, 0.0)
        miss = np.maximum(miss, np.maximum(far - 0.985, 0.0) * arm.length_m)
        cost = cost + 8.0 * over + 60.0 * np.maximum(far - 0.965, 0.0) + 1.5 * np.maximum(0.5 - far, 0.0)
        if goal.normal is None:
            continue
        pole = level_pole(body, goal.side, shoulder, wrist, inward, goal.inside_m)
        pole = pole + natural_pole(upright, goal.side, shoulder, wrist)
        elbow, end, _, _ = bend(arm, shoulder, wrist, pole)
        level = ((end - elbow) * inward).sum(axis=1) / arm.lower_m
        cost = cost + (0.2 + 5.0 * goal.inside_m) * (1.0 - level)
        front = np.dot(goal.target[:2], goal.normal) + goal.inside_m
        for part, room in zip((trunks.neck, trunks.crown, shoulder), ROOM_M, strict=True):
            close = np.maximum(front + room - part[:, :2] @ np.asarray(goal.normal), 0.0)
            crowded = np.maximum(crowded, close)
    return cost + 12.0 * crowded, miss, crowded
