"""What a body can reach, from where, and how long it takes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from datasets.simulation.characters import Character, Skeleton
from datasets.simulation.motion.body import Body, measure
from datasets.simulation.motion.posture import DROP, RISE, STOOP, Goal, find_posture
from datasets.simulation.motion.turns import Array
from datasets.simulation.performance import LEFT, Motion

MISS_M, CROWDED_M = 0.01, 0.06  # by how much a palm may miss its target, and head or shoulders be in the shelf
DISTANCES_M = (0.3, 0.36, 0.42, 0.48, 0.54, 0.6)  # from the shelf's front
ALIKE_M = 0.02  # targets that differ by less are reached from the same distance

Point = tuple[float, float, float]
Way = tuple[float, float]


def standing_place(
    character: Character | Skeleton, target: Point, normal: Way, hand: int, inside_m: float = 0.0
) -> tuple[Array, float]:
    """Where to stand, ``xy`` (2,) and heading, to reach ``target`` (x, y, z) with ``hand``: before the shelf with its
    front ``inside_m`` before the target, the working shoulder near the target's line.
    """
    body = measure(character)
    return _place(body, target, normal, hand, _distance(body, target[2], hand, inside_m))


def can_reach(
    character: Character | Skeleton,
    target: Point,
    normal: Way,
    distance: float | None = None,
    hand: int = 1,
    inside_m: float = 0.0,
) -> str | None:
    """Why the palm cannot come to ``target``, or None if it can.

    The body stands ``distance`` metres from the target along ``normal`` (None: where ``standing_place`` says).
    """
    body = measure(character)
    far = _distance(body, target[2], hand, inside_m) if distance is None else distance
    xy, heading = _place(body, target, normal, hand, far)
    found = find_posture(body, xy, heading, [Goal(hand, target, normal, inside_m)])
    if found.miss_m > MISS_M:
        where = "high" if target[2] > body.shoulder_m else ("low" if target[2] < 0.4 * body.height_m else "far")
        return (
            f"a body {body.height_m:.2f} m tall that stands {far:.2f} m away misses z = {target[2]:.2f} m by "
            f"{found.miss_m:.2f} m: it is too {where}"
        )
    if found.crowded_m > CROWDED_M:
        return f"to reach z = {target[2]:.2f} m from {far:.2f} m the head or shoulders would be in the shelf"
    return None


def reach_times(
    character: Character | Skeleton, target: Point, motion: Motion, hurry: float = 1.0
) -> tuple[float, float, float]:
    """Contact, release and end of a natural gesture in seconds after its start; ``hurry`` below 1 is faster.

    Low and high targets take longer, by how far the trunk must go.
    """
    body = measure(character)
    if motion is Motion.DROP:
        target = (target[0], target[1], min(target[2], 0.2))
    xy, heading = _place(body, target, (0.0, -1.0), 1, 0.5)
    posture = find_posture(body, xy, heading, [Goal(1, target, (0.0, -1.0))]).posture
    effort = 1.3 * posture[DROP] + 0.35 * abs(posture[STOOP]) + 0.35 * posture[RISE]
    above = max(target[2] - 0.9 * body.shoulder_m, 0.0)
    way = 0.7 + 0.75 * float(effort) + 0.3 * above
    rest = {Motion.TAKE: 0.25, Motion.PUT: 0.25, Motion.TOUCH: 0.35, Motion.GIVE: 0.5, Motion.RECEIVE: 0.5}
    hold = rest.get(motion, 0.25)
    if motion in (Motion.BAG, Motion.POCKET):
        way = 0.75
    return way * hurry, (way + hold) * hurry, (2.0 * way + hold) * hurry


def _distance(body: Body, height_m: float, hand: int, inside_m: float) -> float:
    """How far from a target ``inside_m`` behind a shelf's front to stand."""
    return _from_front(body, round(height_m / ALIKE_M), hand, round(inside_m / ALIKE_M)) + inside_m


@lru_cache(maxsize=8192)
def _from_front(body: Body, height: int, hand: int, inside: int) -> float:
    """How far from a shelf's front to stand: where reaching costs least, rather half a metre; in ``ALIKE_M``: how high
    the target is and how far inside.
    """
    best, least = 0.5, np.inf
    target, normal = (0.0, 0.0, height * ALIKE_M), (0.0, -1.0)
    for far in DISTANCES_M:
        xy, heading = _place(body, target, normal, hand, far + inside * ALIKE_M)
        found = find_posture(body, xy, heading, [Goal(hand, target, normal, inside * ALIKE_M)])
        cost = found.cost + 3.0 * (far - 0.5) ** 2 + 3.0 * max(0.48 - far, 0.0)
        if cost < least:
            best, least = far, cost
    return best


def _place(body: Body, target: Point, normal: Way, hand: int, far: float) -> tuple[Array, float]:
    out = np.asarray(normal) / np.hypot(*normal)
    right = np.array([-out[1], out[0]])  # of someone who looks at the shelf
    sign = -1.0 if hand == LEFT else 1.0
    shoulder = 0.7 * abs(float(body.skeleton.heads[body.arms[0].bones[0], 0]))
    xy = np.array(target[:2]) + far * out - sign * shoulder * right
    return xy, float(np.arctan2(-out[1], -out[0]))
