"""Baskets, trolleys and bags that go with a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.clearance import SOFT_M, before_shelves
from datasets.simulation.motion.hands import CLOSED, Moment
from datasets.simulation.motion.layers import Wish
from datasets.simulation.motion.path import RATE_HZ, Curve, Path, curve
from datasets.simulation.motion.turns import Array, Y, Z, about, unit, wrapped
from datasets.simulation.performance import LEFT, Gesture, Motion

HANDLE_M, AHEAD_M = 0.95, 0.45  # a trolley's handle: its height, and how far ahead of the body
BASKET_HALF_M, BASKET_HIGH_M = 0.22, 0.39  # a basket: from the handle to its front, and to its base
BAG_TILT = 0.14  # radians by which a bag's lower end stands off the hip
SWIVEL_RPS = 2.2  # how fast a trolley is turned
COME_ABOUT = 2.0  # radians from which on turning a trolley is coming about
ALONG = 1.45  # radians from the way into a shelf to how a trolley stands before it
TROLLEY_ROOM_M = 1.2  # that a trolley needs to be turned before a shelf
TROLLEY_MIDDLE_M = 0.75  # from a walker to the middle of the trolley
FACING_S = 1.5  # in which a standing walker is taken to face what the body has turned to


def lead_trolley(path: Path, gestures: Sequence[Gesture]) -> Curve:
    """The direction (n,) from a walker to the trolley, which is pushed ahead, and left standing when the walker only
    turns to a shelf. Where ``gestures`` tell of a shelf it stands along it, not into it.
    """
    shelf, side = _shelf_ahead(path, gestures)
    step = 1.0 / RATE_HZ
    # It is turned towards where the body goes, a little before it goes there.
    going = gaussian_filter1d((path.speed > 0.15).astype(float), 0.15 * RATE_HZ, mode="nearest")
    bearing = np.empty(len(path.time_s))
    now = facing = float(path.heading[0])
    sense = 0.0
    for n, heading in enumerate(path.heading):
        if going[n] < 0.1:
            facing += (float(heading) - facing) * step / FACING_S
        want, gate = float(heading), float(going[n])
        passes = False
        if np.isfinite(shelf[n]):
            if np.cos(want - shelf[n]) > np.cos(ALONG):
                want = float(shelf[n] + side[n] * ALONG)
            if np.cos(now - shelf[n]) > np.cos(ALONG):
                gate = 1.0
            apart = np.abs(wrapped(np.array([now, want]) - shelf[n])).sum()
            passes = np.sin(now - shelf[n]) * np.sin(want - shelf[n]) < 0.0 and apart < np.pi
        turn = float(np.pi - (np.pi - want + now) % (2.0 * np.pi))
        # A trolley that must come about swings behind the walker, not through the shelf before which they stood.
        if abs(turn) < COME_ABOUT or gate < 0.1:
            sense = 0.0
        elif sense == 0.0:
            sense = -np.sign(np.sin(facing - now)) or 1.0
        if passes or (turn * sense < 0.0 and not np.isfinite(shelf[n])):
            turn -= np.copysign(2.0 * np.pi, turn)
        now += float(np.clip(turn / 0.25, -SWIVEL_RPS, SWIVEL_RPS)) * gate * step
        bearing[n] = now
    bearing = gaussian_filter1d(bearing, 0.08 * RATE_HZ, mode="nearest")
    follow = curve(path.time_s, bearing[:, None])
    return lambda times: np.asarray(follow(times)[:, 0])


def _shelf_ahead(path: Path, gestures: Sequence[Gesture]) -> tuple[Array, Array]:
    """Along the path (n,) the direction into the shelf before which the walker is, NaN where there is none; and to
    which side the trolley goes there, 1 left or -1 right: where the walker's own path shows that there is room.
    """
    inward, side = np.full(len(path.time_s), np.nan), np.ones(len(path.time_s))
    for normal, target in {(g.normal, g.target): None for g in gestures if g.motion is not Motion.DROP}:
        if normal is None or target is None:
            continue
        place = path.xy - np.array(target[:2])
        before, beside = place @ np.array(normal), np.abs(place[:, 0] * normal[1] - place[:, 1] * normal[0])
        near = np.flatnonzero((before > 0.0) & (before < TROLLEY_ROOM_M) & (beside < TROLLEY_ROOM_M))
        if len(near) == 0:
            continue
        stands = path.xy[near[np.argmin(path.speed[near] + before[near])]]
        left = TROLLEY_MIDDLE_M * np.array([normal[1], -normal[0]])
        off = [np.min(np.hypot(*(path.xy - stands - way).T)) for way in (left, -left)]
        inward[near] = np.arctan2(-normal[1], -normal[0])
        side[near] = 1.0 if off[0] <= off[1] else -1.0
    return inward, side


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
    before the shelves of ``gestures`` and above the floor.
    """
    crook = elbow + 0.2 * (wrist - elbow) - [0.0, 0.0, 0.03]
    handle = before_shelves(palm + busy[:, None] * (crook - palm), BASKET_HALF_M, moment.origin, gestures)
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
