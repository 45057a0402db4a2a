"""Feet at any time: flat and fixed while they bear weight, rolling over heel and ball, swinging to the next stance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.simulation.motion.body import Foot
from datasets.simulation.motion.gait import Steps
from datasets.simulation.motion.turns import Array, X, Z, about, apply, smooth

STRIKE_RAD, PUSH_RAD, SHUFFLE_RAD = 0.3, 0.55, 0.15  # toes up at landing, heel up at lifting, the same of a small step
ROLL_S = 0.3  # in which the heel leaves the floor before the foot does
SETTLE_S = 0.14  # in which the sole comes down after landing
LIFT_M, LIFT_STRIDE_M = 0.03, 0.035  # the foot's arc in the air: a small step's, and more for a long one


@dataclass(frozen=True, eq=False)
class Footing:
    """One foot: ``ankle`` (n, 3), ``rotation`` and ``toes`` (n, 3, 3) of foot and toes, ``yaw`` (n,)."""

    ankle: Array
    rotation: Array
    toes: Array
    yaw: Array


def stand(foot: Foot, steps: Steps, forward_m: float, times: Array, rise: Array) -> Footing:
    """A foot at ``times`` (n,).

    ``forward_m`` is how far the ankle stands before the hips; ``rise`` (n,) radians lifts the heel of a standing foot.
    """
    now = np.clip(np.searchsorted(steps.land_s, times, side="right") - 1, 0, len(steps.land_s) - 1)
    after = np.minimum(now + 1, len(steps.land_s) - 1)
    lift, land, landed = steps.lift_s[now], steps.land_s[after], steps.land_s[now]
    swinging = times > lift
    with np.errstate(invalid="ignore"):
        share = np.where(swinging, (times - lift) / np.where(swinging, land - lift, 1.0), 0.0)
    moved = smooth(share)
    ground = steps.xy[now] + moved[:, None] * (steps.xy[after] - steps.xy[now])
    yaw = steps.yaw[now] + moved * (steps.yaw[after] - steps.yaw[now])

    stride_in, stride_out = steps.stride[now], steps.stride[after]
    push = np.where(np.isfinite(lift), SHUFFLE_RAD + (PUSH_RAD - SHUFFLE_RAD) * stride_out, 0.0)
    strike = STRIKE_RAD * stride_out
    with np.errstate(invalid="ignore"):
        rolling = np.minimum(ROLL_S, 0.5 * np.where(np.isfinite(lift - landed), lift - landed, 1.0))
        heel_up = push * smooth(np.where(np.isfinite(lift), (times - lift) / rolling + 1.0, 0.0))
        toes_up = (
            STRIKE_RAD * stride_in * (1.0 - smooth(np.where(np.isfinite(landed), (times - landed) / SETTLE_S, 1.0)))
        )
    pitch = np.where(swinging, push - (push + strike) * moved, heel_up - toes_up)
    standing_share = np.where(swinging, 1.0 - smooth(share * 2.5) + smooth(share * 2.5 - 1.5), 1.0)
    pitch = pitch + standing_share * np.maximum(rise - np.maximum(pitch, 0.0), 0.0)
    bend = np.maximum(pitch, 0.0) * np.where(swinging, 1.0 - smooth(share * 2.0), 1.0)

    heading = about(Z, yaw - np.pi / 2)
    tilt = about(X, -pitch)
    pivot = np.where((pitch > 0.0)[:, None], foot.ball, foot.heel)
    ankle = pivot - apply(tilt, pivot)
    ankle[:, 1] += forward_m
    ankle[:, 2] += foot.ankle_m + (LIFT_M + LIFT_STRIDE_M * stride_out) * np.where(
        swinging, np.sin(np.pi * share) ** 2, 0
    )
    tilt_toes = tilt @ about(X, bend)
    tips = ankle[:, 2] + apply(tilt, foot.ball)[:, 2] + apply(tilt_toes, foot.toes - foot.ball)[:, 2]
    # The tip of the toes at rest is as high as it may come to the floor.
    ankle[:, 2] += np.maximum(foot.ankle_m + foot.toes[2] - tips, 0.0)
    ankle = apply(heading, ankle)
    ankle[:, :2] += ground
    return Footing(ankle, heading @ tilt, heading @ tilt_toes, yaw)
