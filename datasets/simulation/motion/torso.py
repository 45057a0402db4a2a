"""The trunk: hips, spine, neck, head and collarbones, from how far the body stoops, turns and crouches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.simulation.motion.body import SIDES, Body
from datasets.simulation.motion.turns import Array, X, Y, Z, about, apply

HIP_SHARE = 0.45  # of a stoop comes from the hips, the rest from the spine


@dataclass(frozen=True, eq=False)
class Stance:
    """What the trunk does at n times, all (n,): the ``hips`` (n, 3) are the middle of the hip joints in the shop,
    ``heading`` that of the body; radians: ``stoop`` forward and ``twist`` to the left from floor to shoulders,
    ``hip_yaw`` to the left and ``hip_roll`` (right side down) of the hips alone, ``side`` the shoulders' lean to the
    right.
    """

    hips: Array
    heading: Array
    stoop: Array
    twist: Array
    hip_yaw: Array
    hip_roll: Array
    side: Array


@dataclass(frozen=True, eq=False)
class Bones:
    """Bones being posed: ``rotation`` (n, bones, 3, 3) from rest to shop, ``joint`` (n, bones, 3)."""

    body: Body
    rotation: Array
    joint: Array

    def attach(self, bone: int, rotation: Array) -> None:
        """Puts ``bone`` at the end of its parent, with ``rotation`` (n, 3, 3)."""
        skeleton = self.body.skeleton
        parent = int(skeleton.parents[bone])
        offset = skeleton.heads[bone] - skeleton.heads[parent]
        self.joint[:, bone] = self.joint[:, parent] + self.rotation[:, parent] @ offset
        self.rotation[:, bone] = rotation

    def point(self, bone: int, rest: Array) -> Array:
        """Where the point ``rest`` (3,) of the rest pose is that moves with ``bone``: (n, 3)."""
        return np.asarray(self.joint[:, bone] + self.rotation[:, bone] @ (rest - self.body.skeleton.heads[bone]))


def place_torso(body: Body, stance: Stance) -> Bones:
    """Bones with the trunk up to the collarbones in place; limbs, neck and head still to come."""
    skeleton = body.skeleton
    n = len(stance.heading)
    bones = Bones(body, np.zeros((n, len(skeleton.names), 3, 3)), np.zeros((n, len(skeleton.names), 3)))
    upright = about(Z, stance.heading - np.pi / 2)
    hips = upright @ about(Z, stance.hip_yaw) @ about(X, -HIP_SHARE * stance.stoop) @ about(Y, stance.hip_roll)
    ground = stance.hips * [1.0, 1.0, 0.0]
    pelvis = skeleton.index("pelvis")
    for bone, name in enumerate(skeleton.names[:pelvis]):
        del name
        bones.rotation[:, bone] = upright
        bones.joint[:, bone] = ground + apply(upright, np.broadcast_to(skeleton.heads[bone], (n, 3)))
    bones.rotation[:, pelvis] = hips
    bones.joint[:, pelvis] = stance.hips + hips @ (skeleton.heads[pelvis] - body.hips)
    third = (
        about(Z, (stance.twist - stance.hip_yaw) / 3)
        @ about(X, -(1.0 - HIP_SHARE) * stance.stoop / 3)
        @ about(Y, (stance.side - stance.hip_roll) / 3)
    )
    rotation = hips
    for name in ("spine_01", "spine_02", "spine_03"):
        rotation = rotation @ third
        bones.attach(skeleton.index(name), rotation)
    for side in SIDES:
        bones.attach(skeleton.index(f"clavicle_{side}"), rotation)
        bones.attach(skeleton.index(f"upperarm_{side}"), rotation)
    return bones


def place_head(bones: Bones, yaw: Array, pitch: Array) -> None:
    """Neck and head look ``yaw`` (n,) to the left of the shoulders' front and ``pitch`` (n,) up from straight."""
    skeleton = bones.body.skeleton
    chest = bones.rotation[:, skeleton.index("spine_03")]
    neck = chest @ about(Z, 0.4 * yaw) @ about(X, 0.4 * pitch)
    bones.attach(skeleton.index("neck_01"), neck)
    bones.attach(skeleton.index("head"), neck @ about(Z, 0.6 * yaw) @ about(X, 0.6 * pitch))


def raise_shoulder(bones: Bones, side: int, palm: Array) -> Array:
    """Lets a collarbone follow the hand that goes to ``palm`` (n, 3), up and forward; returns the shoulder (n, 3)."""
    skeleton = bones.body.skeleton
    bone, arm = collarbone(bones.body, side)
    chest = bones.rotation[:, skeleton.index("spine_03")]
    bones.attach(bone, turned_collarbone(bones.body, side, chest, bones.joint[:, arm], palm))
    bones.attach(arm, bones.rotation[:, bone])
    return np.asarray(bones.joint[:, arm])


def collarbone(body: Body, side: int) -> tuple[int, int]:
    """The bones of a side's collarbone and upper arm."""
    return body.skeleton.index(f"clavicle_{SIDES[side]}"), body.arms[side].bones[0]


def turned_collarbone(body: Body, side: int, chest: Array, shoulder: Array, palm: Array) -> Array:
    """The rotation (n, 3, 3) of a collarbone that follows the hand to ``palm`` (n, 3), where the ``chest`` (n, 3, 3)
    is turned so and the ``shoulder`` (n, 3) is with a collarbone at rest.
    """
    way = palm - shoulder
    far = np.sqrt(np.einsum("...i,...i->...", way, way)) / body.reach_m
    ahead = np.einsum("...i,...i->...", way, chest[..., 1]) / body.reach_m
    above = way[:, 2] / body.reach_m
    lift = 0.5 * _ramp(above, -0.1, 0.9)
    forward = 0.35 * _ramp(far, 0.6, 1.0) * _ramp(ahead, 0.2, 0.9)
    sign = 1.0 if side == 0 else -1.0
    return np.asarray(chest @ about(Z, -sign * forward) @ about(Y, sign * lift))


def _ramp(values: Array, low: float, high: float) -> Array:
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))
