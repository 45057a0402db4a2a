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
from vision.shop.evidence import HandChange, Reach
from vision.shop.moment import SeenPicture, ShopMoment

Image = NDArray[np.uint8]
Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ELBOWS: Final = (7, 8)
WRISTS: Final = (9, 10)
WRIST_M: Final = 1.1
"""How high hands are taken to be where one asks how large they are seen."""


@dataclass(frozen=True, slots=True)
class HandSettings:
    """Which hands are looked at, and what of it counts.

    Hands of people within ``near_m`` of a shelf's front, or within ``together_m`` of one another; ``least_joint`` is
    the least confidence of wrist and elbow, ``each`` the most cameras for one hand and ``most`` the most hands looked
    at in one moment, nearest to shelves first. ``span_s`` are the nearest and the farthest times from a reach that tell
    of before and after. ``keep_s`` is how long is remembered. The probability that a hand holds something is logistic
    in ``offset`` + ``counts`` * what the cameras say together; ``most_surely`` is the most that it may be. Where wrists
    are known in the shop, a camera's wrist must be within ``agree_m`` of where it should be seen: of the other hand if
    it is that one's, or else of none.
    """

    near_m: float = 1.1
    together_m: float = 1.3
    least_joint: float = 0.3
    each: int = 3
    most: int = 20
    span_s: tuple[float, float] = (0.15, 1.2)
    keep_s: float = 20.0
    offset: float = -0.5
    counts: float = 0.6
    most_surely: float = 0.97
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
    """n hands in pictures: the row of the track, 0 left or 1 right, which camera, ``wrist`` and ``elbow`` (n, 2) in
    pixels, ``weight`` (n,), pixels a metre ``scale`` (n,).
    """

    row: Ints
    hand: Ints
    camera: Ints
    wrist: Float
    elbow: Float
    weight: Float
    scale: Float

    def take(self, which: Ints | Bools) -> Sight:
        """Those of a mask or of places."""
        return Sight(*(getattr(self, each.name)[which] for each in fields(self)))


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
        self._names = tuple(camera.camera for camera in cameras)
        corner = np.array([slot.corner[:2] for slot in slots], np.float64).reshape(-1, 2)
        along = np.array([np.array(slot.along) * slot.width_m for slot in slots], np.float64).reshape(-1, 2)
        self._fronts = np.stack([corner, corner + along], axis=1)
        self.reset()

    def reset(self) -> None:
        """Forget every hand."""
        self._readings: dict[tuple[int, int], deque[Reading]] = {}

    def update(self, moment: ShopMoment) -> None:
        """Look at the hands of ``moment``; cameras that are not ours are left out."""
        sight = self._chosen(moment, self._seen(moment))
        crops, places = [np.zeros((0, SIZE, SIZE, 3), np.uint8)], [np.zeros(0, np.int64)]
        for camera, name in enumerate(self._names):
            own = np.flatnonzero(sight.camera == camera)
            if len(own):
                picture = moment.pictures[name].image
                crops.append(cut_hands(picture, sight.wrist[own], sight.elbow[own], sight.scale[own]))
                places.append(own)
        evidence = self._reader.evidence(np.concatenate(crops))
        for place, value in zip(np.concatenate(places).tolist(), evidence.tolist(), strict=True):
            camera = int(sight.camera[place])
            key = int(moment.tracks.track_id[sight.row[place]]), int(sight.hand[place])
            at = moment.pictures[self._names[camera]].captured_at
            self._readings.setdefault(key, deque()).append(Reading(at, camera, value, float(sight.weight[place])))
        self._forget(moment.time_s - self.settings.keep_s)

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

    def _seen(self, moment: ShopMoment) -> Sight:
        """Every hand of somebody known whose wrist and elbow are in a picture."""
        tracks = moment.tracks
        row_of = {number: row for row, number in enumerate(tracks.track_id.tolist())}
        place = np.column_stack([tracks.xy, np.full(len(tracks), WRIST_M)])
        parts = [_nothing()]
        for camera, name in enumerate(self._names):
            picture = moment.pictures.get(name)
            if picture is not None and picture.people.keypoints is not None:
                scale = pixels_per_metre(self._models[camera], place)
                found = _hands_in(picture, camera, row_of, scale, self.settings.least_joint)
                expected = self._models[camera].project(tracks.wrists)
                parts.append(agreed(found, expected, self.settings.agree_m))
        return Sight(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Sight)))

    def _chosen(self, moment: ShopMoment, sight: Sight) -> Sight:
        """Those to be looked at."""
        settings, xy = self.settings, moment.tracks.xy
        shelf = distance_to_fronts(xy, self._fronts)
        apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.diag(np.full(len(xy), np.inf))
        wanted = (shelf < settings.near_m) | (apart < settings.together_m).any(axis=1)
        sight = sight.take(wanted[sight.row])
        # The cameras that see a hand best, then the hands that are nearest to a shelf.
        order = np.lexsort((-sight.weight, 2 * sight.row + sight.hand))
        sight = sight.take(order)
        key = 2 * sight.row + sight.hand
        rank = np.arange(len(key)) - np.searchsorted(key, key, side="left")
        sight = sight.take(rank < settings.each)
        rank = rank[rank < settings.each]
        return sight.take(np.lexsort((shelf[sight.row], rank))[: settings.most])

    def _forget(self, before_s: float) -> None:
        for key in list(self._readings):
            readings = self._readings[key]
            while readings and readings[0].time_s < before_s:
                readings.popleft()
            if not readings:
                del self._readings[key]


def agreed(sight: Sight, expected: Float, agree_m: float) -> Sight:
    """The hands that are seen where they are ``expected`` (tracks, 2, 2), pixels, NaN where that is not known.

    One that is seen where the person's other hand should be, and not where it should itself be, is that other hand.
    """
    apart = np.linalg.norm(sight.wrist[:, None] - expected[sight.row], axis=2) / sight.scale[:, None]
    own, other = apart[np.arange(len(apart)), sight.hand], apart[np.arange(len(apart)), 1 - sight.hand]
    far = own > agree_m  # false where nothing is expected
    swapped = far & (other <= agree_m)
    turned = replace(sight, hand=np.where(swapped, 1 - sight.hand, sight.hand))
    return turned.take(~far | swapped)


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
    none, flat = np.zeros(0, np.int64), np.zeros((0, 2))
    return Sight(none, none, none, flat, flat, np.zeros(0), np.zeros(0))


def _hands_in(picture: SeenPicture, camera: int, row_of: dict[int, int], scale: Float, least: float) -> Sight:
    """The hands in one camera's picture; ``scale`` is by the tracks' rows."""
    joints = picture.people.keypoints
    assert joints is not None
    row = np.array([row_of.get(number, -1) for number in picture.owner.tolist()], np.int64)
    wrist, elbow = joints[:, WRISTS].astype(np.float64), joints[:, ELBOWS].astype(np.float64)
    height, width = picture.image.shape[:2]
    weight = wrist[..., 2] * np.sqrt(elbow[..., 2])
    there = (row >= 0)[:, None] & (np.minimum(wrist[..., 2], elbow[..., 2]) >= least)
    there &= ((wrist[..., :2] >= 0) & (wrist[..., :2] < (width, height))).all(axis=2)
    person, hand = np.nonzero(there)
    rows = row[person]
    sight = Sight(
        rows,
        hand,
        np.full(len(person), camera),
        wrist[person, hand, :2],
        elbow[person, hand, :2],
        weight[person, hand],
        scale[rows],
    )
    return sight.take(np.isfinite(sight.scale))
