"""Occupancy: person-seconds and the most people at once, by area and minute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights.sightings import Float, Int, Steps
from insights.timeline import Timeline


@dataclass(frozen=True, slots=True)
class OccupiedMinute:
    """What to add to one ``minute`` (seconds // 60) of one area; its peak is the largest ``peak`` of all additions."""

    area: int
    minute: int
    person_seconds: float
    peak: int


class Occupancy:
    """Adds up presence. A step between two sightings counts where it began, for ``max_step_s`` seconds at most.

    For the peak a person is present at each sighting, and from one to the next where they are ``max_step_s`` or less
    apart; both ends belong to it, so that people seen in the same picture are there at once.
    """

    def __init__(self, areas: int, max_step_s: float) -> None:
        self._max_step_s = max_step_s
        self._timelines = [Timeline() for _ in range(areas)]

    def update(self, steps: Steps, settled: float) -> list[OccupiedMinute]:
        """Take the next steps; peaks are known up to ``settled``, seconds, which no short step to come began before."""
        found = []
        start, end = steps.before.time_s, steps.now.time_s
        duration = steps.seconds(self._max_step_s)
        short = steps.known & (end - start <= self._max_step_s)
        for area, timeline in enumerate(self._timelines):
            was, now = steps.known & steps.before.inside[:, area], steps.now.inside[:, area]
            joined, alone = was & short, now & ~(was & short)
            # A moment lasts up to the next number after it, so that moments and the time between them do not overlap.
            timeline.add(_after(start[joined]), np.where(now, _after(end), end)[joined])
            timeline.add(end[alone], _after(end[alone]))
            times, counts = timeline.advance(settled)
            found += self._minutes(area, start[was], duration[was], times, counts)
        return found

    @staticmethod
    def _minutes(area: int, start: Float, duration: Float, times: Float, counts: Int) -> list[OccupiedMinute]:
        of_start = np.floor_divide(start, 60).astype(np.int64)
        of_count = np.floor_divide(times, 60).astype(np.int64)
        minutes = np.unique(np.concatenate([of_start, of_count]))
        seconds = np.zeros(len(minutes))
        peaks = np.zeros(len(minutes), np.int64)
        np.add.at(seconds, np.searchsorted(minutes, of_start), duration)
        np.maximum.at(peaks, np.searchsorted(minutes, of_count), counts)
        rows = zip(minutes.tolist(), seconds.tolist(), peaks.tolist(), strict=True)
        return [OccupiedMinute(area, minute, total, peak) for minute, total, peak in rows if total or peak]


def _after(time_s: Float) -> Float:
    return np.asarray(np.nextafter(time_s, np.inf), np.float64)
