"""Hands over time: they hang and swing, carry, and follow their gestures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.clearance import before_shelves, beside_furniture
from datasets.simulation.motion.layers import Wish
from datasets.simulation.motion.posture import aim, level_pole, wrist_of
from datasets.simulation.motion.torso import Bones
from datasets.simulation.motion.turns import Array, Z, about, apply, minimum_jerk, pulse, unit
from datasets.simulation.performance import LEFT, Carrier, Footprint, Gesture, Hold, Motion

CARRY_HEIGHT = 0.62  # of the body's height, where an item is held
BLEND_S = 0.4  # in which a hand takes up or leaves the carrying pose
APPROACH_M = 0.15  # before a shelf's target, from where the hand goes straight in
PALM_ROOM_M = 0.05  # from the palm to the face of what it holds, and a little air
HELD_HALF_M = 0.05  # half a held package's width, seen from the palm
OPEN, RELAXED, CLOSED = 0.12, 0.3, 0.8  # curl of the fingers


@dataclass(frozen=True, eq=False)
class Moment:
    """What the hands must know of the rest of the body at n times.

    ``upright`` (n, 3, 3) turns from rest to the body's heading; ``origin`` (n, 3) is the body's place on the floor;
    ``bones`` have the trunk in place; ``swing`` (n,) in radians is how far the left arm swings ahead and the right arm
    back; ``crouch`` (n,) metres; ``yaw`` (n,) how the shoulders are turned from the rest pose; ``bearing`` (n,) the
    direction from the body to its trolley; what hands carry keeps out of ``furniture``.
    """

    times: Array
    upright: Array
    origin: Array
    bones: Bones
    swing: Array
    crouch: Array
    yaw: Array
    bearing: Array
    furniture: Sequence[Footprint] = ()

    def ahead(self, local: Array | tuple[float, float, float]) -> Array:
        """A direction or offset in the body's frame (x right, y ahead, z up) turned into the shop: (n, 3)."""
        return np.asarray(self.upright @ np.asarray(local, np.float64))


def wish_of(
    moment: Moment, body: Body, side: int, gestures: Sequence[Gesture], holds: Sequence[Hold], carrier: Carrier
) -> Wish:
    """What hand ``side`` wants, but for pushing a trolley."""
    wish = hanging(moment, body, side, carrier)
    held = held_share(moment.times, holds, side)
    if held.any():
        carried = carrying(moment, body, side)
        ahead = max(hold.size_m[1] for hold in holds if hold.hand == side) + PALM_ROOM_M
        palm = before_shelves(carried.palm, ahead, moment.origin, gestures)
        palm = beside_furniture(palm, moment.yaw, (HELD_HALF_M, ahead), moment.origin, moment.furniture)
        wish = wish.mixed(replace(carried, palm=palm), held)
    for gesture in sorted((g for g in gestures if g.hand == side), key=lambda g: g.start_s):
        if ((moment.times > gesture.start_s) & (moment.times < gesture.end_s)).any():
            wish = _gesture(moment, body, side, gesture, carrier, wish)
    if side == LEFT and carrier is Carrier.BASKET:
        for gesture in gestures:
            if gesture.motion is Motion.BAG and gesture.hand != LEFT:
                share = pulse(moment.times, gesture.start_s, gesture.contact_s, gesture.release_s, gesture.end_s)
                wish = wish.mixed(_offering(moment, body), share)
    return wish


def hanging(moment: Moment, body: Body, side: int, carrier: Carrier) -> Wish:
    """An arm that hangs and swings; held a little away from a bag, more from a basket."""
    sign = -1.0 if side == LEFT else 1.0
    arm = body.arms[side]
    shoulder = moment.bones.joint[:, arm.bones[0]]
    loaded = side == LEFT and carrier is Carrier.BASKET
    bagged = side == LEFT and carrier is Carrier.BAG
    out = 0.34 if loaded else (0.28 if bagged else 0.11)
    swing = -sign * moment.swing * (0.3 if loaded or bagged else 1.0) + 0.06 + 0.9 * moment.crouch
    n = len(swing)
    local = np.stack([np.full(n, sign * np.sin(out)), np.sin(swing), -np.cos(swing) * np.cos(out)], axis=1)
    down = unit(apply(moment.upright, local))
    flex = 0.965 - 0.1 * np.clip(np.maximum(swing, 0.0), 0.0, 0.6)
    wrist = shoulder + (flex * arm.length_m)[:, None] * down
    forward = np.stack([np.full(n, -0.25 * sign), np.full(n, 1.0), np.zeros(n)], axis=1)
    along = unit(down + 0.25 * moment.ahead((-0.3 * sign, 0.6, 0.0)))
    thumb = unit(apply(moment.upright, forward))
    palm = wrist + (wrist - wrist_of(body, side, wrist, along, thumb))
    curl = np.full(n, CLOSED if loaded else RELAXED)
    return Wish(palm, along, thumb, np.zeros((n, 3)), curl, moment.yaw)


def carrying(moment: Moment, body: Body, side: int) -> Wish:
    """An arm bent to hold something before the belly."""
    sign = -1.0 if side == LEFT else 1.0
    skeleton = body.skeleton
    scale = body.height_m / 1.75
    rest = np.array([sign * 0.12 * scale, 0.26 * scale, CARRY_HEIGHT * body.height_m])
    palm = moment.bones.point(skeleton.index("spine_02"), rest)
    # Above the knees of someone who crouches.
    palm = palm + moment.ahead((0.0, 0.3, 0.2)) * moment.crouch[:, None]
    n = len(palm)
    return Wish(
        palm,
        unit(moment.ahead((-0.45 * sign, 0.85, 0.12))),
        unit(moment.ahead((-0.25 * sign, 0.0, 1.0))),
        np.zeros((n, 3)),
        np.full(n, CLOSED),
        moment.yaw,
    )


def _offering(moment: Moment, body: Body) -> Wish:
    """The left hand brings the basket before the body for the right to fill it."""
    palm = moment.origin + moment.ahead((-0.2, 0.3, 0.6 * body.height_m))
    n = len(palm)
    along = np.broadcast_to(moment.ahead((0.3, 0.7, -0.6)), (n, 3))
    thumb, pole = moment.ahead((0.6, 0.6, 0.5)), np.zeros((n, 3))
    return Wish(palm, unit(along), unit(thumb), pole, np.full(n, CLOSED), moment.yaw)


def held_share(times: Array, holds: Sequence[Hold], side: int) -> Array:
    """How much (n,) hand ``side`` is in the carrying pose."""
    free = np.ones(len(times))
    for hold in holds:
        if hold.hand == side:
            free *= 1.0 - pulse(times, hold.start_s - 0.1, hold.start_s + BLEND_S, hold.end_s, hold.end_s + BLEND_S)
    return np.asarray(1.0 - free)


def busy_share(times: Array, gestures: Sequence[Gesture], holds: Sequence[Hold], side: int) -> Array:
    """How much (n,) hand ``side`` gestures or holds, and so can't swing, push or carry a basket."""
    free = 1.0 - held_share(times, holds, side)
    for gesture in gestures:
        if gesture.hand == side:
            free *= 1.0 - pulse(times, gesture.start_s - 0.2, gesture.contact_s, gesture.release_s, gesture.end_s + 0.2)
    return np.asarray(1.0 - free)


def _gesture(moment: Moment, body: Body, side: int, gesture: Gesture, carrier: Carrier, under: Wish) -> Wish:
    sign = -1.0 if side == LEFT else 1.0
    times = moment.times
    n = len(times)
    going, coming = gesture.contact_s - gesture.start_s, gesture.end_s - gesture.release_s
    shoulder = moment.bones.joint[:, body.arms[side].bones[0]]
    target = place_of(moment, body, side, gesture, carrier)
    inward = unit((target - moment.origin) * [1.0, 1.0, 0.0])
    if gesture.normal is None:
        share = pulse(times, gesture.start_s, gesture.contact_s, gesture.release_s, gesture.end_s)
    else:
        inward = np.broadcast_to(-np.array([*gesture.normal, 0.0]), (n, 3))
        # The hand is on the line before it goes in, and leaves the line only when it is out.
        share = pulse(
            times, gesture.start_s, gesture.start_s + 0.72 * going, gesture.release_s + 0.28 * coming, gesture.end_s
        )
        near = pulse(
            times,
            gesture.start_s + 0.5 * going, gesture.contact_s, gesture.release_s, gesture.release_s + 0.5 * coming,
        )  # fmt: skip
        target = target - inward * ((APPROACH_M + gesture.inside_m) * (1.0 - near))[:, None]
    if gesture.motion in (Motion.BAG, Motion.POCKET):
        along = unit(moment.ahead((-0.2 * sign, 0.25, -1.0)))
        thumb = unit(moment.ahead((-0.4 * sign, 1.0, 0.0)))
        # A hand that crosses the body leads its elbow before the body.
        crosses = gesture.motion is Motion.BAG and side != LEFT
        pole = moment.ahead((0.4 * sign, 1.2, -0.2) if crosses else (0.4 * sign, 0.0, 0.0))
        arc = 0.10 * np.sin(np.pi * share)
        target = target + moment.ahead((0.0, 1.0, 0.4)) * arc[:, None]
    elif gesture.motion is Motion.DROP:
        along = unit(moment.ahead((-0.3 * sign, 0.8, -0.6)))
        thumb = unit(moment.ahead((-0.4 * sign, 0.3, 1.0)))
        pole = moment.ahead((0.4 * sign, 0.0, 0.0))
    else:
        along, thumb = aim(side, shoulder, target, inward, gesture.inside_m)
        wrist = wrist_of(body, side, target, along, thumb)
        pole = level_pole(body, side, shoulder, wrist, inward, gesture.inside_m)
    yaw = np.arctan2(inward[:, 1], inward[:, 0]) - np.pi / 2 if gesture.normal is not None else moment.yaw
    wish = under.mixed(Wish(target, along, thumb, pole, _curl(times, gesture), yaw), share)
    # On its way up a hand goes around the shoulder, not through it.
    high = np.clip((target[:, 2] - shoulder[:, 2] + 0.3) / 0.5, 0.0, 1.0)
    around = moment.ahead((0.1 * sign, 0.12, 0.0)) * (4.0 * share * (1.0 - share) * high)[:, None]
    return replace(wish, palm=wish.palm + around)


def place_of(moment: Moment, body: Body, side: int, gesture: Gesture, carrier: Carrier) -> Array:
    """Where the palm is to be (n, 3): the gesture's target, or the place on the body that its motion means."""
    if gesture.motion not in (Motion.BAG, Motion.POCKET) and gesture.target is not None:
        return np.broadcast_to(np.array(gesture.target), (len(moment.times), 3)).copy()
    local = local_place(body, side, gesture.motion, carrier)
    if gesture.motion is Motion.BAG and carrier is Carrier.TROLLEY:
        return np.asarray(moment.origin + about(Z, moment.bearing - np.pi / 2) @ np.array(local))
    return moment.origin + moment.ahead(local)


def local_place(body: Body, side: int, motion: Motion, carrier: Carrier) -> tuple[float, float, float]:
    """Where a hand without a target goes, in the frame of body or trolley (x right, y ahead, z up, from
    between the feet).
    """
    sign = -1.0 if side == LEFT else 1.0
    hip = body.hips[2]
    if motion is Motion.POCKET:
        return (sign * (body.hip_half_m + 0.1), 0.06, hip - 0.04)
    if motion is Motion.BAG:
        if carrier is Carrier.TROLLEY:
            return (0.0, 0.6, 0.97)
        if carrier is Carrier.BASKET:
            return (-0.12, 0.36, 1.04 * hip)
        return (-0.17, 0.2, body.shoulder_m - 0.27)
    if motion is Motion.DROP:
        return (sign * 0.08, 0.35, 0.1)
    return (sign * 0.1, 0.55 * body.reach_m + 0.15, 0.68 * body.height_m)


def _curl(times: Array, gesture: Gesture) -> Array:
    """Fingers open before they take and after they put; closed while they have something."""
    takes = gesture.motion in (Motion.TAKE, Motion.RECEIVE)
    gives = gesture.motion in (Motion.PUT, Motion.GIVE, Motion.BAG, Motion.POCKET, Motion.DROP)
    closing = minimum_jerk((times - gesture.contact_s) / 0.2)
    opening = minimum_jerk((times - gesture.release_s + 0.1) / 0.2)
    if takes:
        return np.asarray(OPEN + (CLOSED - OPEN) * closing)
    if gives:
        return np.asarray(CLOSED + (OPEN - CLOSED) * opening)
    return np.full(len(times), 0.2)
