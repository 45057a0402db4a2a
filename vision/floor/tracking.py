"""Follows people over the floor: what all cameras see at a moment in, one track a person out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from vision.detections import Detections
from vision.floor.association import NOBODY, associate, evidence, gathered
from vision.floor.clustering import clusters
from vision.floor.coverage import seen_share
from vision.floor.history import Moment
from vision.floor.looks import remembered, speaks, vectors, widened, width
from vision.floor.motion import States, corrected, joined, predicted, started
from vision.floor.observations import Observations, Rig, observe
from vision.floor.openings import Openings
from vision.floor.paths import Paths
from vision.floor.settings import FloorSettings
from vision.floor.sight import Sight
from vision.floor.staff import speaks_for_vest
from vision.floor.strays import strays
from vision.floor.tracks import FloorMoment, FloorTracks
from vision.floor.twins import Twins

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NOT_THEIRS: Final = NOBODY - 1  # a box that is of somebody who has a better one in the same picture
_WEAK: Final = 3.0  # so much less in log odds is enough to be kept for who is not given out yet
_ALONE: Final = 1.0  # so much less than sure is who was seen once by one camera


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """Who is followed, n rows: ``key`` (n,) rising, ``states``, ``odds`` (n,) that somebody is there, ``saw`` (n,
    cameras) at this moment, what the boxes of this moment tell: ``information`` (n, 3, 3) and ``pull`` (n, 3), and what
    they ``looks`` like (n, cameras, d) so far.
    """

    key: Ints
    states: States
    odds: Float
    saw: Bools
    information: Float
    pull: Float
    looks: Float

    @classmethod
    def empty(cls, cameras: int, length: int) -> Self:
        """Nobody."""
        none = np.zeros(0)
        saw = np.zeros((0, cameras), np.bool_)
        told, looks = (np.zeros((0, 3, 3)), np.zeros((0, 3))), np.zeros((0, cameras, length))
        return cls(none.astype(np.int64), States.empty(), none, saw, *told, looks)

    def __getitem__(self, index: Bools) -> Self:
        return type(self)(*(getattr(self, name)[index] for name in self.__slots__))

    def and_(self, more: _People) -> _People:
        """These and then those."""
        rows = {
            name: np.concatenate([getattr(self, name), getattr(more, name)])
            for name in ("key", "odds", "saw", "information", "pull", "looks")
        }
        return _People(states=joined(self.states, more.states), **rows)


class FloorTracker:
    """One tracker for all ``cameras`` over one floor.

    ``update`` takes in a moment and gives the people who are there, at once. ``settled`` then holds the moments that
    are due: the same people, each moment once and in order, ``plain_s`` to ``window_s`` seconds late, decided anew with
    what was seen since: from the moment that somebody was first seen and not from when that was sure, and with mix-ups
    undone that the seconds after them tell. What is live bears the settled ids from then on. ``owners`` has, by camera,
    the live id (n,) of whom each of the last moment's boxes shows, 0 for nobody's.

    ``gates`` (g, 2, 2) are the ends of the openings where people come and go, in metres; without, they may anywhere.
    ``sight`` is what walls and furniture hide from these cameras; without, nothing does.
    Identities count from 1 in each instance and are never used again.
    """

    def __init__(
        self,
        cameras: Sequence[CameraModel],
        settings: FloorSettings | None = None,
        *,
        gates: Float | None = None,
        sight: Sight | None = None,
    ) -> None:
        self.cameras = tuple(camera.camera for camera in cameras)
        if len(set(self.cameras)) < len(self.cameras):
            raise ValueError(f"cameras must have different names, got {', '.join(self.cameras)}")
        self.settings = settings or FloorSettings()
        self._place = {name: place for place, name in enumerate(self.cameras)}
        self._rig = Rig.of(tuple(cameras))
        self._openings = Openings(gates, self.settings)
        self._sight = sight
        self.reset()

    def reset(self) -> None:
        """Forget everyone, for another day."""
        self._length = 0  # of appearance vectors
        self._people = _People.empty(len(self.cameras), 0)
        self._next_key = 1
        self._time_s: float | None = None
        self._twins = Twins()
        self._paths = Paths(self._rig, self._openings, self.settings, self._sight)
        self.settled: list[FloorMoment] = []
        self.owners: dict[str, Ints] = {}
        self._factor = np.ones(len(self.cameras))

    def doubt(self, camera: str, factor: float) -> None:
        """From now on the boxes of ``camera`` err by ``factor`` times as much as others: 1 trusts it again.

        Raises ``ValueError`` for a camera that the tracker does not know, and for a factor below 1.
        """
        if camera not in self._place:
            raise ValueError(f"no camera {camera}; there are {', '.join(self.cameras)}")
        if not factor >= 1.0:
            raise ValueError(f"a camera errs by a factor of 1 or more, got {factor}")
        self._factor[self._place[camera]] = factor

    @property
    def alive(self) -> set[int]:
        """The ids that may be given out again, live or settled: of the others nothing more will come."""
        return self._paths.open | set(self._paths.names.values())

    def update(self, time_s: float, detections: Mapping[str, Detections]) -> FloorTracks:
        """Take in what the cameras see at ``time_s`` seconds.

        A camera that is absent gave no picture; one without detections saw nobody, which is told. With ``embedding``
        looks help to tell who is who, as long as somebody is followed. Raises ``ValueError`` for a camera that the
        tracker does not know, when time does not advance, and for appearance vectors of another length than before.
        """
        if unknown := sorted(set(detections) - set(self.cameras)):
            raise ValueError(f"no camera {', '.join(unknown)}; there are {', '.join(self.cameras)}")
        if self._time_s is not None and time_s <= self._time_s:
            raise ValueError(f"time must advance between updates: {self._time_s} s, then {time_s} s")
        self._widen(width(detections.values()))
        dt = None if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        seen = self._observed(detections)
        on = np.array([name in detections for name in self.cameras], np.bool_)
        looks = vectors(self.cameras, detections, seen, self._length)
        people, owner = self._followed(seen, on, dt or 0.0, looks)
        free = np.flatnonzero(owner == NOBODY)
        newcomers, new_owner = self._newcomers(seen[free], on, dt, people, looks[free])
        owner[free] = np.where(new_owner >= 0, new_owner + len(people.key), NOBODY)
        people = people.and_(newcomers)
        names = self._paths.names
        named = self._named(people)
        own = np.flatnonzero(owner >= 0)
        now = np.zeros((len(people.key), len(self.cameras), self._length))
        now[owner[own], seen.camera[own]] = looks[own]
        people = replace(people, looks=remembered(people.looks, now))
        for key in people.key[~named & (people.odds > self.settings.confirm)].tolist():
            names[key] = self._paths.new_id()
        vest = self._vests(detections, seen, owner, len(people.key))
        told = people.information, people.pull, people.odds, people.saw, vest, now
        self._paths.add(Moment(time_s, people.key, people.states, *told, on))
        self._people = people[people.odds > np.where(named, self.settings.drop, self.settings.drop - _WEAK)]
        self.settled = self._paths.settle(time_s)
        named_owner = [names.get(int(people.key[row]), 0) if row >= 0 else 0 for row in owner]
        self.owners = {name: np.zeros(len(boxes), np.int64) for name, boxes in detections.items()}
        for camera, box, number in zip(seen.camera, seen.box, named_owner, strict=True):
            self.owners[self.cameras[camera]][box] = number
        return self._shown()

    def finish(self) -> list[FloorMoment]:
        """The moments that are not settled yet, as they are known now: for when footage ends."""
        return self._paths.flush()

    def _observed(self, detections: Mapping[str, Detections]) -> Observations:
        # In the tracker's order, whatever the caller's.
        named = [(place, detections[name]) for name, place in self._place.items() if name in detections]
        camera = np.repeat([place for place, _ in named], [len(each) for _, each in named]).astype(np.int64)
        xyxy = np.concatenate([np.zeros((0, 4)), *(each.xyxy for _, each in named)])
        # Without joints a confidence of 0: then the box says it.
        joints = [
            np.zeros((len(each), 17, 3)) if each.keypoints is None else each.keypoints.astype(np.float64)
            for _, each in named
        ]
        keypoints = np.concatenate(joints) if any(each.keypoints is not None for _, each in named) else None
        return observe(
            self._rig,
            camera,
            xyxy,
            self.settings.boxes,
            self._factor[camera],
            keypoints=keypoints,
            joints=self.settings.joints,
        )

    def _widen(self, length: int) -> None:
        if length in (0, self._length):
            return
        if self._length:
            raise ValueError(f"appearance vectors must have the length {self._length} as before, got {length}")
        self._length = length
        self._people = replace(self._people, looks=widened(self._people.looks, length))
        self._paths.widen(length)

    def _vests(self, detections: Mapping[str, Detections], seen: Observations, owner: Ints, people: int) -> Float:
        """What the boxes of each person (people,) speak for the staff's vest."""
        told = np.zeros(people)
        for camera, name in enumerate(self.cameras):
            if name in detections and (share := detections[name].vest) is not None:
                own = np.flatnonzero((seen.camera == camera) & (owner >= 0))
                np.add.at(told, owner[own], speaks_for_vest(share[seen.box[own]]))
        return told

    def _named(self, people: _People) -> Bools:
        """Who (n,) was given out."""
        return np.array([key in self._paths.names for key in people.key.tolist()], np.bool_)

    def _followed(self, seen: Observations, on: Bools, dt: float, looks: Float) -> tuple[_People, Ints]:
        """Who was followed before, at this moment; and whose each box is."""
        s, people = self.settings, self._people
        ahead = predicted(people.states, dt, s.walking)
        found = s.boxes.found * seen_share(self._rig, ahead.place, sight=self._sight) * on
        alike = speaks(people.looks[:, seen.camera], looks[None])
        owner = associate(seen, ahead, found, s.gate, s.rounds, alike)
        saw = np.zeros(found.shape, np.bool_)
        saw[owner[owner >= 0], seen.camera[owner >= 0]] = True
        told = evidence(seen, owner, ahead.place, ahead.place_variance, found, saw)
        here = (1 - self._openings.leaving(ahead.mean[:, :2], dt)) / (1 + np.exp(-people.odds))
        odds = np.log(here) - np.log1p(-np.minimum(here, 1 - 1e-9)) + told
        # Who is not given out yet may be made of stray boxes of those who are.
        named = self._named(people)
        new = np.flatnonzero((owner >= 0) & ~np.append(named, True)[owner])
        stray = strays(self._rig, seen[new], ahead, found, saw | ~named[:, None], alike[:, new])
        odds -= np.bincount(owner[new], np.logaddexp(0.0, stray), len(odds))
        odds = np.minimum(odds, s.surest)
        states = corrected(ahead, *gathered(seen, owner, len(ahead)))
        kept = np.ones(len(ahead), np.bool_)
        for one, other in self._twins.same(seen, owner, ahead, states, found, saw, people.key, odds, told, alike):
            # Who was given out stays, and of two who were, the older.
            known = [int(people.key[row]) in self._paths.names for row in (one, other)]
            stays, goes = (other, one) if known[1] and not known[0] else (one, other)
            self._paths.unite(int(people.key[stays]), int(people.key[goes]))
            taken = np.flatnonzero(owner == goes)
            owner[taken] = np.where(saw[stays, seen.camera[taken]], _NOT_THEIRS, stays)
            saw[stays] |= saw[goes]
            kept[goes] = False
        place = np.cumsum(kept) - 1
        owner = np.where(owner >= 0, place[owner], owner) if len(place) else owner
        information, pull = gathered(seen, owner, int(kept.sum()))
        states = corrected(ahead[kept], information, pull)
        return _People(people.key[kept], states, odds[kept], saw[kept], information, pull, people.looks[kept]), owner

    def _newcomers(
        self, rest: Observations, on: Bools, dt: float | None, known: _People, looks: Float
    ) -> tuple[_People, Ints]:
        """Who may be new, from boxes that are nobody's; and whose each of these boxes is."""
        s = self.settings
        if not len(rest):
            return _People.empty(len(self.cameras), self._length), np.zeros(0, np.int64)
        found = s.boxes.found * seen_share(self._rig, rest.place, hiding=False, sight=self._sight) * on
        # Who is there at the first moment came at some time before, and by now may be anywhere.
        many = np.full(len(rest), s.arrivals * s.leave_s)
        if dt is not None:
            many = self._openings.arrivals(rest.place[:, :2]) * dt
        new = clusters(rest, found, many, s.boxes)
        # One box alone may be a poster or a reflection, which stay: it takes a second one to be sure.
        alone = np.bincount(new.group, minlength=len(new.odds)) == 1
        expected = s.boxes.found * seen_share(self._rig, known.states.place, sight=self._sight) * on
        alike = speaks(known.looks[:, rest.camera], looks[None])
        stray = np.logaddexp(0.0, strays(self._rig, rest, known.states, expected, known.saw, alike))
        odds = new.odds - np.bincount(new.group, stray, len(new.odds))
        odds = np.minimum(odds, np.where(alone, s.confirm - _ALONE, s.surest))
        good = odds > s.drop - _WEAK
        place = np.where(good, np.cumsum(good) - 1, NOBODY)
        count = int(good.sum())
        owner = place[new.group]
        saw = np.zeros((count, len(self.cameras)), np.bool_)
        saw[owner[owner >= 0], rest.camera[owner >= 0]] = True
        key = self._next_key + np.arange(count)
        self._next_key += count
        states = started(new.place[good], new.variance[good], s.walking)
        looks = np.zeros((count, len(self.cameras), self._length))
        return _People(key, states, odds[good], saw, *gathered(rest, owner, count), looks), owner

    def _shown(self) -> FloorTracks:
        people = self._people
        name = np.array([self._paths.names.get(key, 0) for key in people.key.tolist()], np.int64)
        people, name = people[name > 0], name[name > 0]
        confidence = 1 / (1 + np.exp(-people.odds))
        return FloorTracks.of(name, people.states.mean, people.states.variance, confidence, people.saw)
