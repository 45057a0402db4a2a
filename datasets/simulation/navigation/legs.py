"""One walk of one person, from where they stand to the next place, checked tick by tick."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.navigation.crowd import RATE_HZ, TICK_S, Others
from datasets.simulation.navigation.curves import Curve, Route, smooth, straighten
from datasets.simulation.navigation.ground import TIGHT_M, Ground
from datasets.simulation.navigation.pacing import OVERLAP_S, Section, side_step, turn_time, walk, wrap
from datasets.simulation.navigation.search import Errand, find_way

Float = NDArray[np.float64]

SIDE_STEP_M = 0.4  # nearer places are gone to without turning
MARGINS_M = (0.12, 0.03, 0.25)  # on top of the distance that others need, in the order in which they are tried
WIDTHS_M = (0.9, 0.6, 0.35, 0.15)  # over which corners are rounded
DELAYS_S = (0.5, 1.0, 2.0, 3.5)
LAG_S = 0.45  # that starting from rest costs
TURN_LIMIT_RADPS = 2.6


@dataclass(frozen=True, eq=False)
class Leg:
    """A walk at the ticks after the errand's first: ``xy`` (n, 2) metres, ``heading`` (n,) radians."""

    xy: Float
    heading: Float


def plan_leg(ground: Ground, errand: Errand, heading: float, goal_heading: float | None, others: Others) -> Leg | None:
    """The walk from ``errand.start`` with ``heading`` to its goal, None where none is free of people just now."""
    start, goal = np.array(errand.start), np.array(errand.goal)
    if math.dist(start, goal) < SIDE_STEP_M:
        leg = Leg(*side_step(start, goal, heading, goal_heading))
        if not len(leg.xy) or _fits(ground, errand, leg, others):
            return leg
        if math.dist(start, goal) < 1e-3:
            return None
    if not errand.leaves and not math.isfinite(others.free_from(goal, errand.first)):
        return None
    for margin in MARGINS_M:
        way = find_way(ground, errand, others, margin)
        if way is None:
            # more room is harder still
            if margin < MARGINS_M[0]:
                return None
            continue
        route = straighten(ground, way, others, margin)
        if math.dist(route.xy[0], route.xy[-1]) < 1e-6 and len(route.xy) < 3:
            continue
        for leg in _walks(errand, route, heading, goal_heading):
            if _fits(ground, errand, leg, others):
                return leg
    return None


def _walks(errand: Errand, route: Route, heading: float, goal_heading: float | None) -> Iterator[Leg]:
    """Ways to walk a route, the most natural first."""
    for width in WIDTHS_M:
        curve, passes = smooth(route.xy, width)
        whole = [Section(float(curve.length_m[-1]))]
        timed = _as_searched(errand, route, curve, passes, heading)
        for overlap in (OVERLAP_S, 0.0):
            leg = Leg(*walk(curve, whole, errand.speed_mps, heading, goal_heading, overlap))
            if float(np.abs(np.diff(leg.heading, prepend=heading)).max()) * RATE_HZ > TURN_LIMIT_RADPS:
                continue
            yield leg
            yield Leg(*walk(curve, timed, errand.speed_mps, heading, goal_heading, overlap, _wait(errand, route, 0.0)))
            for delay in DELAYS_S:
                yield Leg(*walk(curve, whole, errand.speed_mps, heading, goal_heading, overlap, delay))
                later = [Section(s.length_m, s.arrives_s + delay, s.leaves_s + delay) for s in timed]
                yield Leg(
                    *walk(curve, later, errand.speed_mps, heading, goal_heading, overlap, _wait(errand, route, delay))
                )
            break


def _wait(errand: Errand, route: Route, delay: float) -> float:
    return max(float(route.leaves_s[0]) - errand.first * TICK_S + delay, 0.0)


def _as_searched(errand: Errand, route: Route, curve: Curve, passes: Float, heading: float) -> list[Section]:
    """Sections that come and go when the search did."""
    lag = LAG_S + max(turn_time(wrap(float(curve.heading[0]) - heading)) - OVERLAP_S, 0.0)
    now = errand.first * TICK_S
    stops = [n for n in range(1, len(passes) - 1) if route.leaves_s[n] > route.arrives_s[n]]
    return [
        Section(float(passes[n]), float(route.arrives_s[n]) - now + lag, float(route.leaves_s[n]) - now)
        for n in [*stops, len(passes) - 1]
    ]


def _fits(ground: Ground, errand: Errand, leg: Leg, others: Others) -> bool:
    needed = min(TIGHT_M, float(ground.clearance(leg.xy[-1])), float(ground.clearance(np.array(errand.start)))) - 1e-3
    if float(ground.clearance(leg.xy).min()) < needed:
        return False
    if float(np.abs(np.diff(leg.heading, prepend=leg.heading[0])).max()) * RATE_HZ > TURN_LIMIT_RADPS:
        return False
    return others.clear(leg.xy, errand.first + 1, not errand.leaves)
