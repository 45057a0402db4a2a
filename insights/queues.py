"""Queues: zones that hold their limit of people, or more, for a while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights.sightings import Bool, Float, Int, PerSlot, Steps
from insights.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Queue:
    """``people`` in a zone at ``time_s``, when the zone has held its limit or more for long enough."""

    time_s: float
    people: int


class QueueWatch:
    """Says once for every queue that ``limit`` or more people have been in a zone for ``hold_s`` without a break.

    Somebody who is outside or unseen for ``flicker_s`` or less between two sightings inside was inside all along.
    """

    def __init__(self, limit: int, hold_s: float, flicker_s: float) -> None:
        self._limit = limit
        self._hold_s = hold_s
        self._flicker_s = flicker_s
        self._timeline = Timeline()
        self._last_inside: PerSlot[np.float64] = PerSlot(np.nan, np.float64)
        self._since: float | None = None
        self._said = False

    def update(self, steps: Steps, inside: Bool, settled: float) -> list[Queue]:
        """Take the next steps, with ``inside`` (n,) at their ends; counts are known up to ``settled``, seconds."""
        slot, time_s = steps.now.slot[inside], steps.now.time_s[inside]
        if len(slot):
            heads = np.append(True, slot[1:] != slot[:-1])
            before = np.append(np.nan, time_s[:-1])
            before[heads] = self._last_inside[slot[heads]]
            near = time_s - before <= self._flicker_s
            self._timeline.add(before[near], time_s[near])
            tails = np.append(heads[1:], True)
            self._last_inside[slot[tails]] = time_s[tails]
        return self._advance(settled)

    def clear(self, slots: Int) -> None:
        """Forget these people."""
        self._last_inside.clear(slots)

    def _advance(self, settled: float) -> list[Queue]:
        count_before = self._timeline.count
        times, counts = self._timeline.advance(settled)
        found: list[Queue] = []
        # Only where the limit is reached or lost does anything begin or end.
        full = counts >= self._limit
        turns = full != np.append(self._since is not None, full)[:-1]
        for row in np.flatnonzero(turns):
            self._say(float(times[row]), times, counts, count_before, found)
            self._since = float(times[row]) if full[row] else None
            self._said = False
        self._say(settled, times, counts, count_before, found)
        return found

    def _say(self, until: float, times: Float, counts: Int, count_before: int, found: list[Queue]) -> None:
        if self._since is None or self._said or until - self._since < self._hold_s:
            return
        at = self._since + self._hold_s
        row = int(np.searchsorted(times, at, side="left")) - 1
        found.append(Queue(at, int(counts[row]) if row >= 0 else count_before))
        self._said = True
