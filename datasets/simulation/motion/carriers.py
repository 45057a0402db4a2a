"""Baskets, trolleys and bags that go with a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.clearance import SOFT_M, before_shelves, beside_furniture
from datasets.simulation.motion.hands import CLOSED, Moment
from datasets.simulation.motion.layers import Wish
from datasets.simulation.motion.trolley import AHEAD_M, HANDLE_M
from datasets.simulation.motion.turns import Array, Y, Z, about, unit, wrapped
from datasets.simulation.performance import LEFT, Gesture

BASKET_HALF_M, BASKET_HIGH_M = 0.22, 0.39  # a basket: from the handle to its front, and to its base
BASKET_SIZE_M = (0.15, 0.22)  # half its width and length
BAG_TILT = 0.14  # radians by which a bag's lower end stands off the hip


def trolley_pose(moment: Moment) -> Array:
    """The trolley (n, 4, 4) on the floor: origin below its handle, x right, y ahead."""
    bearing = moment.bearing
    place = moment.origin + AHEAD_M * np.stack([np.cos(bearing), np.sin(bearing), np.zeros(len(bearing))], axis=1)
    return _pose(about(Z, bearing - np.pi / 2), place)


def pushing(moment: Moment, side: int) -> Wish:
    """A hand on the trolley's handle."""
    sign = -1.0 if side == LEFT else 1.0
    turned = about(Z, moment.bearing - np.pi / 2)
    palm = moment.origin + turned @ np.array([0.2 * sign, AHEAD_M, HANDLE_M + 0.02])
    n = len(palm)
    return Wish(
        palm,
        unit(turned @ np.array([-0.15 * sign, 0.9, -0.45])),
        unit(turned @ np.array([-1.0 * sign, 0.0, 0.25])),
        moment.ahead((0.3 * sign, 0.0, 0.0)),
        np.full(n, CLOSED),
        moment.yaw,
    )


def grip_share(heading: Array, bearing: Array) -> Array:
    """How much (n,) the hands are at the handle: all when it is ahead, not when it is beside the body."""
    off = np.abs(wrapped(heading - bearing))
    share = np.clip((0.95 - off) / 0.45, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def basket_pose(
    moment: Moment, palm: Array, elbow: Array, wrist: Array, busy: Array, gestures: Sequence[Gesture]
) -> Array:
    """The basket (n, 4, 4): its handle in the left palm (n, 3), or in the crook of the elbow by ``busy`` (n,); it stays
    before the shelves of ``gestures``, out of furniture and above the floor.
    """
    crook = elbow + 0.2 * (wrist - elbow) - [0.0, 0.0, 0.03]
    handle = before_shelves(palm + busy[:, None] * (crook - palm), BASKET_HALF_M, moment.origin, gestures)
    handle = beside_furniture(handle, moment.yaw, BASKET_SIZE_M, moment.origin, moment.furniture)
    handle[:, 2] = SOFT_M * np.logaddexp(handle[:, 2] / SOFT_M, BASKET_HIGH_M / SOFT_M)
    return _pose(about(Z, moment.yaw), handle)


def bag_pose(moment: Moment, body: Body) -> Array:
    """The tote (n, 4, 4): its straps on the left shoulder, upright whatever the trunk does."""
    chest = body.skeleton.index("spine_03")
    shoulder = body.skeleton.heads[body.arms[LEFT].bones[0]]
    place = moment.bones.point(chest, shoulder + np.array([0.0, 0.0, 0.05]))
    return _pose(about(Z, moment.yaw) @ about(Y, np.full(len(place), BAG_TILT)), place)


def _pose(rotation: Array, place: Array) -> Array:
    pose = np.zeros((len(place), 4, 4))
    pose[:, :3, :3], pose[:, :3, 3], pose[:, 3, 3] = rotation, place, 1.0
    return pose
