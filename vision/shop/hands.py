"""What hands hold before and after they reach into a shelf, from the pictures of all cameras.

Every hand that is near a shelf or near another person is looked at where a camera sees it well; what the cameras say is
kept for some seconds. Over a span of time a camera's word is the mean of what it said, weighed by how surely it saw the
wrist, and all cameras' words are added: they err together, so that less of the sum counts than if they did not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from cameras.scale import pixels_per_metre
from models.hands import SIZE, cut_hands
from store.furniture import PlacedSlot
from vision.floor.tracks import FloorTracks
from vision.shop.evidence import HandChange, Reach
from vision.shop.moment import SeenPicture, ShopMoment
from vision.shop.wrists import Hands

Image = NDArray[np.uint8]
Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ELBOWS: Final = (7, 8)
WRISTS: Final = (9, 10)
WRIST_M: Final = 1.1
"""How high hands are taken to be where one asks how large they are seen."""
_NEAR_M: Final = 0.15  # a camera's joint that far from where the wrist is sees e^-.5 as much of the hand
_BEYOND: Final = 1.0  # how far before the first of two times arms are still taken to move evenly, in their distance


@dataclass(frozen=True, slots=True)
class HandSettings:
    """Which hands are looked at, and what of it counts.

    Hands of people within ``near_m`` of a shelf's front, or within ``together_m`` of one another; ``least_joint`` is
    the least confidence of wrist and elbow, ``each`` the most cameras for one hand and ``most`` the most hands looked
    at in one moment, nearest to shelves first. ``span_s`` are the nearest and the farthest times from a reach that tell
    of before and after. ``keep_s`` is how long is remembered. The probability that a hand holds something, were half of
    all hands to do so, is logistic in ``offset`` + ``counts`` * what the cameras say together, as fitted on simulated
    runs; ``most_surely`` is the most that it may be. Where wrists are known in the shop, a camera's wrist must be
    within ``agree_m`` of where it should be seen: of the other hand if it is that one's, or else of none.
    """

    near_m: float = 1.1
    together_m: float = 1.3
    least_joint: float = 0.3
    each: int = 3
    most: int = 20
    span_s: tuple[float, float] = (0.15, 1.2)
    keep_s: float = 20.0
    offset: float = 1.8
    counts: float = 0.45
    most_surely: float = 0.95
    agree_m: float = 0.35


class Reads(Protocol):
    """What ``models.hands.HandReader`` does."""

    def evidence(self, crops: Image, /) -> NDArray[np.float32]:
        """Natural logarithms (n,) of how much likelier crops (n, 48, 48, 3) are of hands that hold something."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One camera's look at a hand: ``evidence`` as ``Reads`` gives it, ``weight`` in [0, 1] how surely it was seen."""

    time_s: float
    camera: int
    evidence: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """n hands in pictures: ``track``, ``hand`` 0 left or 1 right, ``look`` the place of the picture among those looked
    at, ``wrist`` and ``elbow`` (n, 2) in pixels, ``weight`` (n,), pixels a metre ``scale`` (n,), and how far the person
    stands from a shelf's front, ``shelf_m`` (n,).
    """

    track: Ints
    hand: Ints
    look: Ints
    wrist: Float
    elbow: Float
    weight: Float
    scale: Float
    shelf_m: Float

    def take(self, which: Ints | Bools) -> Sight:
        """Those of a mask or of places."""
        return Sight(*(getattr(self, each.name)[which] for each in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A picture by one of our cameras, and who was on the floor then."""

    camera: int
    picture: SeenPicture
    tracks: FloorTracks


class HandWatcher:
    """Remembers what ``reader`` says of the hands of all floor tracks, in a shop with ``slots`` and ``cameras``."""

    def __init__(
        self,
        reader: Reads,
        cameras: Sequence[CameraModel],
        slots: Sequence[PlacedSlot],
        settings: HandSettings | None = None,
    ) -> None:
        self.settings = settings or HandSettings()
        self._reader = reader
        self._models = tuple(cameras)
        corner = np.array([slot.corner[:2] for slot in slots], np.float64).reshape(-1, 2)
        along = np.array([np.array(slot.along) * slot.width_m for slot in slots], np.float64).reshape(-1, 2)
        self._fronts = np.stack([corner, corner + along], axis=1)
        self.reset()

    def reset(self) -> None:
        """Forget every hand."""
        self._readings: dict[tuple[int, int], deque[Reading]] = {}
        self._waiting: list[_Look] = []
        self._hands: deque[Hands] = deque(maxlen=2)

    def update(self, moment: ShopMoment, hands: Hands | None = None) -> None:
        """Look at the hands of ``moment``; cameras that are not ours are left out.

        With ``hands``, where wrists and elbows are in the shop, hands are cut out where these are seen, which one
        camera's joints alone often miss: a picture waits until they are known on both sides of its time.
        """
        looks = [
            _Look(camera, moment.pictures[model.camera], moment.tracks)
            for camera, model in enumerate(self._models)
            if model.camera in moment.pictures
        ]
        if hands is not None:
            self._hands.append(hands)
            self._waiting = [*self._waiting, *looks][-4 * len(self._models) :]
            looks = [look for look in self._waiting if look.picture.captured_at <= hands.time_s]
            self._waiting = [look for look in self._waiting if look.picture.captured_at > hands.time_s]
        self._read(looks)
        self._forget(moment.time_s - self.settings.keep_s)

    def _read(self, looks: Sequence[_Look]) -> None:
        sight = self.sights(looks)
        crops, places = [np.zeros((0, SIZE, SIZE, 3), np.uint8)], [np.zeros(0, np.int64)]
        for number, look in enumerate(looks):
            own = np.flatnonzero(sight.look == number)
            if len(own):
                crops.append(cut_hands(look.picture.image, sight.wrist[own], sight.elbow[own], sight.scale[own]))
                places.append(own)
        evidence = self._reader.evidence(np.concatenate(crops))
        for place, value in zip(np.concatenate(places).tolist(), evidence.tolist(), strict=True):
            look = looks[int(sight.look[place])]
            key = int(sight.track[place]), int(sight.hand[place])
            reading = Reading(look.picture.captured_at, look.camera, value, float(sight.weight[place]))
            self._readings.setdefault(key, deque()).append(reading)

    def readings(self, track_id: int, hand: int, from_s: float, to_s: float) -> list[Reading]:
        """What was seen of a hand from ``from_s`` to ``to_s`` (seconds, UTC)."""
        return [each for each in self._readings.get((track_id, hand), ()) if from_s <= each.time_s <= to_s]

    def held(self, track_id: int, hand: int, from_s: float, to_s: float) -> float:
        """The probability that a hand held something from ``from_s`` to ``to_s``, .5 where nobody saw it."""
        together = summed(self.readings(track_id, hand, from_s, to_s))
        if together is None:
            return 0.5
        chance = 1.0 / (1.0 + np.exp(-(self.settings.offset + self.settings.counts * together)))
        return float(np.clip(chance, 1 - self.settings.most_surely, self.settings.most_surely))

    def holding(self, track_id: int, hand: int, time_s: float, within_s: float = 0.5) -> float:
        """The probability that a hand holds something around ``time_s``, .5 where nobody sees it."""
        return self.held(track_id, hand, time_s - within_s, time_s + within_s)

    def change(self, reach: Reach) -> HandChange:
        """What the hand held before and after a reach; all is seen once ``span_s[1]`` has passed since its end."""
        near, far = self.settings.span_s
        return HandChange(
            before=self.held(reach.track_id, reach.hand, reach.start_s - far, reach.start_s - near),
            after=self.held(reach.track_id, reach.hand, reach.end_s + near, reach.end_s + far),
        )

    def sights(self, looks: Sequence[_Look]) -> Sight:
        """The hands in ``looks`` that are looked at."""
        parts = [_nothing()]
        for number, look in enumerate(looks):
            if look.picture.people.keypoints is not None and len(look.tracks):
                parts.append(self._in_look(number, look))
        return self._chosen(
            Sight(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Sight)))
        )

    def _in_look(self, number: int, look: _Look) -> Sight:
        """The hands in one picture of people who are near a shelf or near somebody."""
        tracks, model, settings = look.tracks, self._models[look.camera], self.settings
        shelf = distance_to_fronts(tracks.xy, self._fronts)
        apart = np.linalg.norm(tracks.xy[:, None] - tracks.xy[None], axis=2) + np.diag(np.full(len(tracks), np.inf))
        near = (shelf < settings.near_m) | (apart < settings.together_m).any(axis=1)
        scale = pixels_per_metre(model, np.column_stack([tracks.xy, np.full(len(tracks), WRIST_M)]))
        row_of = {each: row for row, each in enumerate(tracks.track_id.tolist()) if near[row]}
        row, sight = _hands_in(look.picture, number, row_of, settings.least_joint)
        sight = replace(sight, track=tracks.track_id[row], scale=scale[row], shelf_m=shelf[row])
        wrist, elbow = arms_at(self._hands, look.picture.captured_at, tracks.track_id)
        sight, row = agreed(sight, row, model.project(wrist), settings.agree_m)
        sight = moved(sight, model.project(wrist[row, sight.hand]), model.project(elbow[row, sight.hand]))
        height, width = look.picture.image.shape[:2]
        inside = ((sight.wrist >= 0) & (sight.wrist < (width, height))).all(axis=1)
        return sight.take(inside & np.isfinite(sight.scale))

    def _chosen(self, sight: Sight) -> Sight:
        """The cameras that see a hand best, then the hands that are nearest to a shelf."""
        sight = sight.take(np.lexsort((-sight.weight, sight.hand, sight.track)))
        key = 2 * sight.track + sight.hand
        rank = np.arange(len(key)) - np.searchsorted(key, key, side="left")
        few = rank < self.settings.each
        sight, rank = sight.take(few), rank[few]
        return sight.take(np.lexsort((sight.shelf_m, rank))[: self.settings.most])

    def _forget(self, before_s: float) -> None:
        for key in list(self._readings):
            readings = self._readings[key]
            while readings and readings[0].time_s < before_s:
                readings.popleft()
            if not readings:
                del self._readings[key]


def arms_at(hands: Sequence[Hands], time_s: float, track_id: Ints) -> tuple[Float, Float]:
    """Wrists and elbows (n, 2, 3) of ``track_id`` (n,) at ``time_s``, metres, between the first and the last of up to
    two ``hands``; NaN where they are not known then.
    """
    arms = np.full((2, len(track_id), 2, 2, 3), np.nan)
    for place, each in enumerate((hands[0], hands[-1]) if hands else ()):
        row_of = {number: row for row, number in enumerate(each.track_id.tolist())}
        for own, number in enumerate(track_id.tolist()):
            if number in row_of:
                arms[place, own] = np.stack([each.wrist[row_of[number]], each.elbow[row_of[number]]])
    if hands and hands[-1].time_s > hands[0].time_s:
        share = (time_s - hands[0].time_s) / (hands[-1].time_s - hands[0].time_s)
        between = arms[0] + np.clip(share, -_BEYOND, 1) * (arms[1] - arms[0])
        arms[1] = np.where(np.isfinite(between), between, arms[1])
    return arms[1, :, 0], arms[1, :, 1]


def agreed(sight: Sight, row: Ints, expected: Float, agree_m: float) -> tuple[Sight, Ints]:
    """The hands that are seen where they are ``expected`` (tracks, 2, 2), pixels, NaN where that is not known; and
    their rows there.

    One that is seen where the person's other hand should be, and not where it should itself be, is that other hand.
    """
    apart = np.linalg.norm(sight.wrist[:, None] - expected[row], axis=2) / sight.scale[:, None]
    own, other = apart[np.arange(len(apart)), sight.hand], apart[np.arange(len(apart)), 1 - sight.hand]
    far = own > agree_m  # false where nothing is expected
    swapped = far & (other <= agree_m)
    turned = replace(sight, hand=np.where(swapped, 1 - sight.hand, sight.hand))
    kept = np.asarray(~far | swapped)
    return turned.take(kept), row[kept]


def moved(sight: Sight, wrist: Float, elbow: Float) -> Sight:
    """The hands at ``wrist`` and ``elbow`` (n, 2), pixels, where both are known. The farther a camera's own joint was
    from there, the less it sees of the hand.
    """
    known = np.asarray(np.isfinite(wrist).all(axis=1) & np.isfinite(elbow).all(axis=1))
    apart = np.linalg.norm(sight.wrist - wrist, axis=1) / sight.scale
    trust = np.where(known, np.exp(-((np.where(known, apart, 0.0) / _NEAR_M) ** 2) / 2), 1.0)
    return replace(
        sight,
        wrist=np.where(known[:, None], wrist, sight.wrist),
        elbow=np.where(known[:, None], elbow, sight.elbow),
        weight=sight.weight * trust,
    )


def summed(readings: Sequence[Reading]) -> float | None:
    """What cameras say together: the sum over cameras of each one's mean evidence, weighed by how surely it saw the
    hand, times the largest of these weights. None where nothing was seen.
    """
    if not readings:
        return None
    camera = np.array([each.camera for each in readings])
    evidence = np.array([each.evidence for each in readings])
    weight = np.array([each.weight for each in readings])
    total = 0.0
    for own in (camera == name for name in np.unique(camera)):
        total += float((weight[own] * evidence[own]).sum() / max(weight[own].sum(), 1e-6) * weight[own].max())
    return total


def distance_to_fronts(xy: Float, fronts: Float) -> Float:
    """How far (n,) points (n, 2) are from the nearest of the lines (k, 2, 2) on the floor, metres; inf without any."""
    start, way = fronts[:, 0], fronts[:, 1] - fronts[:, 0]
    share = ((xy[:, None] - start) * way).sum(axis=2) / np.maximum((way**2).sum(axis=1), 1e-9)
    nearest = start + np.clip(share, 0, 1)[..., None] * way
    return np.asarray(np.linalg.norm(xy[:, None] - nearest, axis=2).min(axis=1, initial=np.inf))


def _nothing() -> Sight:
    none, flat, pair = np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 2))
    return Sight(none, none, none, pair, pair, flat, flat, flat)


def _hands_in(picture: SeenPicture, number: int, row_of: dict[int, int], least: float) -> tuple[Ints, Sight]:
    """The hands in one picture of people of ``row_of``, and these people's rows; scale and distance are not filled."""
    joints = picture.people.keypoints
    assert joints is not None
    row = np.array([row_of.get(owner, -1) for owner in picture.owner.tolist()], np.int64)
    wrist, elbow = joints[:, WRISTS].astype(np.float64), joints[:, ELBOWS].astype(np.float64)
    there = (row >= 0)[:, None] & (np.minimum(wrist[..., 2], elbow[..., 2]) >= least)
    person, hand = np.nonzero(there)
    weight = (wrist[..., 2] * np.sqrt(elbow[..., 2]))[person, hand]
    unfilled = np.zeros(len(person))
    at = wrist[person, hand, :2], elbow[person, hand, :2]
    return row[person], Sight(row[person], hand, np.full(len(person), number), *at, weight, unfilled, unfilled)
