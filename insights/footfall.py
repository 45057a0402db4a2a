"""Counting who crosses a line, in which direction and when, with a margin on both sides against jitter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.sightings import Bool, Float, Int, PerSlot, Steps
from store.floor import apply_homography
from store.plan import Homography, Line


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Who crossed one line: ``slot`` (n,), ``time_s`` (n,) when the line was passed, ``into`` (n,) True for 'in'."""

    slot: Int
    time_s: Float
    into: Bool

    def __len__(self) -> int:
        return len(self.slot)


def side_distance(xy: Float, a: Float, b: Float) -> Float:
    """Distance of points (n, 2) from the infinite line through ``a`` and ``b`` (2,), in the points' unit, (n,).

    Positive on the right-hand side of somebody who walks from ``a`` to ``b`` on a screen, where y points down.
    """
    along = b - a
    offset = xy - a
    signed = along[0] * offset[:, 1] - along[1] * offset[:, 0]
    return np.asarray(signed / np.hypot(along[0], along[1]), np.float64)


class LineCounter:
    """Counts crossings of one line, for all people at once.

    A person is beyond the line when ``margin_px`` or more away from it, and with a ``homography`` also ``margin_m``.
    Going from beyond on one side to beyond on the other is a crossing when the path between passed the line between
    its ends, more often in that direction than back. What happens outside the ends changes the side, and counts not.
    """

    def __init__(
        self, line: Line, margin_px: float, *, homography: Homography | None = None, margin_m: float = 0.0
    ) -> None:
        self._a = np.asarray(line.a, np.float64)
        self._b = np.asarray(line.b, np.float64)
        self._margin_px = margin_px
        self._margin_m = margin_m
        self._floor_ends = None if homography is None else apply_homography(homography, np.stack([self._a, self._b]))
        # Per person: the side last reached, passes since then ('in' minus 'out'), and the last pass each way.
        self._side: PerSlot[np.int64] = PerSlot(0, np.int64)
        self._net: PerSlot[np.int64] = PerSlot(0, np.int64)
        self._passed_in: PerSlot[np.float64] = PerSlot(np.nan, np.float64)
        self._passed_out: PerSlot[np.float64] = PerSlot(np.nan, np.float64)

    def update(self, steps: Steps) -> Crossings:
        """Take the next steps and return the crossings that they complete."""
        n = len(steps)
        if n == 0:
            return Crossings(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))
        slot, first, last = steps.now.slot, steps.first, steps.last
        heads = slot[first]
        group_start = np.repeat(first, last - first + 1)
        index = np.arange(n)

        distance = side_distance(steps.now.xy, self._a, self._b)
        passes, pass_time = self._passes(steps, distance)
        beyond = self._beyond(steps, distance)
        side = np.where(distance >= 0, 1, -1)

        # The row before this one, in the same group, at which the person was last beyond; -1 where there is none.
        reached = np.maximum.accumulate(np.where(beyond, index, -1))
        reached_before = np.append(-1, reached[:-1])
        reached_before[reached_before < group_start] = -1
        carried_side = np.repeat(self._side[heads], last - first + 1)
        side_before = np.where(reached_before >= 0, side[reached_before], carried_side)

        running = np.cumsum(passes)
        running += np.repeat(self._net[heads] - (running - passes)[first], last - first + 1)
        net = running - np.where(reached_before >= 0, running[reached_before], 0)

        last_in = self._last_pass(passes > 0, pass_time, group_start, self._passed_in[slot])
        last_out = self._last_pass(passes < 0, pass_time, group_start, self._passed_out[slot])
        crossed = beyond & (side_before != 0) & (side_before != side) & (net * side > 0)

        ends = slot[last]
        self._side[ends] = np.where(beyond[last], side[last], side_before[last])
        self._net[ends] = np.where(beyond[last], 0, net[last])
        self._passed_in[ends] = last_in[last]
        self._passed_out[ends] = last_out[last]
        into = side[crossed] > 0
        return Crossings(slot[crossed], np.where(into, last_in[crossed], last_out[crossed]), into)

    def clear(self, slots: Int) -> None:
        """Forget these people."""
        for kept in (self._side, self._net, self._passed_in, self._passed_out):
            kept.clear(slots)

    def _passes(self, steps: Steps, distance: Float) -> tuple[Int, Float]:
        """Whether each step passed the line between its ends (+1 'in', -1 'out', else 0), and when, seconds."""
        before = side_distance(steps.before.xy, self._a, self._b)
        changes = steps.known & ((before >= 0) != (distance >= 0))
        share = np.divide(before, before - distance, out=np.zeros(len(before)), where=changes)
        point = steps.before.xy + share[:, None] * (steps.now.xy - steps.before.xy)
        along = self._b - self._a
        position = (point - self._a) @ along / (along @ along)
        changes &= (position >= 0) & (position <= 1)
        time_s = steps.before.time_s + share * (steps.now.time_s - steps.before.time_s)
        return np.where(changes, np.where(distance >= 0, 1, -1), 0), time_s

    def _beyond(self, steps: Steps, distance: Float) -> Bool:
        beyond = np.abs(distance) >= self._margin_px
        if self._floor_ends is not None:
            metres = np.abs(side_distance(steps.now.xy_m, self._floor_ends[0], self._floor_ends[1]))
            beyond &= np.isnan(metres) | (metres >= self._margin_m)
        return beyond

    @staticmethod
    def _last_pass(which: NDArray[np.bool_], time_s: Float, group_start: Int, carried: Float) -> Float:
        latest = np.maximum.accumulate(np.where(which, np.arange(len(which)), -1))
        return np.where(latest >= group_start, time_s[latest], carried)
