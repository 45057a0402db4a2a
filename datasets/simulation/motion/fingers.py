"""Fingers that curl."""

from __future__ import annotations

import numpy as np

from datasets.simulation.motion.body import FINGERS, SIDES
from datasets.simulation.motion.torso import Bones
from datasets.simulation.motion.turns import Array, about_axis

CURL_RAD = (0.95, 1.15, 0.7)  # at the three joints of a closed finger, beyond the rest pose
THUMB_RAD = 0.35
TOGETHER = 0.85  # of the fingers' spread at rest is taken back


def place_fingers(bones: Bones, side: int, curl: Array) -> None:
    """Puts the fingers of a hand that is in place; ``curl`` (n,) 0 open to 1 closed."""
    skeleton, name = bones.body.skeleton, SIDES[side]
    hand = skeleton.index(f"hand_{name}")
    axes = bones.body.hands[side].frame
    # About the axis towards the thumb, into the palm: the palm is on the other side in the other hand.
    sign = -1.0 if side == 0 else 1.0
    for finger in FINGERS:
        parts = [f"{finger}_0{joint}_{name}" for joint in (1, 2, 3)]
        chain = [skeleton.index(part) for part in parts if part in skeleton.names]
        if not chain:
            continue
        # At rest the fingers are spread: each is turned in the palm's plane to lie along the hand.
        way = axes.T @ (skeleton.tails[chain[-1]] - skeleton.heads[chain[0]])
        rotation = bones.rotation[:, hand] @ about_axis(axes[:, 2], np.array(-TOGETHER * np.arctan2(way[1], way[0])))
        for bone, full in zip(chain, CURL_RAD, strict=False):
            rotation = rotation @ about_axis(axes[:, 1] * sign, full * (curl - 0.25))
            bones.attach(bone, rotation)
    rotation = bones.rotation[:, hand]
    for joint in (1, 2, 3):
        rotation = rotation @ about_axis(axes[:, 0] * -sign, THUMB_RAD * np.maximum(curl - 0.25, 0.0))
        thumb = f"thumb_0{joint}_{name}"
        if thumb in skeleton.names:
            bones.attach(skeleton.index(thumb), rotation)
