"""What people of a line-up do: they stand about, turn, take steps, reach, some with a basket, a bag or a trolley."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character
from datasets.simulation.motion.body import measure
from datasets.simulation.navigation.ground import Ground
from datasets.simulation.performance import Carrier, Footprint, Gesture, Hold, Motion, Performance, Walk

Float = NDArray[np.float64]

SPREAD_M: Final = 2.1  # how far from the middle of their place people are
STEP_S: Final = 1.6  # from one spot to the next
_ROOM_M: Final = 0.27  # to walls and furniture
_APART_M: Final = 0.5
_LONGEST_M: Final = 1.7
_RATE_HZ: Final = 10.0
_TRIES: Final = 60


def middles(ground: Ground, rng: np.random.Generator, count: int) -> list[Float]:
    """``count`` places (2,) with room for a crowd, far from one another."""
    cells = ground.cells().reshape(-1, 2)
    cells = cells[(ground.clearance(cells) > 0.4) & (ground.from_gates(cells) > 0.8)]
    tried = cells[rng.permutation(len(cells))[:200]]
    room = [int((np.linalg.norm(cells - one, axis=1) < SPREAD_M).sum()) for one in tried]
    found = [tried[int(np.argmax(room))]]
    while len(found) < count:
        gap = np.min([np.linalg.norm(tried - one, axis=1) for one in found], axis=0)
        found.append(tried[int(np.argmax(np.minimum(gap, 4.0) * np.sqrt(room)))])
    return found


def spots(ground: Ground, middle: Float, rng: np.random.Generator, people: int, moments: int) -> Float:
    """Where each person is at each moment: (people, moments, 2); on free ground, nobody inside another."""
    found = np.full((people, moments, 2), np.nan)
    for moment in range(moments):
        for one in range(people):
            before = found[one, moment - 1] if moment else None
            spot = _spot(ground, middle, rng, before, found[:one, moment])
            # Where all is full, people stay, or stand close.
            found[one, moment] = spot if spot is not None else (middle if before is None else before)
    return found


def _spot(ground: Ground, middle: Float, rng: np.random.Generator, before: Float | None, others: Float) -> Float | None:
    for _ in range(_TRIES):
        if before is None:
            away = SPREAD_M * math.sqrt(rng.random()) * _direction(rng)
            spot, way = middle + away, (middle + away)[None]
        else:
            spot = before + (0.0 if rng.random() < 0.3 else rng.uniform(0.3, _LONGEST_M)) * _direction(rng)
            way = before + np.linspace(0.0, 1.0, 8)[:, None] * (spot - before)
        free = (ground.clearance(way) > _ROOM_M).all() and np.linalg.norm(spot - middle) < 1.3 * SPREAD_M
        if free and (len(others) == 0 or np.linalg.norm(others - spot, axis=1).min() > _APART_M):
            return np.asarray(spot)
    return None


def _direction(rng: np.random.Generator) -> Float:
    angle = rng.uniform(0.0, 2 * math.pi)
    return np.array([math.cos(angle), math.sin(angle)])


def performance(
    character: Character, at: Float, start_s: float, furniture: tuple[Footprint, ...], rng: np.random.Generator
) -> Performance:
    """A person at ``at`` (moments, 2), the first at ``start_s``, the next each ``STEP_S`` later.

    People look where they walk; who stays turns to another side. In one half of the stays a hand reaches for something.
    """
    moments = len(at)
    knots = start_s + STEP_S * np.arange(moments)
    heading = [float(rng.uniform(0.0, 2 * math.pi))]
    gestures: list[Gesture] = []
    times, headings = [knots[0]], [heading[0]]
    for k in range(1, moments):
        way = at[k] - at[k - 1]
        walks = float(np.linalg.norm(way)) > 0.25
        wanted = math.atan2(way[1], way[0]) if walks else heading[-1] + float(rng.normal(0.0, 1.4))
        wanted = heading[-1] + (wanted - heading[-1] + math.pi) % (2 * math.pi) - math.pi
        times += [knots[k - 1] + 0.45 * STEP_S, knots[k]]
        headings += [wanted, wanted]
        heading.append(wanted)
        if not walks and rng.random() < 0.5:
            gestures.append(_reach(character, at[k], wanted, float(knots[k]), rng))
    walk_s = np.arange(knots[0] - 0.4, knots[-1] + 0.4 + 1e-6, 1.0 / _RATE_HZ)
    walk = Walk(
        walk_s,
        np.stack([np.interp(walk_s, knots, at[:, axis]) for axis in (0, 1)], axis=1),
        np.interp(walk_s, times, headings),
    )
    carrier = Carrier(str(rng.choice(["none", "basket", "bag", "trolley"], p=[0.4, 0.3, 0.22, 0.08])))
    holds = (Hold(1, float(walk_s[0]) - 1.0, float(walk_s[-1]) + 1.0, (0.1, 0.1, 0.2)),) if rng.random() < 0.15 else ()
    return Performance(walk, tuple(gestures), holds, carrier, furniture)


def _reach(character: Character, xy: Float, heading: float, time_s: float, rng: np.random.Generator) -> Gesture:
    """A hand at something before the person at ``time_s``."""
    ahead = np.array([math.cos(heading), math.sin(heading)])
    height = float(rng.uniform(0.45, 0.95)) * measure(character).height_m
    spot = xy + float(rng.uniform(0.45, 0.6)) * ahead
    return Gesture(
        motion=Motion.TOUCH,
        hand=int(rng.integers(2)),
        start_s=time_s - 0.8,
        contact_s=time_s - 0.1,
        release_s=time_s + 0.1,
        end_s=time_s + 0.8,
        target=(float(spot[0]), float(spot[1]), height),
        normal=(float(-ahead[0]), float(-ahead[1])),
    )
