"""Settled paths: who was where, decided when some seconds more are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.coverage import seen_share
from vision.floor.history import Moment, Tail, tails
from vision.floor.linking import link
from vision.floor.looks import remembered, speaks, widened
from vision.floor.motion import States, both, corrected, joined, predicted, started
from vision.floor.observations import Rig
from vision.floor.openings import Openings
from vision.floor.settings import FloorSettings
from vision.floor.sight import Sight
from vision.floor.staff import gathered, probability
from vision.floor.tracks import FloorMoment, FloorTracks

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LEAST: Final = 2 / 3  # of the window a moment waits at least; then all that waited as long are settled in one pass
_STOPS_S: Final = 0.4  # in which who is lost becomes slower by a factor of e
_TO_BE_TOLD: Final = 2  # cameras that see somebody who has not come in yet
_TWO_M: Final = 0.8  # farther apart two tracks are of two people


class Paths:
    """Moments wait here until ``window_s`` seconds more are known, or ``plain_s`` where nothing may be mixed up; then
    each is settled, once.

    What was followed live (keys) is cut at every moment and joined anew with what is known of before and after, so that
    a mix-up of two people is undone, and one who was lost is found again, if the seconds that follow tell.
    """

    def __init__(self, rig: Rig, openings: Openings, settings: FloorSettings, sight: Sight | None = None) -> None:
        self._rig, self._openings, self._settings, self._sight = rig, openings, settings, sight
        self._moments: list[Moment] = []
        self._heads = States.empty()
        self._id, self._key = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._seen_s, self._silence, self._vest = np.zeros(0), np.zeros(0), np.zeros(0)
        self._looks = np.zeros((0, len(rig.cameras), 0))
        self._vests = False  # whether any were ever looked for
        self._seen_xy = np.zeros((0, 2))
        self._time_s = 0.0
        self._last_id = 0
        self._came: set[int] = set()  # the ids of paths that have been inside
        self.names: dict[int, int] = {}  # of keys that are surely somebody: the track's id

    def new_id(self) -> int:
        """The next id, which nobody had."""
        self._last_id += 1
        return self._last_id

    @property
    def open(self) -> set[int]:
        """The ids of paths that may still go on."""
        return set(self._id.tolist())

    def add(self, moment: Moment) -> None:
        """The newest moment."""
        self._moments.append(moment)
        self._vests = self._vests or bool(moment.vest.any())

    def widen(self, length: int) -> None:
        """From now on there are appearance vectors of this length."""
        self._looks = widened(self._looks, length)
        self._moments = [replace(each, looks=widened(each.looks, length)) for each in self._moments]

    def unite(self, stays: int, goes: int) -> None:
        """Two keys are one person: what is not settled yet of ``goes`` is of ``stays``, where that was not seen.

        Only since they were apart: then they were two, of whom one is gone, and what is left of it is the other's.
        """
        for place in reversed(range(len(self._moments))):
            if self._moments[place].apart_m(stays, goes) > _TWO_M:
                return
            self._moments[place] = self._moments[place].united(stays, goes)
        self.names.pop(goes, None)

    def settle(self, now: float) -> list[FloorMoment]:
        """The moments that are due at ``now``; they are forgotten."""
        if not self._moments:
            return []
        window, waited_s = self._settings.window_s, now - self._moments[0].time_s
        if waited_s < window - 1e-6:
            window = self._settings.plain_s
            if waited_s < window - 1e-6 or not self._plain():
                return []
        return self.flush(sum(now - m.time_s >= window * _LEAST - 1e-6 for m in self._moments))

    def _plain(self) -> bool:
        """Whether nothing that waits may be mixed up, so that more seconds would tell nothing; who came beyond a gate
        may turn out to be two.
        """
        if not self._openings.known:
            return False
        first: dict[int, Float] = {}
        for moment in self._moments:
            xy = moment.states.mean[:, :2]
            apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.diag(np.full(len(xy), np.inf))
            if apart.min(initial=np.inf) < self._settings.alone_m:
                return False
            for key, place in zip(moment.key.tolist(), xy, strict=True):
                first.setdefault(key, place)
        last = set(self._moments[-1].key.tolist())
        if any(key not in self.names for key in last):
            return False
        paths = dict(zip(self._key.tolist(), self._seen_xy, strict=True))
        new = [place for key, place in first.items() if key not in paths and key in self.names]
        if self._sight is not None and new and self._sight.outside(np.array(new)).any():
            return False
        lost = [place for key, place in paths.items() if key not in last]
        return bool(self._openings.at(np.array([*new, *lost]).reshape(-1, 2)).all())

    def flush(self, due: int | None = None) -> list[FloorMoment]:
        """The first ``due`` moments, all where None; they are forgotten."""
        known = tails(self._moments, self._settings)
        count = len(self._moments) if due is None else due
        shown = [self._settle(place, known[place]) for place in range(count)]
        self._moments = self._moments[count:]
        self._forget()
        return shown

    def _forget(self) -> None:
        """Forget the names of keys that nothing bears any more: a shop is open for days."""
        self._came &= self.open
        borne = set(self._key.tolist()).union(*(moment.key.tolist() for moment in self._moments))
        for key in [key for key in self.names if key not in borne]:
            del self.names[key]

    def _settle(self, place: int, tail: Tail) -> FloorMoment:
        moment, s = self._moments[place], self._settings
        inside = ~self._openings.at(self._seen_xy)
        if len(self._heads):
            dt = moment.time_s - self._time_s
            self._heads = predicted(self._heads, dt, s.walking)
            # Who is lost in the middle of a shop mostly stands behind somebody or something.
            self._heads.mean[inside & (self._seen_s < self._time_s), 2:4] *= np.exp(-dt / _STOPS_S)
        self._time_s = moment.time_s
        key = moment.key[tail.row]
        ago_s = moment.time_s - self._seen_s
        same = self._key[:, None] == key[None]
        # Away from gates who is not seen is hidden, and stays so for a while: more of it says no more.
        silence = np.where(inside, np.maximum(self._silence, s.silence_inside), self._silence)
        alike = speaks(self._looks[:, None], tail.looks[None]).sum(axis=2)
        row, column = link(self._heads, tail.states, ago_s, silence, same, alike, self._openings, s)
        self._silence[row] = 0.0
        # Paths that go on.
        here = tail.row[column]
        better = corrected(self._heads[row], moment.information[here], moment.pull[here])
        self._heads.mean[row], self._heads.variance[row] = better.mean, better.variance
        self._looks[row] = remembered(self._looks[row], moment.looks[here])
        self._vest[row] = gathered(self._vest[row], moment.vest[here])
        self._key[row], self._seen_s[row] = key[column], moment.time_s
        self._seen_xy[row] = better.mean[:, :2]
        # Paths that begin: of whom it is sure by now that they are there.
        fresh = np.setdiff1d(np.arange(len(key)), column)
        named = np.array([self.names.get(int(k), 0) for k in key[fresh]], np.int64)
        fresh, named = fresh[named > 0], named[named > 0]
        used = set(self._id.tolist())
        ids = np.array([each if each not in used else self.new_id() for each in named.tolist()], np.int64)
        new = started(tail.states.place[fresh], tail.states.place_variance[fresh], s.walking)
        new = _from_boxes(new, moment.information[tail.row[fresh]], moment.pull[tail.row[fresh]], s)
        count = len(self._heads)
        self._heads = joined(self._heads, new)
        self._id = np.concatenate([self._id, ids])
        self._key = np.concatenate([self._key, key[fresh]])
        self._seen_s = np.concatenate([self._seen_s, np.full(len(fresh), moment.time_s)])
        self._seen_xy = np.concatenate([self._seen_xy, new.mean[:, :2]])
        self._silence = np.concatenate([self._silence, np.zeros(len(fresh))])
        self._looks = np.concatenate([self._looks, moment.looks[tail.row[fresh]]])
        self._vest = np.concatenate([self._vest, gathered(np.zeros(len(fresh)), moment.vest[tail.row[fresh]])])
        self._rename()
        path = np.concatenate([row, count + np.arange(len(fresh))]).astype(np.int64)
        node = np.concatenate([column, fresh]).astype(np.int64)
        shown = self._shown(place, path, node, tail)
        self._miss(moment, np.setdiff1d(np.arange(len(self._heads)), path))
        return shown

    def _miss(self, moment: Moment, silent: Ints) -> None:
        """Nobody saw the paths in rows ``silent`` (m,) at a moment; those that are over are given up."""
        s = self._settings
        # Not by what walls hide: who went out of a gate would stay as long as somebody out of sight does.
        found = s.boxes.found * seen_share(self._rig, self._heads.place) * moment.on
        self._silence[silent] += np.logaddexp(np.log1p(-np.minimum(found[silent], 0.995)).sum(axis=1), np.log(s.unseen))
        least = np.full(len(self._heads), s.silence)
        if self._openings.known:
            # Nobody vanishes in the middle of a shop: there a path waits its full time.
            least = np.where(self._openings.at(self._seen_xy), s.silence_at_gates, -np.inf)
        kept = (moment.time_s - self._seen_s <= s.forget_s) & (self._silence > least)
        self._heads, self._id = self._heads[kept], self._id[kept]
        self._key, self._seen_s = self._key[kept], self._seen_s[kept]
        self._seen_xy, self._silence = self._seen_xy[kept], self._silence[kept]
        self._vest, self._looks = self._vest[kept], self._looks[kept]

    def _rename(self) -> None:
        """Live tracks bear the id of the path that they are; what bore it before gets one of its own."""
        owner = dict(zip(self._id.tolist(), self._key.tolist(), strict=True))
        for number, key in owner.items():
            self.names[key] = number
        for key, number in self.names.items():
            if owner.get(number, key) != key:
                self.names[key] = self.new_id()

    def _shown(self, place: int, path: Ints, node: Ints, tail: Tail) -> FloorMoment:
        moment = self._moments[place]
        states = self._heads[path]
        mean, variance = states.mean.copy(), states.variance.copy()
        known = tail.known[node]
        better = both(states[known], tail.later[node[known]])
        mean[known], variance[known] = better.mean, better.variance
        row = tail.row[node]
        # Out of sight for a moment: the same is seen again before long.
        later = np.concatenate([np.zeros(0, np.int64), *(m.key[m.saw.any(axis=1)] for m in self._moments[place + 1 :])])
        gap = np.setdiff1d(np.flatnonzero(np.isin(self._key, later)), path)
        gap = gap[~np.isin(self._key[gap], moment.key[row])]
        tracks = FloorTracks.of(
            np.concatenate([self._id[path], self._id[gap]]),
            np.concatenate([mean, self._heads.mean[gap]]),
            np.concatenate([variance, self._heads.variance[gap]]),
            np.concatenate([1 / (1 + np.exp(-np.maximum(moment.odds[row], 0.0))), np.full(len(gap), 0.5)]),
            np.concatenate([moment.saw[row], np.zeros((len(gap), moment.saw.shape[1]), np.bool_)]),
        )
        sure = probability(self._vest).tolist()
        staff = dict(zip(self._id.tolist(), sure, strict=True)) if self._vests else {}
        return FloorMoment(moment.time_s, tracks[~self._arriving(tracks)], staff)

    def _arriving(self, tracks: FloorTracks) -> Bools:
        """Who (n,) is still before a gate, seen by one camera: it takes people one behind the other for one another."""
        if self._sight is None:
            return np.zeros(len(tracks), np.bool_)
        outside = self._sight.outside(tracks.xy)
        self._came.update(tracks.track_id[~outside].tolist())
        came = np.isin(tracks.track_id, np.fromiter(self._came, np.int64, len(self._came)))
        return np.asarray(outside & ~came & (tracks.cameras.sum(axis=1) < _TO_BE_TOLD))


def _from_boxes(states: States, information: Float, pull: Float, settings: FloorSettings) -> States:
    wide = states.variance.copy()
    wide[:, [0, 1], [0, 1]] = 9.0
    mean = states.mean.copy()
    mean[:, 4] = settings.boxes.height_m
    wide[:, 4, 4] = settings.boxes.height_sd_m**2
    wide[:, [0, 1, 4, 0, 1, 4], [1, 0, 0, 4, 4, 1]] = 0.0
    return corrected(States(mean, wide), information, pull)
