"""When a person is where on a curve, and where the body looks: speeds, stops and turns that people can do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import TICK_S
from datasets.simulation.navigation.curves import Curve

Float = NDArray[np.float64]

ACCELERATION_MPS2 = 0.95  # along the way; people reach 1.2
SIDEWARD_MPS2 = 1.1  # across it, in bends
BEND_RADPS = 1.9  # turning while walking
TURN_RADPS = 2.3  # the fastest moment of turning on the spot
OVERLAP_S = 0.5  # the last of a turn is done while the first steps are made, and the other way round
SIDE_STEP_MPS = 0.45
CREEP_MPS = 0.4  # nobody walks slower than this: they stop


def turn_time(angle: float) -> float:
    """Seconds that turning by ``angle`` on the spot takes."""
    return abs(angle) * 1.5 / TURN_RADPS


def ease(share: Float) -> Float:
    """From 0 to 1 with rests at both ends: 3 x^2 - 2 x^3, whose steepest slope is 1.5."""
    x = np.clip(share, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def wrap(angle: float) -> float:
    """The same direction in -pi..pi."""
    return math.remainder(angle, math.tau)


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a curve that begins and ends at rest: up to ``length_m``, where the person does not come before
    ``arrives_s`` and from where the person does not go on before ``leaves_s``, both from now.
    """

    length_m: float
    arrives_s: float = 0.0
    leaves_s: float = 0.0


def pace(length_m: Float, bend: Float, speed_mps: float) -> tuple[Float, Float]:
    """Speeds (n,) and times (n,), from rest to rest, at samples of a line at ``length_m`` (n,) that bends by ``bend``
    (n,) radians a metre: as fast as ``speed_mps`` and the limits of this module allow.
    """
    s = length_m - length_m[0]
    tight = np.maximum(bend, 1e-6)
    limit = np.minimum(np.minimum(speed_mps, BEND_RADPS / tight), np.sqrt(SIDEWARD_MPS2 / tight))
    limit[0] = limit[-1] = 0.0
    gain = 2 * ACCELERATION_MPS2 * s
    square = np.minimum.accumulate(limit**2 - gain) + gain
    square = np.minimum.accumulate((square + gain)[::-1])[::-1] - gain
    speed = np.sqrt(np.maximum(square, 0.0))
    speed[0] = speed[-1] = 0.0
    return speed, np.concatenate([[0.0], np.cumsum(2 * np.diff(s) / np.maximum(speed[1:] + speed[:-1], 1e-6))])


def pace_within(length_m: Float, bend: Float, speed_mps: float, seconds: float) -> tuple[Float, Float]:
    """As ``pace``, slower where it would take less than ``seconds``, but never a creep."""
    speed, times = pace(length_m, bend, speed_mps)
    if times[-1] >= seconds:
        return speed, times
    slow, fast = min(CREEP_MPS, speed_mps), speed_mps
    for _ in range(8):
        middle = (slow + fast) / 2
        slow, fast = (middle, fast) if pace(length_m, bend, middle)[1][-1] > seconds else (slow, middle)
    return pace(length_m, bend, slow)


def lengths_at(length_m: Float, speed: Float, time_s: Float, at_s: Float) -> Float:
    """Lengths walked at moments ``at_s``, given speeds and times (n,) at samples of a line; clamped to its ends."""
    number = np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 2)
    span = np.maximum(time_s[number + 1] - time_s[number], 1e-9)
    since = np.clip(at_s - time_s[number], 0.0, span)
    gain = (speed[number + 1] - speed[number]) / span
    return np.asarray(length_m[number] + speed[number] * since + 0.5 * gain * since**2)


def walk(
    curve: Curve,
    sections: list[Section],
    speed_mps: float,
    heading: float,
    goal_heading: float | None,
    overlap_s: float = OVERLAP_S,
    wait_s: float = 0.0,
) -> tuple[Float, Float]:
    """Positions (n, 2) and headings (n,) at the ticks after now: wait, turn, walk the sections, turn at the end.

    ``overlap_s`` is how long the person walks while still or already turning.
    """
    first_turn = wrap(float(curve.heading[0]) - heading)
    last_turn = 0.0 if goal_heading is None else wrap(goal_heading - float(curve.heading[-1]))
    ready = wait_s + turn_time(first_turn)
    now = max(ready - overlap_s, wait_s)
    pieces: list[tuple[float, Float, Float, Float]] = []
    begin = 0
    for section in sections:
        end = max(int(np.searchsorted(curve.length_m, section.length_m - 1e-6)), begin + 1)
        part = slice(begin, end + 1)
        speed, times = pace_within(curve.length_m[part], curve.bend[part], speed_mps, section.arrives_s - now)
        pieces.append((now, curve.length_m[part], speed, times))
        walked = now + float(times[-1])
        now, begin = max(walked, section.leaves_s), end
    turned = max(walked - overlap_s, ready)
    last = max(walked, turned + turn_time(last_turn))
    ticks: Float = np.arange(1, math.ceil(last / TICK_S - 1e-6) + 1, dtype=np.float64) * TICK_S
    length = np.zeros(len(ticks))
    for begins, metres, speed, times in pieces:
        length = np.where(ticks >= begins, lengths_at(metres, speed, times, ticks - begins), length)
    xy = np.stack([np.interp(length, curve.length_m, curve.xy[:, k]) for k in range(2)], axis=1)
    xy[ticks >= walked - 1e-9] = curve.xy[-1]
    looks = np.interp(length, curve.length_m, curve.heading) - float(curve.heading[0]) + heading + first_turn
    looks -= first_turn * (1.0 - ease((ticks - wait_s) / max(turn_time(first_turn), 1e-6)))
    looks += last_turn * ease((ticks - turned) / max(turn_time(last_turn), 1e-6))
    return xy, looks


def side_step(start: Float, goal: Float, heading: float, goal_heading: float | None) -> tuple[Float, Float]:
    """Positions and headings at the ticks after now of a straight step from ``start`` to ``goal`` (2,) that keeps the
    heading, or turns to the goal's on the way; or of a turn on the spot.
    """
    turn = 0.0 if goal_heading is None else wrap(goal_heading - heading)
    count = max(math.ceil(math.dist(start, goal) / 0.01), 4) + 1
    length = np.linspace(0.0, math.dist(start, goal), count)
    speed, times = pace(length, np.zeros(count), SIDE_STEP_MPS)
    lasts = max(turn_time(turn), float(times[-1]) if length[-1] > 0 else 0.0)
    ticks: Float = np.arange(1, math.ceil(lasts / TICK_S - 1e-6) + 1, dtype=np.float64) * TICK_S
    if length[-1] > 0:
        share = lengths_at(length, speed, times, ticks - max(lasts - float(times[-1]), 0.0) / 2) / length[-1]
    else:
        share = np.ones(len(ticks))
    xy = start + np.clip(share, 0.0, 1.0)[:, None] * (goal - start)
    if len(xy):
        xy[-1] = goal
    return xy, heading + turn * ease(ticks / max(turn_time(turn), 1e-6))
