"""The last seconds of everyone as they were seen, and what each later moment says of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vision.floor.looks import LATER, remembered
from vision.floor.motion import States, corrected, joined, predicted
from vision.floor.settings import FloorSettings

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_OF_ALL: Final = ("time_s", "on")
_ANYWHERE_M: Final = 3.0
_ANY_SPEED: Final = 1.5


@dataclass(slots=True, eq=False)
class Moment:
    """Everyone at one moment, n rows.

    ``key`` (n,), each once, names what was followed; ``states`` as it was followed; ``information`` (n, 3, 3) and
    ``pull`` (n, 3) what its boxes of this moment alone tell; ``odds`` (n,); ``saw`` (n, cameras); ``vest`` (n,) what
    its boxes speak for the staff's vest, log odds; ``looks`` (n, cameras, d) their appearance, zeros where it is not
    known; ``on`` (cameras,) which gave a picture.
    """

    time_s: float
    key: Ints
    states: States
    information: Float
    pull: Float
    odds: Float
    saw: Bools
    vest: Float
    looks: Float
    on: Bools

    def apart_m(self, one: int, other: int) -> float:
        """How far two keys were from one another; 0 where one of them was not seen."""
        rows = [np.flatnonzero((self.key == key) & self.saw.any(axis=1)) for key in (one, other)]
        if not all(len(row) for row in rows):
            return 0.0
        return float(np.linalg.norm(self.states.mean[rows[0][0], :2] - self.states.mean[rows[1][0], :2]))

    def united(self, stays: int, goes: int) -> Self:
        """The same with one row for both keys, called ``stays``: the other's only where ``stays`` was not seen."""
        if goes not in self.key:
            return self
        stayed = np.flatnonzero(self.key == stays)
        drop = goes if len(stayed) and self.saw[stayed[0]].any() else stays
        kept = self.key != drop
        rows = {each.name: getattr(self, each.name)[kept] for each in fields(self) if each.name not in _OF_ALL}
        rows["key"] = np.where(rows["key"] == goes, stays, rows["key"])
        return type(self)(time_s=self.time_s, on=self.on, **rows)


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """What a moment and all later ones say of who was seen at the moment.

    ``row`` (m,) the rows of the moment's people with boxes, ``states`` (m) by this and all later boxes; ``later``
    (m) by the later ones alone, of those of whom ``known`` (m,) there are any; ``looks`` (m, cameras, d) what they look
    like from then on.
    """

    row: Ints
    states: States
    later: States
    known: Bools
    looks: Float


def tails(moments: list[Moment], settings: FloorSettings) -> list[Tail]:
    """The tail of each moment: a Kalman filter from the newest moment back to each."""
    found: list[Tail] = []
    key, states, time_s = np.zeros(0, np.int64), States.empty(), 0.0
    looks = moments[-1].looks[:0] if moments else np.zeros((0, 0, 0))
    for moment in reversed(moments):
        if len(key):
            states = predicted(states, moment.time_s - time_s, settings.walking)
        row = np.flatnonzero(moment.saw.any(axis=1))
        seen = moment.key[row]
        _, here, there = np.intersect1d(seen, key, assume_unique=True, return_indices=True)
        known = np.zeros(len(row), np.bool_)
        known[here] = True
        later = _unknown(moment.states[row], settings)
        later.mean[here], later.variance[here] = states.mean[there], states.variance[there]
        tail = corrected(later, moment.information[row], moment.pull[row])
        shown = moment.looks[row]
        shown[here] = remembered(looks[there], shown[here], LATER)
        found.append(Tail(row, tail, later, known, shown))
        unseen = ~np.isin(key, seen)
        order = np.argsort(np.concatenate([seen, key[unseen]]))
        key = np.concatenate([seen, key[unseen]])[order]
        states = joined(tail, states[unseen])[order]
        looks = np.concatenate([shown, looks[unseen]])[order]
        time_s = moment.time_s
    return found[::-1]


def _unknown(states: States, settings: FloorSettings) -> States:
    """Nearly nothing known: somewhere near, at any speed, as tall as people are."""
    mean, variance = np.zeros_like(states.mean), np.zeros_like(states.variance)
    mean[:, :2], mean[:, 4] = states.mean[:, :2], settings.boxes.height_m
    variance[:, range(5), range(5)] = np.square(
        [_ANYWHERE_M, _ANYWHERE_M, _ANY_SPEED, _ANY_SPEED, settings.boxes.height_sd_m]
    )
    return States(mean, variance)
