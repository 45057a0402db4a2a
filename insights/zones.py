"""Stays in zones: when each person came, when they went, and that somebody who flickers stayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights.sightings import Bool, Int, Steps


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody (``slot``) in a zone from ``entered_at`` on, seconds; ``left_at`` is None while they are there."""

    slot: int
    entered_at: float
    left_at: float | None = None


@dataclass(slots=True)
class _Open:
    entered_at: float
    last_inside: float
    outside: bool = False
    announced: bool = False


class ZoneStays:
    """Follows the stays in one zone.

    A stay ends at the last sighting inside, when ``flicker_s`` or more without another follow during which the person
    was seen outside, or when the person is gone. Being unseen alone ends no stay. Below ``min_stay_s`` it is no stay.
    """

    def __init__(self, flicker_s: float, min_stay_s: float) -> None:
        self._flicker_s = flicker_s
        self._min_stay_s = min_stay_s
        self._open: dict[int, _Open] = {}

    def update(self, steps: Steps, inside: Bool, inside_before: Bool) -> list[Stay]:
        """Take the next steps with ``inside`` (n,) at their ends and ``inside_before`` (n,) at their beginnings.

        Returns what proved to be a stay (still open) and what ended; a stay that did both comes twice, in that order.
        """
        came_from_inside = inside_before & steps.known
        # Only changes are looked at one by one, and where each person is in the end.
        checked = inside != came_from_inside
        checked[steps.last] |= inside[steps.last]
        found: list[Stay] = []
        for row in np.flatnonzero(checked):
            slot = int(steps.now.slot[row])
            if inside[row]:
                self._saw_inside(slot, float(steps.now.time_s[row]), not came_from_inside[row], found)
            else:
                self._saw_inside(slot, float(steps.before.time_s[row]), False, found)
                self._open[slot].outside = True
        return found

    def expire(self, now: float) -> list[Stay]:
        """End the stays of those who at ``now``, seconds, have been outside for long enough."""
        gone = [s for s, stay in self._open.items() if stay.outside and now - stay.last_inside >= self._flicker_s]
        return self._end(gone)

    def clear(self, slots: Int) -> list[Stay]:
        """Forget these people and return the stays that so ended."""
        return self._end([slot for slot in slots.tolist() if slot in self._open])

    def _saw_inside(self, slot: int, time_s: float, arrives: bool, found: list[Stay]) -> None:
        stay = self._open.get(slot)
        if stay is not None and arrives and time_s - stay.last_inside >= self._flicker_s:
            found += self._end([slot])
            stay = None
        if stay is None:
            stay = self._open[slot] = _Open(entered_at=time_s, last_inside=time_s)
        stay.outside = False
        stay.last_inside = time_s
        if not stay.announced and time_s - stay.entered_at >= self._min_stay_s:
            stay.announced = True
            found.append(Stay(slot, stay.entered_at))

    def _end(self, slots: list[int]) -> list[Stay]:
        ended = [(slot, self._open.pop(slot)) for slot in slots]
        return [Stay(slot, stay.entered_at, stay.last_inside) for slot, stay in ended if stay.announced]
