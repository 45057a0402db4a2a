"""From what a person does to bones at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from datasets.simulation.characters import Character, Skeleton
from datasets.simulation.motion import carriers
from datasets.simulation.motion.body import SIDES, measure
from datasets.simulation.motion.feet import Footing, stand
from datasets.simulation.motion.fingers import place_fingers
from datasets.simulation.motion.gait import plan_steps, support
from datasets.simulation.motion.hands import Moment, busy_share, wish_of
from datasets.simulation.motion.layers import Wish
from datasets.simulation.motion.limbs import bend
from datasets.simulation.motion.path import RATE_HZ, curve, trace
from datasets.simulation.motion.plan import plan_postures
from datasets.simulation.motion.posture import HIP_TURN, SIDE, STOOP, TWIST, heels_up, hips_of, natural_pole, wrist_of
from datasets.simulation.motion.torso import Bones, Stance, place_head, place_torso, raise_shoulder
from datasets.simulation.motion.trolley import lead_trolley
from datasets.simulation.motion.turns import Array, Y, Z, about, about_axis, apply, frame, minimum_jerk, wrapped
from datasets.simulation.performance import Carrier, Performance, Poses

ARM_SWING = 0.75  # radians per metre that one foot is ahead of the other
LEG_SHARE = 0.997  # of a leg's length is stretched at most
LOOK_AHEAD_S = 0.5


class Poser:
    """A person's body in time: a pure function, asked for many times at once."""

    def __init__(self, character: Character | Skeleton, performance: Performance) -> None:
        self.body = measure(character)
        self.performance = performance
        self._path = trace(performance.walk)
        self._steps = plan_steps(self._path, self.body)
        self._trolley = (
            lead_trolley(self._path, performance.gestures, performance.furniture)
            if performance.carrier is Carrier.TROLLEY
            else None
        )
        self._postures = plan_postures(self.body, self._path, performance.gestures, performance.carrier, self._trolley)
        still = gaussian_filter1d(np.exp(-((self._path.speed / 0.15) ** 2)), 0.2 * RATE_HZ, mode="nearest")
        self._gait = curve(
            self._path.time_s, np.stack([support(self._path, self._steps), still, self._path.speed], axis=1)
        )

    def poses(self, times: NDArray[np.float64]) -> Poses:
        """The body at ``times`` (n,) seconds of the timeline, in any order; outside the walk's span it stands still."""
        span = self.performance.walk.time_s
        times = np.clip(np.asarray(times, np.float64), span[0], span[-1])
        body = self.body
        place = self._path.place(times)
        heading = place[:, 2]
        posture = self._postures.at(times)
        lean, still, speed = self._gait(times).T
        rise = heels_up(body, posture)
        feet = [
            stand(foot, steps, float(body.skeleton.heads[limb.bones[2], 1]), times, rise)
            for foot, steps, limb in zip(body.feet, self._steps, body.legs, strict=True)
        ]
        upright = about(Z, heading - np.pi / 2)
        stride = np.einsum("ni,ni->n", feet[1].ankle - feet[0].ankle, upright[..., 1])
        stance = self._stance(times, place, posture, lean, still, speed, stride, feet)
        bones = place_torso(body, stance)
        moment = Moment(
            times=times,
            upright=upright,
            origin=np.concatenate([place[:, :2], np.zeros((len(times), 1))], axis=1),
            bones=bones,
            swing=ARM_SWING * stride * np.minimum(speed / 0.8, 1.0),
            crouch=np.maximum(posture[:, 0] - 0.1, 0.0),
            yaw=heading - np.pi / 2 + 0.6 * stance.twist,
            bearing=heading if self._trolley is None else self._trolley(times),
            furniture=self.performance.furniture,
        )
        for side in (0, 1):
            self._leg(bones, side, feet[side], stance)
        wishes = [self._wish(moment, side) for side in (0, 1)]
        palms = [self._arm(moment, side, wish) for side, wish in enumerate(wishes)]
        self._head(bones, times, heading, stance)
        return Poses(
            rotation=bones.rotation,
            joint=bones.joint,
            palm=np.stack(palms, axis=1),
            palm_rotation=np.stack([about(Z, wish.yaw) for wish in wishes], axis=1),
            carrier=self._carrier(moment, palms[0]),
        )

    def _stance(
        self, times: Array, place: Array, posture: Array, lean: Array, still: Array, speed: Array, stride: Array,
        feet: Sequence[Footing],
    ) -> Stance:  # fmt: skip
        """The trunk, its hips low enough for both legs to reach their feet."""
        body, heading = self.body, place[:, 2]
        upright = about(Z, heading - np.pi / 2)
        # Slow and unrelated periods make a standing body shift its weight without repeating itself; they start
        # differently for people of different height.
        begin = 40.0 * body.height_m
        idle = still * (0.6 * np.sin(0.9 * times + begin) + 0.4 * np.sin(0.37 * times + 2.0 * begin))
        breath = np.sin(1.6 * times + begin)
        hips = hips_of(body, place[:, :2], heading, posture)
        aside = -0.2 * body.hip_half_m * lean + 0.014 * idle
        hips = hips + upright[..., 0] * aside[:, None]
        hips[:, 2] -= 0.005 * np.minimum(speed, 1.2)
        stance = Stance(
            hips=hips,
            heading=heading,
            stoop=posture[:, STOOP] + 0.03 + 0.035 * np.minimum(speed, 1.5) + 0.006 * breath,
            twist=posture[:, TWIST] - 0.14 * np.clip(stride, -0.8, 0.8),
            hip_yaw=HIP_TURN * posture[:, TWIST] + 0.2 * np.clip(stride, -0.8, 0.8),
            hip_roll=0.05 * lean + 0.02 * idle,
            side=posture[:, SIDE] + 0.01 * idle,
        )
        sockets = _sockets(stance)
        lower = [np.zeros(len(times))]
        for side, sign in enumerate((-1.0, 1.0)):
            socket = hips + sockets @ np.array([sign * body.hip_half_m, 0.0, 0.0])
            way = socket - feet[side].ankle
            longest = LEG_SHARE * body.legs[side].length_m
            level = np.minimum(np.hypot(way[:, 0], way[:, 1]), 0.9 * longest)
            lower.append(way[:, 2] - np.sqrt(longest**2 - level**2))
        # A soft maximum: hips that sink without a kink.
        sharp = 200.0
        drop = np.logaddexp.reduce(sharp * np.array(lower), axis=0) / sharp
        hips[:, 2] -= drop
        return replace(stance, hips=hips)

    def _leg(self, bones: Bones, side: int, foot: Footing, stance: Stance) -> None:
        body, limb, name = self.body, self.body.legs[side], SIDES[side]
        upper, lower, end = limb.bones
        bones.attach(upper, bones.rotation[:, int(body.skeleton.parents[upper])])
        sign = -1.0 if side == 0 else 1.0
        middle = stance.heading + 0.5 * wrapped(foot.yaw - stance.heading)
        # Knees point between hips and toes, and apart when they are bent far.
        turned = about(Z, middle - np.pi / 2)
        pole = turned @ np.array([0.1 * sign, 1.0, 0.0])
        hinge, ankle, thigh, calf = bend(limb, bones.joint[:, upper], foot.ankle, pole, firm=0.9985)
        del hinge, ankle
        bones.rotation[:, upper] = thigh
        bones.attach(lower, calf)
        bones.attach(end, foot.rotation)
        bones.attach(body.skeleton.index(f"ball_{name}"), foot.toes)

    def _wish(self, moment: Moment, side: int) -> Wish:
        performance = self.performance
        if self._trolley is None:
            return wish_of(moment, self.body, side, performance.gestures, performance.holds, performance.carrier)
        bearing = moment.bearing
        heading = self._path.place(moment.times)[:, 2]
        busy = busy_share(moment.times, performance.gestures, performance.holds, side)
        grip = carriers.grip_share(heading, bearing) * (1.0 - busy)
        wish = wish_of(moment, self.body, side, performance.gestures, performance.holds, performance.carrier)
        return wish.mixed(carriers.pushing(moment, side), grip)

    def _arm(self, moment: Moment, side: int, wish: Wish) -> Array:
        bones, body = moment.bones, self.body
        limb, hand = body.arms[side], body.hands[side]
        upper, lower, end = limb.bones
        shoulder = raise_shoulder(bones, side, wish.palm)
        turned = frame(wish.along, wish.thumb) @ hand.frame.T
        wrist = wrist_of(body, side, wish.palm, wish.along, wish.thumb)
        pole = wish.pole + natural_pole(moment.upright, side, shoulder, wrist)
        _, _, first, second = bend(limb, shoulder, wrist, pole)
        bones.rotation[:, upper] = first
        bones.attach(lower, _share_twist(second, turned, limb.lower_frame[:, 0]))
        bones.attach(end, turned)
        place_fingers(bones, side, wish.curl)
        return np.asarray(bones.joint[:, end] + turned @ hand.palm)

    def _head(self, bones: Bones, times: Array, heading: Array, stance: Stance) -> None:
        """Looks along the path, at what the hands reach for, and level when the body stoops."""
        later = self._path.place(times + LOOK_AHEAD_S)[:, 2]
        yaw = np.clip(later - heading, -0.9, 0.9) - stance.twist
        pitch = 0.55 * stance.stoop - 0.12
        skeleton = self.body.skeleton
        neck = bones.point(skeleton.index("spine_03"), skeleton.heads[skeleton.index("neck_01")])
        for gesture in self.performance.gestures:
            if gesture.target is None:
                continue
            rise = minimum_jerk((times - gesture.start_s + 0.3) / (0.5 * (gesture.contact_s - gesture.start_s) + 0.3))
            fall = minimum_jerk((times - gesture.release_s - 0.1) / 0.6)
            share = rise * (1.0 - fall)
            if not share.any():
                continue
            way = np.array(gesture.target) - neck - [0.0, 0.0, 0.12]
            bearing = wrapped(np.arctan2(way[:, 1], way[:, 0]) - heading) - stance.twist
            up = np.arctan2(way[:, 2], np.hypot(way[:, 0], way[:, 1])) + stance.stoop
            yaw = yaw + share * (np.clip(bearing, -0.9, 0.9) - yaw)
            pitch = pitch + share * (np.clip(up, -0.7, 0.9) - pitch)
        place_head(bones, yaw, pitch)

    def _carrier(self, moment: Moment, palm: Array) -> Array:
        n, performance = len(moment.times), self.performance
        if self._trolley is not None:
            return carriers.trolley_pose(moment)
        if performance.carrier is Carrier.BAG:
            return carriers.bag_pose(moment, self.body)
        if performance.carrier is Carrier.BASKET:
            elbow, wrist = (moment.bones.joint[:, bone] for bone in self.body.arms[0].bones[1:])
            busy = busy_share(moment.times, performance.gestures, performance.holds, 0)
            return carriers.basket_pose(moment, palm, elbow, wrist, busy, performance.gestures)
        return np.broadcast_to(np.eye(4), (n, 4, 4)).copy()


def bone_matrices(skeleton: Skeleton, poses: Poses) -> NDArray[np.float32]:
    """Matrices (times, bones, 3, 4) float32 that take points of the rest pose to the shop, bone by bone."""
    moved = poses.joint - apply(poses.rotation, np.broadcast_to(skeleton.heads, poses.joint.shape))
    return np.concatenate([poses.rotation, moved[..., None]], axis=-1).astype(np.float32)


def _sockets(stance: Stance) -> Array:
    """The hips' rotation without stoop, which leaves the hip joints where they are."""
    return np.asarray(about(Z, stance.heading - np.pi / 2 + stance.hip_yaw) @ about(Y, stance.hip_roll))


def _share_twist(forearm: Array, hand: Array, rest_axis: Array) -> Array:
    """The forearm's rotation (n, 3, 3) with half of what the hand is twisted against it, as radius and ulna do."""
    relative = np.swapaxes(forearm, -1, -2) @ hand
    # The twist part of the relative rotation about the forearm's rest axis, from its quaternion.
    trace = np.einsum("nii->n", relative)
    skew = np.stack(
        [
            relative[:, 2, 1] - relative[:, 1, 2],
            relative[:, 0, 2] - relative[:, 2, 0],
            relative[:, 1, 0] - relative[:, 0, 1],
        ],
        axis=1,
    )
    twist = 2.0 * np.arctan2(skew @ rest_axis, trace + 1.0)
    return np.asarray(forearm @ about_axis(rest_axis, 0.5 * twist))
