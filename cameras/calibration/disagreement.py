"""A camera that was turned, noticed by where it sees people walk: the other cameras see them elsewhere.

What is compared are the tops of heads, as places on a level plane: furniture hides feet, seldom heads.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.calibration.accuracy import at_height
from cameras.calibration.parameters import turned
from cameras.calibration.upright import HEIGHT_M, fit_upright
from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Int = NDArray[np.int64]

LEARN_S, WINDOW_S, LIMIT_DEG = 60.0, 45.0, 1.4
_BIN_S: Final = 1.0
_CUT_M: Final = 2.0  # places further apart are not of one person
_WALKS_M: Final = 0.25  # who moves less in a second stands, stoops and reaches
_PIXELS: Final = 0.012  # how well a head's top is known: of a box's diagonal ...
_BODY_M: Final = 0.06  # ... and how far it sways from the body's middle
_ALIKE: Final = 4.0  # samples in a row whose errors are alike count as one
_ROBUST: Final = 2.0  # Cauchy's scale, in standard deviations
_PRIOR_DEG: Final = 3.0
_ODD_DEG: Final = 4.0  # who seems turned by this at the beginning is not judged by people at all
_LEAST_SAMPLES: Final = 20
_LEAST_Z: Final = 4.0
_ROUNDS: Final = 4
_FIT_STEPS: Final = 6
_EDGE_PX: Final = 3.0


@dataclass(frozen=True, eq=False)
class Turn:
    """By how much one camera seems turned: ``vector_deg`` (3,) about its own x, y and z; ``angle_deg`` its length.

    ``z`` is how many standard deviations it is from none, ``explains`` the share of all disagreement that goes with
    it, ``others`` the cameras that it was compared with.
    """

    camera: str
    vector_deg: Float
    angle_deg: float
    z: float
    explains: float
    samples: int
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """One walker in one second by two cameras: ``apart`` (2,) is the first's place less the other's."""

    time_s: float
    person: str
    one: int
    other: int
    apart: Float
    slope_one: Float  # (2, 3): how a turn of the camera moves the place that it gives
    slope_other: Float
    lean: Float  # (2,): how ``apart`` changes with the person's height
    root: Float  # (2, 2): times a difference gives standard deviations


@dataclass(frozen=True, eq=False)
class _Batch:
    one: Int
    other: Int
    person: Int
    apart: Float
    slope_one: Float
    slope_other: Float
    lean: Float
    root: Float

    @classmethod
    def of(cls, samples: Sequence[_Sample]) -> _Batch:
        names = {name: n for n, name in enumerate(sorted({sample.person for sample in samples}))}
        return cls(
            np.array([s.one for s in samples], np.int64),
            np.array([s.other for s in samples], np.int64),
            np.array([names[s.person] for s in samples], np.int64),
            np.array([s.apart for s in samples]).reshape(-1, 2),
            np.array([s.slope_one for s in samples]).reshape(-1, 2, 3),
            np.array([s.slope_other for s in samples]).reshape(-1, 2, 3),
            np.array([s.lean for s in samples]).reshape(-1, 2),
            np.array([s.root for s in samples]).reshape(-1, 2, 2),
        )

    def off(self, turns: Float) -> Float:
        """What is left (n, 2), in standard deviations, with cameras turned by ``turns`` (cameras, 3) and every
        person as tall as then fits best.
        """
        off = self.apart - np.einsum("nij,nj->ni", self.slope_one, turns[self.one])
        off = off + np.einsum("nij,nj->ni", self.slope_other, turns[self.other])
        white, lean = np.einsum("nij,nj->ni", self.root, off), np.einsum("nij,nj->ni", self.root, self.lean)
        count = int(self.person.max()) + 1 if len(self.person) else 0
        taller = np.zeros(count)
        for _ in range(3):
            left = white + lean * taller[self.person, None]
            weight = 1.0 / (1.0 + (left**2).sum(axis=1) / _ROBUST**2)
            slope = np.bincount(self.person, weight * (lean**2).sum(axis=1), count) / _ALIKE + 1 / HEIGHT_M[1] ** 2
            taller = -np.bincount(self.person, weight * (lean * white).sum(axis=1), count) / _ALIKE / slope
        return np.asarray(white + lean * taller[self.person, None])


class FloorDisagreement:
    """Gathers where cameras see people and tells which cameras seem turned, over the last ``window_s`` of walking.

    ``update`` takes what one camera saw at one moment; ``turns`` tells. Systematic errors of each camera are learned
    from the first ``learn_s`` in which people walk before two cameras, and are no turn afterwards.
    """

    def __init__(
        self, models: Mapping[str, CameraModel], *, window_s: float = WINDOW_S, learn_s: float = LEARN_S
    ) -> None:
        self._names = sorted(models)
        self._models = [models[name] for name in self._names]
        self._window_s, self._learn_s = window_s, learn_s
        self.reset()

    def reset(self) -> None:
        """Forget everything, the learned errors too: after a calibration."""
        self._bin: int | None = None
        self._now: dict[tuple[str, int], list[Float]] = {}
        self._before: dict[tuple[str, int], Float] = {}
        self._samples: deque[_Sample] = deque()
        self._busy: deque[float] = deque()
        self._usual: Float | None = None
        self._judged: list[int] = []

    @property
    def learned(self) -> bool:
        """Whether the beginning is over."""
        return self._usual is not None

    def update(self, camera: str, time_s: float, people: Sequence[str], xyxy: Float) -> None:
        """People in boxes ``xyxy`` (n, 4), by names that all cameras share, at ``time_s`` of the shop's clock.

        Calls come in order of time, give or take a second. A camera that is not known is passed over.
        """
        if camera not in self._names or not len(people):
            return
        number = self._names.index(camera)
        if self._bin is None:
            self._bin = math.floor(time_s / _BIN_S)
        if math.floor(time_s / _BIN_S) > self._bin:
            self._close()
            self._bin = math.floor(time_s / _BIN_S)
        for name, box in zip(people, np.asarray(xyxy, np.float64).reshape(-1, 4), strict=True):
            self._now.setdefault((name, number), []).append(box)

    def _close(self) -> None:
        """Turn the second that is over into samples of two cameras each."""
        assert self._bin is not None
        time_s = self._bin * _BIN_S
        places = self._places()
        seen: dict[str, list[int]] = {}
        for name, number in sorted(places):
            seen.setdefault(name, []).append(number)
        before, self._before = self._before, {key: place[0] for key, place in places.items()}
        self._now = {}
        met = False
        for name, numbers in seen.items():
            steps = [np.hypot(*(places[name, n][0] - before[name, n])) for n in numbers if (name, n) in before]
            if not steps or float(np.median(steps)) < _WALKS_M:
                continue
            for k, one in enumerate(numbers):
                for other in numbers[k + 1 :]:
                    (xy, slope, lean, spread), (there, slope2, lean2, spread2) = places[name, one], places[name, other]
                    if np.hypot(*(xy - there)) > _CUT_M:
                        continue
                    root = np.linalg.inv(np.linalg.cholesky(spread + spread2))
                    self._samples.append(
                        _Sample(time_s, name, one, other, xy - there, slope, slope2, lean - lean2, root)
                    )
                    met = True
        if met:
            self._busy.append(time_s)
        if not self.learned and len(self._busy) * _BIN_S >= self._learn_s:
            self._usual = self._learn()
        if self.learned:
            # So many seconds in which people walked, however long ago.
            while len(self._busy) * _BIN_S > self._window_s:
                self._busy.popleft()
            while self._samples and self._busy and self._samples[0].time_s < self._busy[0]:
                self._samples.popleft()

    def _places(self) -> dict[tuple[str, int], tuple[Float, Float, Float, Float]]:
        """By person and camera: place (2,), slope by turn (2, 3), by height (2,), covariance (2, 2) in this second."""
        found = {}
        for number, model in enumerate(self._models):
            keys = [key for key in self._now if key[1] == number]
            if not keys:
                continue
            boxes = np.array([np.mean(self._now[key], axis=0) for key in keys])
            size = np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
            pixels = head_tops(model, boxes)
            level = np.full(len(keys), HEIGHT_M[0])
            xy = at_height(model, pixels, level)
            lean = (at_height(model, pixels, level + 0.05) - xy) / 0.05
            shop = np.column_stack([xy, level])
            slope = np.empty((len(keys), 2, 3))
            for axis in range(3):
                vector = np.zeros(3)
                vector[axis] = 1e-3
                slope[:, :, axis] = (at_height(model, turned(model, vector).project(shop), level) - xy) / 1e-3
            by_pixel = np.stack(
                [(at_height(model, pixels + step, level) - xy) / 0.5 for step in np.eye(2) * 0.5], axis=2
            )
            noise = (_PIXELS * size)[:, None, None] * by_pixel
            spread = noise @ noise.transpose(0, 2, 1) + _BODY_M**2 * np.eye(2)
            for n, key in enumerate(keys):
                if np.isfinite(spread[n]).all() and np.isfinite(slope[n]).all() and np.isfinite(xy[n]).all():
                    found[key] = xy[n], slope[n], lean[n], spread[n]
        return found

    def _learn(self) -> Float:
        """The turns (cameras, 3) that cameras seem to have while nothing is wrong, each fitted with the others'."""
        batch = _Batch.of(list(self._samples))
        turns = np.zeros((len(self._names), 3))
        for _ in range(_ROUNDS):
            for number in range(len(self._names)):
                turns[number] = self._fit(batch, number, turns).vector
        seen = np.bincount(np.concatenate([batch.one, batch.other]), minlength=len(self._names))
        plain = np.linalg.norm(turns, axis=1) < math.radians(_ODD_DEG)
        self._judged = np.flatnonzero((seen >= _LEAST_SAMPLES) & plain).tolist()
        return turns

    def turns(self, *, limit_deg: float = LIMIT_DEG) -> list[Turn]:
        """The cameras that seem turned by ``limit_deg`` or more, the clearest first.

        A camera that was hardly seen together with others at the beginning is not judged. One at a time, the one whose
        turn explains most of what disagrees; what remains is looked at with that turn taken into account.
        Before the beginning is learned there are none.
        """
        if self._usual is None or not self._samples:
            return []
        batch = _Batch.of(list(self._samples))
        turns = self._usual.copy()
        found: list[Turn] = []
        told: set[int] = set()
        while len(told) < len(self._judged):
            left = [number for number in self._judged if number not in told]
            fits = [(number, self._fit(batch, number, turns)) for number in left]
            number, fit = max(fits, key=lambda pair: pair[1].gain)
            vector = fit.vector - self._usual[number]
            angle = math.degrees(float(np.linalg.norm(vector)))
            z = math.sqrt(max(float(vector @ fit.information @ vector), 0.0) / _ALIKE)
            if fit.samples < _LEAST_SAMPLES or angle < limit_deg or z < _LEAST_Z:
                break
            mine = (batch.one == number) | (batch.other == number)
            others = set(batch.one[mine].tolist()) | set(batch.other[mine].tolist()) - {number}
            names = tuple(self._names[n] for n in sorted(others - {number}))
            found.append(
                Turn(
                    self._names[number],
                    np.degrees(vector),
                    angle,
                    z,
                    fit.gain / max(fit.cost, 1e-9),
                    fit.samples,
                    names,
                )
            )
            told.add(number)
            turns[number] = fit.vector
        return found

    def _fit(self, batch: _Batch, number: int, turns: Float) -> _Fit:
        """The turn (3,) of one camera with all others as they are."""
        first, second = batch.one == number, batch.other == number
        mine = first | second
        prior = _ALIKE * np.eye(3) / math.radians(_PRIOR_DEG) ** 2
        usual = np.zeros(3) if self._usual is None else self._usual[number]
        before = _cost(batch.off(turns))
        trial = turns.copy()
        information = prior
        slope = np.where(first[:, None, None], batch.slope_one, -batch.slope_other)
        slope = np.einsum("nij,njk->nik", batch.root, slope)[mine]
        for _ in range(_FIT_STEPS if mine.any() else 0):
            off = batch.off(trial)[mine]
            weight = 1.0 / (1.0 + (off**2).sum(axis=1) / _ROBUST**2)
            information = np.einsum("n,nki,nkj->ij", weight, slope, slope) + prior
            gradient = np.einsum("n,nki,nk->i", weight, slope, off) - prior @ (trial[number] - usual)
            trial[number] += np.linalg.solve(information, gradient)
        return _Fit(trial[number], information, before - _cost(batch.off(trial)), before, int(mine.sum()))


@dataclass(frozen=True, eq=False)
class _Fit:
    vector: Float
    information: Float
    gain: float
    cost: float
    samples: int


def head_tops(model: CameraModel, xyxy: Float) -> Float:
    """The pixels (n, 2) of the tops of the heads of people in boxes (n, 4); NaN where the picture's edge cuts a box.

    A lower edge that is cut does no harm to a camera that looks level.
    """
    pixels = model.project(fit_upright(model, xyxy).crown)
    steep = bool(model.rotation[2, 2] < -0.85)
    cut = (xyxy[:, 0] <= _EDGE_PX) | (xyxy[:, 1] <= _EDGE_PX) | (xyxy[:, 2] >= model.size[0] - _EDGE_PX)
    if steep:
        cut |= xyxy[:, 3] >= model.size[1] - _EDGE_PX
    pixels[cut] = np.nan
    return pixels


def _cost(off: Float) -> float:
    return float(_ROBUST**2 * np.log1p((off**2).sum(axis=1) / _ROBUST**2).sum())
