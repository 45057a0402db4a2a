"""Cameras' poses polished by people who walk: where two cameras see somebody at once, their boxes must agree.

A bundle adjustment whose points are people: unknown are each camera's pose (and focal length), where each person was
at each moment, and how tall each person is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, diags_array
from scipy.sparse.linalg import splu

from cameras.calibration.clocks import ClockOffsets, clock_offsets
from cameras.calibration.errors import TooFewMeetingsError
from cameras.calibration.parameters import moved
from cameras.calibration.tracks import CameraBoxes, Track, at_times, match_all, people, tracks_of
from cameras.calibration.upright import HEIGHT_M, body_boxes
from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# How far a rough calibration may be off, and how far one from a board: turn (rad), place (m), log of focal length.
ROUGH: Final = (math.radians(3.0), 0.25, 0.05)
SURE: Final = (math.radians(0.15), 0.01, 0.002)
LEAST_MOMENTS: Final = 30
_MOMENT_S: Final = 0.4
_MOST_MOMENTS: Final = 400
_STEPS: Final = 15
_SIDE: Final = np.array([0.05, 0.035, 0.05, 0.035])  # of a box's diagonal: how well a body's model tells each side
_ROUNDS: Final = 3
_EDGE_PX: Final = 3.0


@dataclass(frozen=True, eq=False)
class WalkRefinement:
    """``models`` by camera as refined, ``clocks`` their offsets; of ``moments`` in which ``people`` were seen by two or
    more. ``before_m`` and ``after_m`` are the median distances of the places that cameras give for one person.
    Cameras that shared too little stay as they were: ``untouched``.
    """

    models: dict[str, CameraModel]
    clocks: ClockOffsets
    moments: int
    people: int
    before_m: float
    after_m: float
    untouched: tuple[str, ...]


def refine_by_walking(
    models: Sequence[CameraModel],
    boxes: Sequence[CameraBoxes],
    *,
    sure: Sequence[str] = (),
    focal: bool = False,
    most_offset_s: float = 2.0,
    on_round: Callable[[int, int], None] | None = None,
) -> WalkRefinement:
    """Refine rough calibrations until the cameras agree on where people are and how tall.

    Cameras in ``sure`` are held where they are; the others are held loosely, so that the floor as a whole stays where
    the rough calibrations have it on average. ``focal`` lets focal lengths move too. Clock offsets are estimated on
    the way. ``on_round`` is told the round and how many there are. Raises ``TooFewMeetingsError``.
    """
    now = {model.camera: model for model in models}
    seen = {each.camera: each for each in boxes if each.camera in now and len(each.time_s)}
    held = {name: SURE if name in sure else ROUGH for name in now}
    start, clocks, before = dict(now), None, math.nan
    touched: set[str] = set()
    bundle: _Bundle | None = None
    for number in range(_ROUNDS):
        if on_round is not None:
            on_round(number, _ROUNDS)
        tracks = {name: tracks_of(now[name], each) for name, each in seen.items()}
        known = clocks.offset_s if clocks is not None else None
        clocks = clock_offsets(tracks, known_s=known, most_s=most_offset_s if number == 0 else 0.4)
        groups = people(match_all(tracks, clocks.offset_s, gate_m=(1.2, 0.8, 0.6)[number]))
        bundle = _Bundle(start, now, groups, clocks.offset_s, held, focal)
        if bundle.moments < LEAST_MOMENTS:
            raise TooFewMeetingsError(
                f"{bundle.moments} moments in which two cameras saw the same person are too few, {LEAST_MOMENTS} are "
                "needed: record some minutes with people walking where cameras overlap"
            )
        if number == 0:
            before = bundle.apart_m(now)
        now = {**now, **bundle.solve()}
        touched = set(bundle.cameras)
    assert bundle is not None
    assert clocks is not None
    untouched = tuple(name for name in sorted(start) if name not in touched)
    return WalkRefinement(now, clocks, bundle.moments, bundle.people, before, bundle.apart_m(now), untouched)


class _Bundle:
    def __init__(
        self,
        start: Mapping[str, CameraModel],
        now: Mapping[str, CameraModel],
        groups: Sequence[Sequence[Track]],
        offsets_s: Mapping[str, float],
        held: Mapping[str, tuple[float, float, float]],
        focal: bool,
    ) -> None:
        rows = _observations(groups, offsets_s)
        self._camera_of = [name for name, *_ in rows]
        self.cameras = sorted(set(self._camera_of))
        number = {name: n for n, name in enumerate(self.cameras)}
        self._camera: Int = np.array([number[name] for name in self._camera_of], np.int64)
        self._moment: Int = np.array([row[1] for row in rows], np.int64)
        self._person: Int = np.array([row[2] for row in rows], np.int64)
        self._box = np.array([row[3] for row in rows]).reshape(-1, 4)
        self._place = np.array([row[4] for row in rows]).reshape(-1, 2)
        self.moments = int(self._moment.max()) + 1 if len(rows) else 0
        self.people = int(self._person.max()) + 1 if len(rows) else 0
        self._start, self._now = start, now
        self._free = 7 if focal else 6
        self._tight = np.array(
            [[held[n][0]] * 3 + [held[n][1]] * 3 + [held[n][2]] * (self._free - 6) for n in self.cameras]
        )
        if len(rows):
            sizes = np.array([start[name].size for name in self._camera_of], np.float64)
            cut = np.column_stack([self._box[:, :2] <= _EDGE_PX, self._box[:, 2:] >= sizes - _EDGE_PX])
            diagonal = np.hypot(self._box[:, 2] - self._box[:, 0], self._box[:, 3] - self._box[:, 1])
            self._weight = np.where(cut, 0.0, 1.0 / (_SIDE * diagonal[:, None]))
            # Boxes a moment apart show the same stride: they do not count as so many.
            self._weight *= 0.5

    def apart_m(self, models: Mapping[str, CameraModel]) -> float:
        """The median distance from each place that one camera gives to the mean of all that see the person."""
        from cameras.calibration.upright import fit_upright

        xy = np.full((len(self._box), 2), np.nan)
        for n, name in enumerate(self.cameras):
            rows = self._camera == n
            xy[rows] = fit_upright(models[name], self._box[rows]).xy
        good = np.isfinite(xy).all(axis=1)
        count = np.maximum(np.bincount(self._moment[good], minlength=self.moments), 1)
        mean = np.column_stack(
            [np.bincount(self._moment[good], xy[good, k], minlength=self.moments) / count for k in (0, 1)]
        )
        several = good & (count[self._moment] > 1)
        return float(np.median(np.linalg.norm(xy[several] - mean[self._moment[several]], axis=1)))

    def solve(self) -> dict[str, CameraModel]:
        """The cameras that fit best."""
        cameras, free = len(self.cameras), self._free
        at = cameras * free
        tall = at + 2 * self.moments
        begin = np.zeros(tall + self.people)
        for n, name in enumerate(self.cameras):
            begin[n * free : (n + 1) * free] = _step_between(self._start[name], self._now[name], free)
        for moment in range(self.moments):
            begin[at + 2 * moment : at + 2 * moment + 2] = np.nanmedian(self._place[self._moment == moment], axis=0)
        begin[tall:] = HEIGHT_M[0]
        found = _robust(self._residuals, self._slope, begin, 4 * len(self._box))
        steps = found[:at].reshape(cameras, free)
        return {name: moved(self._start[name], steps[n]) for n, name in enumerate(self.cameras)}

    def _predicted(self, models: Sequence[CameraModel], xy: Float, height: Float) -> Float:
        found = np.empty_like(self._box)
        for n, model in enumerate(models):
            rows = self._camera == n
            found[rows] = body_boxes(model, xy[rows], height[rows])
        return np.nan_to_num(found, nan=1e4)

    def _parts(self, values: Float) -> tuple[Float, Float, Float]:
        at = len(self.cameras) * self._free
        tall = at + 2 * self.moments
        return values[:at].reshape(-1, self._free), values[at:tall].reshape(-1, 2), values[tall:]

    def _models(self, steps: Float) -> list[CameraModel]:
        return [moved(self._start[name], step) for name, step in zip(self.cameras, steps, strict=True)]

    def _residuals(self, values: Float) -> Float:
        steps, xy, height = self._parts(values)
        box = self._predicted(self._models(steps), xy[self._moment], height[self._person])
        known = [(steps / self._tight).ravel(), (height - HEIGHT_M[0]) / HEIGHT_M[1]]
        return np.concatenate([((box - self._box) * self._weight).ravel(), *known])

    def _slope(self, values: Float) -> csc_matrix:
        """The derivative: a side depends on its camera, its moment's place and its person's height alone."""
        steps, xy, height = self._parts(values)
        models = self._models(steps)
        places, heights = xy[self._moment], height[self._person]
        base = self._predicted(models, places, heights)
        side = np.arange(4 * len(self._box)).reshape(-1, 4)
        at, tall = steps.size, steps.size + xy.size
        rows, columns, data = [], [], []

        def add(changed: Float, by: float, column: Int) -> None:
            rows.append(side.ravel())
            columns.append(np.repeat(column, 4))
            data.append(((changed - base) * self._weight / by).ravel())

        for k in range(self._free):
            by = 1e-4 if k < 3 else 1e-3
            changed = steps.copy()
            changed[:, k] += by
            add(self._predicted(self._models(changed), places, heights), by, self._camera * self._free + k)
        for k in (0, 1):
            shift = np.zeros(2)
            shift[k] = 1e-3
            add(self._predicted(models, places + shift, heights), 1e-3, at + 2 * self._moment + k)
        add(self._predicted(models, places, heights + 1e-3), 1e-3, tall + self._person)
        first = side.size
        rows += [first + np.arange(at), first + at + np.arange(len(height))]
        columns += [np.arange(at), tall + np.arange(len(height))]
        data += [(1 / self._tight).ravel(), np.full(len(height), 1 / HEIGHT_M[1])]
        shape = (first + at + len(height), len(values))
        return csc_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape)


def _robust(
    residuals: Callable[[Float], Float], slope: Callable[[Float], csc_matrix], begin: Float, robust: int
) -> Float:
    """Levenberg's and Marquardt's steps with Cauchy's weights (scale 1) on the first ``robust`` residuals.

    scipy's ``least_squares`` takes a hundred times as long: it does not use that the points are independent.
    """

    def cost(residual: Float) -> float:
        return float(np.log1p(residual[:robust] ** 2).sum() + (residual[robust:] ** 2).sum())

    values, damping = begin, 1e-3
    residual = residuals(values)
    for _ in range(_STEPS):
        weight = np.ones(len(residual))
        weight[:robust] = 1.0 / (1.0 + residual[:robust] ** 2)
        jacobian = slope(values)
        weighted = jacobian.T @ diags_array(weight)
        normal, gradient = (weighted @ jacobian).tocsc(), weighted @ residual
        gain = 0.0
        while damping < 1e6:
            damped = normal + diags_array(damping * normal.diagonal() + 1e-9)
            trial = values - splu(csc_matrix(damped)).solve(gradient)
            fresh = residuals(trial)
            gain = cost(residual) - cost(fresh)
            if gain > 0:
                values, residual, damping = trial, fresh, max(damping / 5, 1e-6)
                break
            damping *= 8
        if gain < 1e-4 * cost(residual):
            break
    return values


def _observations(
    groups: Sequence[Sequence[Track]], offsets_s: Mapping[str, float]
) -> list[tuple[str, int, int, Float, Float]]:
    """Rows of camera, moment, person, box and rough place: of each person's moments that two or more cameras saw."""
    found: list[tuple[str, int, int, Float, Float]] = []
    moments: list[tuple[int, list[tuple[str, Float, Float]]]] = []
    for person, group in enumerate(groups):
        start = min(track.time_s[0] - offsets_s.get(track.camera, 0.0) for track in group)
        end = max(track.time_s[-1] - offsets_s.get(track.camera, 0.0) for track in group)
        times = np.arange(start, end, _MOMENT_S)
        seen: list[list[tuple[str, Float, Float]]] = [[] for _ in times]
        for track in group:
            own = times + offsets_s.get(track.camera, 0.0)
            boxes, places = at_times(track, own, track.xyxy), at_times(track, own, track.xy)
            near = np.abs(own[:, None] - track.time_s[None]).min(axis=1) < _MOMENT_S
            for n in np.flatnonzero(near & np.isfinite(boxes).all(axis=1) & np.isfinite(places).all(axis=1)).tolist():
                seen[n].append((track.camera, boxes[n], places[n]))
        moments += [(person, each) for each in seen if len({camera for camera, *_ in each}) >= 2]
    if len(moments) > _MOST_MOMENTS:
        moments = [moments[n] for n in np.linspace(0, len(moments) - 1, _MOST_MOMENTS).astype(int).tolist()]
    persons = {person: n for n, person in enumerate(sorted({person for person, _ in moments}))}
    for number, (person, each) in enumerate(moments):
        found += [(camera, number, persons[person], box, place) for camera, box, place in each]
    return found


def _step_between(start: CameraModel, now: CameraModel, free: int) -> Float:
    """The step that ``moved`` takes from one camera to the other."""
    import cv2

    vector = np.asarray(cv2.Rodrigues(now.rotation @ start.rotation.T)[0], np.float64).ravel()
    log = [math.log(float(now.matrix[0, 0] / start.matrix[0, 0]))]
    return np.concatenate([vector, now.position - start.position, log])[:free]
