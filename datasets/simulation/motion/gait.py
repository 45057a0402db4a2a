"""Footsteps: planned once for a whole walk, so that a foot that bears weight stands still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.path import RATE_HZ, Path
from datasets.simulation.motion.turns import Array

GRAVITY = 9.81
STEP_TURN = 0.6  # radians turned in one step on the spot
TOE_OUT = 0.12  # radians
MOVING_MPS, TURNING_RPS = 0.05, 0.12
PAUSE_S = 0.5  # a shorter halt is walked through
STANCE_HALF, WALKING_HALF = 0.95, 0.6  # of half the hips' width: feet from the middle, standing and walking
DOUBLE = 0.24  # share of a step in which both feet bear weight


@dataclass(frozen=True, eq=False)
class Steps:
    """The stances of one foot, one after the other: it stands at ``xy`` (n, 2) with ``yaw`` (n,), the direction of its
    toes, from ``land_s`` (n,) to ``lift_s`` (n,), infinite at the ends. ``stride`` (n,) in 0..1 tells how briskly it
    came: 0 a small step on the spot, 1 a walker's.
    """

    land_s: Array
    lift_s: Array
    xy: Array
    yaw: Array
    stride: Array


def step_length(leg_m: float, speed: Array) -> Array:
    """Metres of a step at ``speed`` m/s: rises with the 0.42nd power of speed, as adults' does (Grieve and Gear 1966),
    scaled by the leg's length and dimensionless speed.
    """
    return np.asarray(leg_m * np.maximum(speed / np.sqrt(GRAVITY * leg_m), 0.05) ** 0.42)


def plan_steps(path: Path, body: Body) -> tuple[Steps, Steps]:
    """The footsteps (left, right) of a path."""
    rate = _step_rate(path, body)
    feet: tuple[list[_Stance], list[_Stance]] = ([], [])
    for side in (0, 1):
        feet[side].append(_stance(path, body, side, float(path.time_s[0]), -np.inf, True, 0.0))
    for first, last in _episodes(path):
        _walk_episode(path, body, rate, first, last, feet)
    return _steps(feet[0]), _steps(feet[1])


@dataclass(frozen=True, slots=True)
class _Stance:
    land_s: float
    lift_s: float
    x: float
    y: float
    yaw: float
    stride: float


def _step_rate(path: Path, body: Body) -> Array:
    """Steps per second (n,) along the path."""
    walking = path.speed / step_length(body.leg_m, path.speed)
    return np.asarray(np.hypot(walking, path.turning / STEP_TURN))


def _episodes(path: Path) -> list[tuple[int, int]]:
    """Index ranges in which the body goes or turns so much that the feet must follow."""
    moving = (path.speed > MOVING_MPS) | (np.abs(path.turning) > TURNING_RPS)
    edges = np.flatnonzero(np.diff(np.r_[False, moving, False]))
    ranges: list[tuple[int, int]] = []
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        last = int(after) - 1
        if ranges and first - ranges[-1][1] < PAUSE_S * RATE_HZ:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((int(first), last))
    return [
        (first, last)
        for first, last in ranges
        if np.ptp(path.xy[first : last + 1], axis=0).max() > 0.04 or np.ptp(path.heading[first : last + 1]) > 0.12
    ]


def _walk_episode(
    path: Path, body: Body, rate: Array, first: int, last: int, feet: tuple[list[_Stance], list[_Stance]]
) -> None:
    """Adds the stances of one stretch of moving: the first step leaves early, the last two bring the feet together."""
    grid = path.time_s[first : last + 1]
    phase = np.r_[0.0, np.cumsum((rate[first:last] + rate[first + 1 : last + 1]) / 2 * np.diff(grid))]
    count = max(2, int(np.round(phase[-1] + 0.7)))
    # A little is added everywhere so that time can be read from phase; the last foot lands just after the body stops.
    share = 0.97 * phase / max(phase[-1], 1e-9) + 0.03 * (grid - grid[0]) / max(grid[-1] - grid[0], 1e-9)
    start, end = float(grid[0]), float(grid[-1])
    room = max(float(path.time_s[-1]) - end, 0.0)
    # The first landing comes after half a step's way, as the body starts between its feet.
    shares = (np.arange(1, count + 1) - 0.5) / (count - 0.5)
    lands = np.interp(shares, share, grid + np.linspace(0.0, min(0.15, room), len(grid)))
    before = max(start - 0.25, _free_from(feet))
    moments = np.r_[before, lands]
    turned = path.heading[last] - path.heading[first]
    sideways = _sideways(path, first, last)
    lead = 0 if (turned > 0.3 or (abs(turned) <= 0.3 and sideways > 0.0)) else 1
    for k in range(1, count + 1):
        side = (lead + k + 1) % 2
        begin, land = float(moments[k - 1]), float(moments[k])
        lift = begin + (DOUBLE * (land - begin) if k > 1 else 0.3 * (land - begin))
        old = feet[side][-1]
        feet[side][-1] = _Stance(old.land_s, lift, old.x, old.y, old.yaw, old.stride)
        final = k >= count - 1
        step_s = (float(moments[k + 1]) - land) if k < count else 0.0
        middle = end + 1.0 if final else min(land + 0.62 * step_s, end + 1.0)
        speed = float(np.interp(land, path.time_s, path.speed))
        feet[side].append(_stance(path, body, side, middle, land, final, min(speed / 0.9, 1.0)))


def _free_from(feet: tuple[list[_Stance], list[_Stance]]) -> float:
    """When the last foot landed."""
    return max(float(foot[-1].land_s) for foot in feet)


def _sideways(path: Path, first: int, last: int) -> float:
    """How far the body goes to its left on a stretch."""
    move = path.xy[last] - path.xy[first]
    heading = path.heading[first]
    return float(-np.sin(heading) * move[0] + np.cos(heading) * move[1])


def _stance(path: Path, body: Body, side: int, time_s: float, land_s: float, still: bool, stride: float) -> _Stance:
    """Beside where the body is at ``time_s``."""
    x, y, heading = path.place(np.array([time_s]))[0]
    sign = 1.0 if side == 0 else -1.0
    half = body.hip_half_m * (STANCE_HALF if still else STANCE_HALF + (WALKING_HALF - STANCE_HALF) * stride)
    return _Stance(
        land_s,
        np.inf,
        float(x - sign * half * np.sin(heading)),
        float(y + sign * half * np.cos(heading)),
        float(heading + sign * TOE_OUT),
        stride,
    )


def _steps(stances: list[_Stance]) -> Steps:
    columns = np.array([[s.land_s, s.lift_s, s.x, s.y, s.yaw, s.stride] for s in stances])
    return Steps(columns[:, 0], columns[:, 1], columns[:, 2:4], columns[:, 4], columns[:, 5])


def support(path: Path, steps: tuple[Steps, Steps]) -> Array:
    """Which foot carries the body along the path (n,): 1 the left alone, -1 the right alone, 0 both; smoothed."""
    carried = np.zeros(len(path.time_s))
    for foot, sign in zip(steps, (-1.0, 1.0), strict=True):
        for lift, land in zip(foot.lift_s[:-1], foot.land_s[1:], strict=True):
            carried += sign * ((path.time_s > lift) & (path.time_s < land))
    return np.asarray(gaussian_filter1d(carried, 0.1 * RATE_HZ, mode="nearest"))
