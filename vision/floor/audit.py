"""Does following people over the floor add up? People come and go at gates, and nobody is twice."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from store.events import FloorAudited
from vision.floor.openings import to_segments
from vision.floor.tracks import FloorMoment, FloorTracks

Float = NDArray[np.float64]
Fail = Literal["balance", "begins", "ends", "twice"]


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """``every_s`` seconds an audit. Tracks may begin and end within ``near_m`` of a gate. Who is seen in the first
    ``start_s`` was there before. Two tracks that stay within ``together_m`` for ``together_s`` seconds, and that no
    camera sees apart, are one person.
    """

    every_s: float = 60.0
    near_m: float = 2.0
    start_s: float = 5.0
    together_m: float = 0.35
    together_s: float = 2.0


@dataclass(slots=True)
class _Track:
    near: bool  # a gate, where it began
    began: float
    xy: Float
    chance: float  # that somebody is there
    sure: bool = False


@dataclass(slots=True)
class _Counts:
    entries: int = 0
    exits: int = 0
    begun_away: int = 0
    ended_away: int = 0
    doubled: int = 0


class FloorAudit:
    """Takes in settled moments and tells, about once in ``every_s`` seconds, whether they add up.

    ``gates`` (g, 2, 2) are the ends of the openings in metres; without any, people may come and go anywhere. The error
    of how many are inside: each track is somebody with the chance that the tracker gives, one half where it does not
    see them now; and each that began or ended away from gates may be one that was lost and found, or not. ``newest`` is
    the last audit, ``told`` how many there were, and ``failed`` how often each part failed.
    """

    def __init__(
        self, store: str, cameras: Sequence[str], gates: Float | None, settings: AuditSettings | None = None
    ) -> None:
        self.settings = settings or AuditSettings()
        self._store, self._cameras = store, tuple(cameras)
        self._gates = np.zeros((0, 2, 2)) if gates is None else np.asarray(gates, np.float64).reshape(-1, 2, 2)
        self.newest: FloorAudited | None = None
        self.told = 0
        self.failed: dict[Fail, int] = dict.fromkeys(("balance", "begins", "ends", "twice"), 0)
        self._tracks: dict[int, _Track] = {}
        self._began: float | None = None
        self._period_began = self._time_s = 0.0
        self._before = 0
        self._counts = _Counts()
        self._saw = np.zeros(len(self._cameras), np.bool_)
        self._together: dict[tuple[int, int], float] = {}
        self._twice: set[tuple[int, int]] = set()

    def update(self, moment: FloorMoment, alive: Collection[int], sure: Collection[int]) -> FloorAudited | None:
        """Take in the next settled moment; returns the audit that is due.

        ``alive`` are the ids that may still be seen, ``sure`` those that count; who never does is nobody.
        """
        if self._began is None:
            self._began = self._period_began = moment.time_s
        self._time_s = moment.time_s
        tracks = moment.tracks
        numbers = tracks.track_id.tolist()
        for each in self._tracks.values():
            each.chance = 0.5
        near = self._near(tracks.xy)
        for row, number in enumerate(numbers):
            track = self._tracks.get(number)
            if track is None:
                track = self._tracks[number] = _Track(bool(near[row]), moment.time_s, tracks.xy[row], 1.0)
            track.xy, track.chance = tracks.xy[row], float(tracks.confidence[row])
            if not track.sure and number in sure:
                track.sure = True
                self._begins(track)
        self._saw |= tracks.cameras.any(axis=0)
        self._look_for_twins(tracks[np.isin(tracks.track_id, [n for n, each in self._tracks.items() if each.sure])])
        for number in [n for n in self._tracks if n not in alive and n not in numbers]:
            self._ends(self._tracks.pop(number))
        if moment.time_s - self._period_began < self.settings.every_s:
            return None
        return self._told()

    def close(self) -> FloorAudited | None:
        """What the time since the last audit comes to, when footage ends; None where nothing was seen."""
        return self._told() if self._began is not None and self._time_s > self._period_began else None

    def _begins(self, track: _Track) -> None:
        assert self._began is not None
        if track.began - self._began <= self.settings.start_s and self._period_began == self._began:
            self._before += 1
        elif track.near:
            self._counts.entries += 1
        else:
            self._counts.begun_away += 1

    def _ends(self, track: _Track) -> None:
        if not track.sure:
            return
        if self._near(track.xy[None])[0]:
            self._counts.exits += 1
        else:
            self._counts.ended_away += 1

    def _look_for_twins(self, tracks: FloorTracks) -> None:
        s = self.settings
        apart = np.linalg.norm(tracks.xy[:, None] - tracks.xy[None], axis=2)
        one, other = np.nonzero(np.triu(apart < s.together_m, 1))
        before, self._together = self._together, {}
        for i, j in zip(one.tolist(), other.tolist(), strict=True):
            saw, also = tracks.cameras[i], tracks.cameras[j]
            if (saw & also).any():
                continue
            pair = int(tracks.track_id[i]), int(tracks.track_id[j])
            self._together[pair] = since = before.get(pair, self._time_s)
            if self._time_s - since >= s.together_s and pair not in self._twice:
                self._twice.add(pair)
                self._counts.doubled += 1

    def _told(self) -> FloorAudited:
        chances = np.array([track.chance for track in self._tracks.values() if track.sure])
        counts, inside = self._counts, len(chances)
        variance = float((chances * (1 - chances)).sum()) + counts.begun_away + counts.ended_away + counts.doubled
        failing: dict[Fail, bool] = {
            "balance": counts.entries - counts.exits != inside - self._before,
            "begins": counts.begun_away > 0,
            "ends": counts.ended_away > 0,
            "twice": counts.doubled > 0,
        }
        self.newest = FloorAudited(
            store=self._store,
            time=self._time_s,
            cameras=tuple(name for name, saw in zip(self._cameras, self._saw.tolist(), strict=True) if saw),
            period_s=self._time_s - self._period_began,
            entries=counts.entries,
            exits=counts.exits,
            inside_before=self._before,
            inside=inside,
            sigma=round(math.sqrt(variance), 3),
            begun_away=counts.begun_away,
            ended_away=counts.ended_away,
            doubled=counts.doubled,
            fails=tuple(name for name, fails in failing.items() if fails),
        )
        self.told += 1
        for name in self.newest.fails:
            self.failed[name] += 1
        self._period_began, self._before, self._counts = self._time_s, inside, _Counts()
        self._saw[:] = False
        self._twice = {pair for pair in self._twice if pair[0] in self._tracks and pair[1] in self._tracks}
        return self.newest

    def _near(self, xy: Float) -> NDArray[np.bool_]:
        if not len(self._gates):
            return np.ones(len(xy), np.bool_)
        return np.asarray(to_segments(xy, self._gates).min(axis=1) <= self.settings.near_m)
