"""From points on a grid to the line that a person would walk: straight where it can be, round at corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import RATE_HZ, Others
from datasets.simulation.navigation.ground import Ground
from datasets.simulation.navigation.search import Way

Float = NDArray[np.float64]

SPACING_M = 0.02  # between the samples of a curve
STOP_S = 0.8  # shorter waits are walked off slowly
ROOM_M = 0.42  # from furniture that a straightened line keeps if the line before kept it


@dataclass(frozen=True, eq=False)
class Curve:
    """A line to walk: ``xy`` (n, 2) metres, ``length_m`` (n,) walked up to there, ``heading`` (n,) unwrapped radians,
    ``bend`` (n,) radians a metre.
    """

    xy: Float
    length_m: Float
    heading: Float
    bend: Float


@dataclass(frozen=True, eq=False)
class Route:
    """Corners (n, 2) of a way, when it comes to each (n,) and when it goes on (n,), in seconds."""

    xy: Float
    arrives_s: Float
    leaves_s: Float


def straighten(ground: Ground, way: Way, others: Others, margin_m: float) -> Route:
    """The way with straight lines instead of small steps, where these too keep away from furniture and people."""
    moved = np.flatnonzero((np.diff(way.xy, axis=0) != 0).any(axis=1))
    first = np.concatenate([[0], moved + 1])
    last = np.concatenate([moved, [len(way.xy) - 1]])
    xy, arrives, leaves = way.xy[first], way.time_s[first], way.time_s[last]
    # a short wait belongs to the step that follows it
    short = leaves - arrives < STOP_S
    leaves = np.where(short, arrives, leaves)
    kept = [0]
    while kept[-1] < len(xy) - 1:
        here = kept[-1]
        stops = np.flatnonzero(~short[here + 1 :])
        limit = here + 1 + int(stops[0]) if len(stops) else len(xy) - 1
        there, leap = here + 1, 2
        while here + leap // 2 < limit:
            target = min(here + leap, limit)
            if _straight(ground, xy[here : target + 1], leaves[here], arrives[target], others, margin_m):
                there = target
            leap *= 2
        kept.append(there)
    return Route(xy[kept], arrives[kept], leaves[kept])


def _straight(ground: Ground, old: Float, leaves: float, arrives: float, others: Others, margin_m: float) -> bool:
    count = max(int(np.linalg.norm(old[-1] - old[0]) / 0.05), 1) + 1
    share = np.linspace(0.0, 1.0, count)
    new = old[0] + share[:, None] * (old[-1] - old[0])
    wanted = min(ROOM_M, float(ground.clearance(old).min())) - 0.02
    if float(ground.clearance(new).min()) < wanted:
        return False
    ticks = np.round((leaves + share * (arrives - leaves)) * RATE_HZ).astype(np.int64)
    return bool((others.room(new, ticks)[1:-1] >= margin_m / 2).all())


def smooth(corners: Float, width_m: float) -> tuple[Curve, Float]:
    """A smooth curve through ``corners`` (n, 2), each rounded over about ``width_m``, with the same ends.

    Returns the curve and the length walked (n,) when it passes each corner.
    """
    legs = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(legs)])
    count = max(int(np.ceil(along[-1] / SPACING_M)), 4) + 1
    s = np.linspace(0.0, along[-1], count)
    line = np.stack([np.interp(s, along, corners[:, k]) for k in range(2)], axis=1)
    half = min(round(width_m / 2 / float(s[1] - s[0])), (count - 1) // 2)
    for _ in range(2):
        line = _running_mean(line, half // 2)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    direction = np.unwrap(np.arctan2(*np.diff(line, axis=0).T[::-1]))
    middle = (length[1:] + length[:-1]) / 2
    heading = np.interp(length, middle, direction)
    bend = np.abs(np.gradient(heading, length))
    return Curve(line, length, heading, bend), np.interp(along, s, length)


def _running_mean(line: Float, half: int) -> Float:
    """Mean over ``2 half + 1`` samples; the line goes on beyond its ends point-mirrored, so that they stay."""
    if half < 1:
        return line
    before = 2 * line[0] - line[half:0:-1]
    after = 2 * line[-1] - line[-2 : -half - 2 : -1]
    total = np.cumsum(np.concatenate([np.zeros((1, 2)), before, line, after]), axis=0)
    result = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    result[0], result[-1] = line[0], line[-1]
    return np.asarray(result)
