"""The trunk's part in a performance, planned once: which posture when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.simulation.motion.body import Body
from datasets.simulation.motion.hands import local_place
from datasets.simulation.motion.path import Curve, Path
from datasets.simulation.motion.posture import UPRIGHT, Goal, find_posture
from datasets.simulation.motion.turns import Array, minimum_jerk
from datasets.simulation.performance import Carrier, Gesture, Motion

LEAD = 0.12  # share of a reach by which the trunk is there before the hand
CLOSE_S = 0.6  # reaches no further apart follow one another without standing up


@dataclass(frozen=True, eq=False)
class Postures:
    """Postures (k, 5) at rising ``time_s`` (k,), gone through smoothly; upright before and after."""

    time_s: Array
    posture: Array

    def at(self, times: Array) -> Array:
        """The posture (n, 5) at ``times`` (n,)."""
        if len(self.time_s) == 0:
            return np.zeros((len(times), len(UPRIGHT)))
        now = np.clip(np.searchsorted(self.time_s, times, side="right") - 1, 0, len(self.time_s) - 2)
        share = minimum_jerk((times - self.time_s[now]) / (self.time_s[now + 1] - self.time_s[now]))
        return np.asarray(self.posture[now] + share[:, None] * (self.posture[now + 1] - self.posture[now]))


def plan_postures(
    body: Body, path: Path, gestures: Sequence[Gesture], carrier: Carrier, bearing: Curve | None = None
) -> Postures:
    """The postures that bring the palms to the gestures' targets; ``bearing`` gives the direction to the trolley."""
    groups = _together([g for g in gestures if _needs_trunk(g, carrier)])
    times: list[float] = []
    postures: list[Array] = []

    def knot(time_s: float, posture: Array) -> None:
        times.append(max(time_s, times[-1] + 0.01) if times else time_s)
        postures.append(posture)

    for number, group in enumerate(groups):
        start, contact = min(g.start_s for g in group), min(g.contact_s for g in group)
        release, end = max(g.release_s for g in group), max(g.end_s for g in group)
        posture = _posture(body, path, group, carrier, bearing)
        if number == 0 or start - max(g.end_s for g in groups[number - 1]) > CLOSE_S:
            knot(start, UPRIGHT)
        knot(contact - LEAD * (contact - start), posture)
        knot(release, posture)
        if number + 1 == len(groups) or min(g.start_s for g in groups[number + 1]) - end > CLOSE_S:
            knot(end, UPRIGHT)
    return Postures(np.array(times), np.array(postures).reshape(-1, len(UPRIGHT)))


def _needs_trunk(gesture: Gesture, carrier: Carrier) -> bool:
    if gesture.motion is Motion.BAG and carrier is Carrier.TROLLEY:
        return True
    return gesture.motion is Motion.DROP or (
        gesture.target is not None and gesture.motion not in (Motion.BAG, Motion.POCKET)
    )


def _together(gestures: Sequence[Gesture]) -> list[list[Gesture]]:
    """Gestures in groups that touch at the same time, in order."""
    groups: list[list[Gesture]] = []
    until = -np.inf
    for gesture in sorted(gestures, key=lambda g: g.contact_s):
        if groups and gesture.contact_s < until + 0.1:
            groups[-1].append(gesture)
        else:
            groups.append([gesture])
        until = max(until, gesture.release_s)
    return groups


def _posture(body: Body, path: Path, group: Sequence[Gesture], carrier: Carrier, bearing: Curve | None) -> Array:
    middle = np.mean([(g.contact_s + g.release_s) / 2 for g in group])
    x, y, heading = path.place(np.array([middle]))[0]
    goals = []
    for gesture in group:
        target = gesture.target
        if target is None or gesture.motion is Motion.BAG:
            right, ahead, up = local_place(body, gesture.hand, gesture.motion, carrier)
            way = heading if bearing is None or gesture.motion is not Motion.BAG else bearing(np.array([middle]))[0]
            cos, sin = np.cos(way), np.sin(way)
            target = (float(x + ahead * cos + right * sin), float(y + ahead * sin - right * cos), up)
        goals.append(Goal(gesture.hand, target, gesture.normal, gesture.inside_m))
    return find_posture(body, np.array([x, y]), float(heading), goals).posture
