"""Reaches seen without joints: what is before a shelf's front in the pictures of all cameras that see it is a hand.

A body that stands before a shelf hides other slots from each camera; what all of them see change at one point of a
slot's front is at that point (the visual hull, cut with the plane of the front: Laurentini, 1994). Changes are told
from a remembered picture of each slot, which takes up what stays: a package that is gone, but not a body that stands
still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan
from vision.floor.tracks import FloorTracks
from vision.shop.evidence import Reach
from vision.shop.moment import SeenPicture, ShopMoment
from vision.shop.reaches import visits
from vision.shop.slot_views import COLUMNS, ROWS, SlotViews, extent_of

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAR_M: Final = 1.0  # from a slot's front, within which people reach into it
ENTER: Final = 0.1  # the share of a slot's front that something is before, when a reach begins
LEAVE: Final = 0.05  # and below which it ends
CHANGED: Final = 20  # grey levels of the channel that differs most
AGREE_S: Final = 0.21  # cameras are not in phase: what each saw within this of a moment counts
_LAG_S: Final = 0.2
_USUAL_S: Final = 3.0  # in which what stays before a front becomes usual
_OVER_S: Final = 0.5  # without anything before the front, a reach is over
_LONGEST_S: Final = 8.0
_DRAWN: Final = 0.08  # by which the share falls and rises again between two reaches
_SURE: Final = 0.4  # the share at which a reach is as sure as it gets
_SUREST: Final = 0.9
_STILL: Final = 12  # grey levels between looks at what does not move
_LOOKS: Final = 3  # so many still looks are remembered, outside people's boxes
_LOOKS_INSIDE: Final = 6  # and inside, where less than ``_LOCAL`` of the slot changed: a package, not a body
_LOCAL: Final = 0.5
_REFRESH_S: Final = 1.0  # how often slots are looked at that nobody is near
_FEWEST: Final = 2  # cameras that must see a point
LEAST: Final = 0.1  # reaches that are less likely are not told
_LEAST: Final = 0.02  # nor slots
_STEP: Final = 2  # every second row and column of a patch is looked at


@dataclass(slots=True, eq=False)
class _Memory:
    """Of one camera's slots: what they look like, the last look at them, for how many looks that is the same, when each
    was looked at and each point last was changed; seconds.
    """

    known: NDArray[np.int16]
    last: NDArray[np.int16]
    still: NDArray[np.int16]
    looked_s: Float
    changed_s: Float

    @classmethod
    def of(cls, views: SlotViews) -> _Memory:
        shape = (len(views), ROWS // _STEP, COLUMNS // _STEP)
        picture = np.zeros((*shape, 3), np.int16)
        never = np.full(shape, -np.inf)
        return cls(picture, picture.copy(), np.zeros(shape, np.int16), np.full(len(views), -np.inf), never)


@dataclass(slots=True)
class _Stay:
    """Something before the slots of one person: at ``time_s`` (k) how much of each slot (k, s)."""

    time_s: list[float] = field(default_factory=list)
    shares: list[Float] = field(default_factory=list)
    person_xy: list[Float] = field(default_factory=list)
    quiet_s: float = 0.0


class IntrusionFinder:
    """Finds reaches into the slots of ``plan`` in the pictures of ``cameras``, which must be calibrated."""

    def __init__(self, plan: Plan, cameras: Sequence[CameraModel]) -> None:
        slots = plan.slots()
        self._ids = tuple(slot.id for slot in slots)
        self._views = {camera.camera: SlotViews.of(plan, camera) for camera in cameras}
        self._along = np.array([slot.along for slot in slots]).reshape(-1, 2)
        self._normal = np.array([slot.normal for slot in slots]).reshape(-1, 2)
        names = list(dict.fromkeys((slot.fixture, slot.side) for slot in slots))
        self._face = np.array([names.index((slot.fixture, slot.side)) for slot in slots], np.int64)
        extent = np.array([extent_of(slot) for slot in slots]).reshape(-1, 2)
        corner = np.array([slot.corner for slot in slots]).reshape(-1, 3)
        self._middle = corner + np.column_stack([self._along * extent[:, :1] / 2, extent[:, 1] / 2])
        self.reset()

    def reset(self) -> None:
        """Forget every look."""
        self._memory = {name: _Memory.of(views) for name, views in self._views.items()}
        self._stays: dict[tuple[int, int], _Stay] = {}
        self._usual = np.zeros(len(self._ids))
        self._usual_s = -np.inf

    @property
    def open(self) -> list[Reach]:
        """Reaches that go on, as they are known by now."""
        return [reach for (number, _), stay in self._stays.items() for reach in self._reaches(number, stay)]

    def update(self, moment: ShopMoment) -> list[Reach]:
        """The reaches that ended a moment ago."""
        near = self._near(moment.tracks)
        someone = near.sum(axis=0) > 0
        for name, picture in moment.pictures.items():
            if name in self._views:
                self._look(name, picture, someone)
        time_s = moment.time_s - _LAG_S
        return self._followed(time_s, moment.tracks, near, self._new(time_s, someone))

    def finish(self) -> list[Reach]:
        """The reaches that have not ended, when nothing more comes."""
        found = self.open
        self._stays.clear()
        return found

    def _near(self, tracks: FloorTracks) -> Bools:
        """Which slots (n, s) each person may reach; each slot is the nearest one's who stands before it."""
        way = tracks.xy[:, None] - self._middle[None, :, :2]
        apart = np.linalg.norm(way, axis=2)
        before = (way * self._normal).sum(axis=2) > 0.1
        apart = np.where(before & (apart < NEAR_M), apart, np.inf)
        return np.asarray(np.isfinite(apart) & (apart == apart.min(axis=0, initial=np.inf)))

    def _look(self, name: str, picture: SeenPicture, someone: Bools) -> None:
        views, memory, time_s = self._views[name], self._memory[name], picture.captured_at
        rows = np.flatnonzero(someone[views.slots] | (memory.looked_s < time_s - _REFRESH_S))
        if not len(rows):
            return
        patch = views.patches(picture.image, rows)[:, ::_STEP, ::_STEP].astype(np.int16)
        inside = self._inside(views, rows, picture.people.xyxy)
        fresh = np.isneginf(memory.looked_s[rows])
        memory.known[rows[fresh]] = patch[fresh]
        still = np.abs(patch - memory.last[rows]).max(axis=-1) <= _STILL
        looks = np.where(still, np.minimum(memory.still[rows] + 1, 100), 0).astype(np.int16)
        differs = np.abs(patch - memory.known[rows]).max(axis=-1) > CHANGED
        seen = views.seen[rows][:, ::_STEP, ::_STEP]
        local = (differs & seen).sum(axis=(1, 2)) < _LOCAL * np.maximum(seen.sum(axis=(1, 2)), 1)
        stays = np.where(inside, (looks >= _LOOKS_INSIDE) & local[:, None, None], looks >= _LOOKS)
        known = np.where(stays[..., None], patch, memory.known[rows])
        memory.known[rows] = known
        memory.last[rows], memory.still[rows], memory.looked_s[rows] = patch, looks, time_s
        grown = np.stack([cv2.dilate(each, _AROUND) for each in differs.astype(np.uint8)]) > 0
        memory.changed_s[rows] = np.where(grown, time_s, memory.changed_s[rows])

    @staticmethod
    def _inside(views: SlotViews, rows: Ints, xyxy: NDArray[np.float32]) -> Bools:
        """Which points (k, ...) of ``rows`` lie in one of the boxes (n, 4)."""
        at = views.pixels[rows][:, ::_STEP, ::_STEP, None]
        return np.asarray(((at >= xyxy[:, :2]) & (at <= xyxy[:, 2:])).all(axis=-1).any(axis=-1))

    def _new(self, time_s: float, someone: Bools) -> Float:
        """How much more of each slot's front (s,) something is before than lately: a body may stand there for long."""
        shares = self._before(time_s, np.flatnonzero(someone))
        part = 1.0 - np.exp(-min(time_s - self._usual_s, _USUAL_S) / _USUAL_S)
        new = np.maximum(shares - self._usual, 0.0)
        self._usual += part * (shares - self._usual)
        self._usual_s = time_s
        return np.asarray(new)

    def _before(self, time_s: float, slots: Ints) -> Float:
        """The share of each slot's front (s,) that something is before at ``time_s``; 0 for all but ``slots``."""
        count = np.zeros((len(self._ids), ROWS // _STEP, COLUMNS // _STEP), np.int8)
        kept = np.zeros(len(self._ids), np.bool_)
        kept[slots] = True
        free = np.zeros(count.shape, np.bool_)
        for name, views in self._views.items():
            memory = self._memory[name]
            rows = np.flatnonzero(kept[views.slots] & (memory.looked_s >= time_s - AGREE_S))
            seen = views.seen[rows][:, ::_STEP, ::_STEP]
            count[views.slots[rows]] += seen
            free[views.slots[rows]] |= seen & (memory.changed_s[rows] < time_s - AGREE_S)
        enough = count >= _FEWEST
        return np.asarray((enough & ~free).sum(axis=(1, 2)) / np.maximum(enough.sum(axis=(1, 2)), 12))

    def _followed(self, time_s: float, tracks: FloorTracks, near: Bools, shares: Float) -> list[Reach]:
        found: list[Reach] = []
        for row, number in enumerate(tracks.track_id.tolist()):
            for face in np.unique(self._face[near[row]]).tolist():
                own = np.where(near[row] & (self._face == face), shares, 0.0)
                stay = self._stays.get((number, face))
                if stay is None and own.max() >= ENTER:
                    stay = self._stays[number, face] = _Stay()
                if stay is None:
                    continue
                stay.time_s.append(time_s)
                stay.shares.append(own)
                stay.person_xy.append(tracks.xy[row])
                if own.max() >= LEAVE:
                    stay.quiet_s = time_s
        for key, stay in list(self._stays.items()):
            if time_s - stay.quiet_s > _OVER_S or time_s - stay.time_s[0] > _LONGEST_S:
                found += self._reaches(key[0], self._stays.pop(key))
        return found

    def _reaches(self, number: int, stay: _Stay) -> list[Reach]:
        """One for each time that more and then less was before the front."""
        most = np.array(stay.shares).max(axis=1)
        parts = [(first, last) for first, last in visits(most, _DRAWN) if most[first : last + 1].max() >= ENTER]
        reaches = [
            self._reach(
                number,
                _Stay(stay.time_s[first : last + 1], stay.shares[first : last + 1], stay.person_xy[first : last + 1]),
            )
            for first, last in parts
        ]
        return [reach for reach in reaches if sum(reach.slots.values()) >= LEAST]

    def _reach(self, number: int, stay: _Stay) -> Reach:
        shares = np.array(stay.shares)
        total = shares.sum(axis=1)
        peak = int(total.argmax())
        weight = (shares * (total / total.max())[:, None]).sum(axis=0)
        weight = weight / weight.sum()
        best = int(weight.argmax())
        middle, xy = self._middle[best], stay.person_xy[peak]
        way = xy - middle[:2]
        gone = np.linalg.norm(stay.person_xy[-1] - stay.person_xy[0]) / max(stay.time_s[-1] - stay.time_s[0], _LAG_S)
        sure = min(_SUREST, float(shares.max()) / _SURE) * reaching(
            float(way @ self._normal[best]), abs(float(way @ self._along[best])), float(gone)
        )
        inside = [time for time, share in zip(stay.time_s, shares.max(axis=1), strict=True) if share >= LEAVE]
        return Reach(
            track_id=number,
            hand=int((middle[:2] - xy) @ self._along[best] > 0),
            start_s=inside[0],
            end_s=inside[-1],
            at_s=stay.time_s[peak],
            xyz=(float(middle[0]), float(middle[1]), float(middle[2])),
            person_xy=(float(xy[0]), float(xy[1])),
            slots={
                self._ids[place]: sure * float(weight[place])
                for place in np.argsort(-weight, kind="stable").tolist()
                if sure * weight[place] >= _LEAST
            },
            cameras=tuple(name for name, views in self._views.items() if best in views.slots),
        )


def reaching(before_m: float, aside_m: float, speed_m_s: float) -> float:
    """How well it fits a reach that a person stands ``before_m`` before the front, ``aside_m`` beside the slot, and
    walks: who passes by, or stands with the back to a shelf, is before its front too.
    """
    far = np.array([(before_m - 0.55) / 0.05, (aside_m - 0.45) / 0.06, (speed_m_s - 0.3) / 0.06])
    return float(np.prod(1.0 / (1.0 + np.exp(np.clip(far, -50.0, 50.0)))))


_AROUND: Final = np.ones((3, 3), np.uint8)
