"""How far cameras' clocks are apart, from people whom two of them see walk."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.calibration.errors import TooFewMeetingsError
from cameras.calibration.tracks import Track, at_times, match_tracks

Float = NDArray[np.float64]

MOST_S: Final = 2.0
_STEP_S: Final = 0.05
_CLIP_M: Final = 0.5  # a larger error is a box that was cut off, and counts as this
_SHARE: Final = 0.6  # of the samples that a shift must keep to be compared
_LEAST_SAMPLES: Final = 40
_MOST_SAMPLES: Final = 80  # of one track: more tell little more
_MOST_PAIRS: Final = 12  # of tracks of two cameras
_LEAST_WAY_M: Final = 1.0  # who stands still tells no time
_ROUNDS: Final = 2


@dataclass(frozen=True, eq=False)
class ClockOffsets:
    """``offset_s`` by camera: how far its clock is ahead of the reference, with ``sigma_s``, its standard deviation.

    Cameras that share nobody's walk with the reference, not even by others, are in ``unknown``.
    """

    offset_s: dict[str, float]
    sigma_s: dict[str, float]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class _Apart:
    one: str
    other: str
    shift_s: float
    sigma_s: float


def clock_offsets(
    tracks: Mapping[str, Sequence[Track]],
    *,
    reference: str | None = None,
    known_s: Mapping[str, float] | None = None,
    most_s: float = MOST_S,
) -> ClockOffsets:
    """The offsets of all cameras' clocks: those of pairs by their walkers, joined by weighted least squares.

    For a pair of cameras the shift sought is that at which the ways of the same people fall together best, but for a
    constant distance, so that a rough calibration does no harm; a parabola through the three best tells it finer than
    a frame. ``reference`` is the camera whose clock is right; without it the mean offset is 0. ``known_s`` is where to
    begin. Raises ``TooFewMeetingsError`` where no two cameras share a walk.
    """
    names = sorted(tracks)
    if reference is not None and reference not in names:
        raise TooFewMeetingsError(f"the reference camera {reference} saw nobody; cameras: {', '.join(names)}")
    start = {name: (known_s or {}).get(name, 0.0) for name in names}
    pairs: list[_Apart] = []
    reach, gate = most_s, 1.5
    found = start
    for _ in range(_ROUNDS):
        pairs = [
            apart
            for one, other in itertools.combinations(names, 2)
            if (apart := _pair(tracks[one], tracks[other], found[other] - found[one], reach, gate)) is not None
        ]
        if not pairs:
            break
        found, _, _ = _joined(names, pairs, reference)
        reach, gate = 0.4, 1.0
    if not pairs:
        raise TooFewMeetingsError(
            "no two cameras saw the same person walk for some seconds: record longer, or cameras that overlap"
        )
    offsets, sigmas, unknown = _joined(names, pairs, reference)
    kept = {name: offsets[name] for name in names if name not in unknown}
    return ClockOffsets(kept, {name: sigmas[name] for name in kept}, unknown)


def _pair(one: Sequence[Track], other: Sequence[Track], about_s: float, reach_s: float, gate_m: float) -> _Apart | None:
    """The shift of two cameras' clocks, None where they share too little."""
    if not one or not other:
        return None
    shifts = about_s + np.arange(-reach_s, reach_s + _STEP_S / 2, _STEP_S)
    curves, weights = [], []
    pairs = sorted(match_tracks(one, other, about_s, gate_m), key=lambda pair: -min(len(each.time_s) for each in pair))
    for a, b in pairs[:_MOST_PAIRS]:
        curve = _curve(a, b, shifts)
        if curve is not None:
            curves.append(curve[0])
            weights.append(curve[1])
    if sum(weights) < _LEAST_SAMPLES:
        return None
    total = np.average(np.array(curves), axis=0, weights=weights)
    best = _lowest(shifts, total)
    if best is None:
        return None
    shift, curvature = best
    # Mean squared error m has curvature c at its minimum: each of the independent samples tells the time to sqrt(m/c).
    independent = max(sum(weights) / 4.0, 1.0)
    sigma = float(np.sqrt(total.min() / max(curvature / 2, 1e-6) / independent))
    return _Apart(one[0].camera, other[0].camera, shift, max(sigma, 0.002))


def _curve(a: Track, b: Track, shifts: Float) -> tuple[Float, float] | None:
    """The mean squared distance (shifts,), clipped, of two tracks but for their mean, and how many samples tell it."""
    if np.nansum(np.linalg.norm(np.diff(_smooth(a.xy), axis=0), axis=1)) < _LEAST_WAY_M:
        return None
    every = max(1, len(a.time_s) // _MOST_SAMPLES)
    times, xy = a.time_s[::every], a.xy[::every]
    moments = times + shifts[:, None]
    there = at_times(b, moments.ravel(), b.xy).reshape(*moments.shape, 2)
    apart = xy - there  # (shifts, samples, 2)
    good = np.asarray(np.isfinite(apart).all(axis=2))
    counts = good.sum(axis=1).astype(np.float64)
    enough = counts >= 6
    errors = np.full(len(shifts), np.nan)
    if enough.any():
        kept = np.where(good[enough, :, None], apart[enough], np.nan)
        square = ((kept - np.nanmedian(kept, axis=1, keepdims=True)) ** 2).sum(axis=2)
        errors[enough] = np.nanmean(np.minimum(square, _CLIP_M**2), axis=1)
    if counts.max() < 8:
        return None
    errors[counts < _SHARE * counts.max()] = np.nan
    if np.isfinite(errors).mean() < 0.5:
        return None
    return np.where(np.isfinite(errors), errors, np.nanmax(errors)), float(counts.max())


def _smooth(xy: Float) -> Float:
    good = xy[np.isfinite(xy).all(axis=1)]
    if len(good) < 8:
        return good
    kernel = np.ones(5) / 5
    return np.column_stack([np.convolve(good[:, k], kernel, mode="valid") for k in (0, 1)])


def _lowest(shifts: Float, errors: Float) -> tuple[float, float] | None:
    """The minimum of a curve and its second derivative there, by a parabola through its lowest part; None at an end."""
    n = int(np.argmin(errors))
    wide = 3  # samples to each side: the curve is noisy at the scale of one step
    if n < wide or n >= len(shifts) - wide:
        return None
    part = slice(n - wide, n + wide + 1)
    a, b, _ = np.polyfit(shifts[part] - shifts[n], errors[part], 2)
    if a <= 0:
        return None
    step = float(np.clip(-b / (2 * a), -wide * _STEP_S, wide * _STEP_S))
    return float(shifts[n]) + step, float(2 * a)


def _joined(
    names: Sequence[str], pairs: Sequence[_Apart], reference: str | None
) -> tuple[dict[str, float], dict[str, float], tuple[str, ...]]:
    """Offsets by camera from the shifts of pairs, robustly, with their standard deviations, and who is cut off."""
    known = _reached(names, pairs, reference)
    chosen = [name for name in names if name in known]
    index = {name: n for n, name in enumerate(chosen)}
    used = [pair for pair in pairs if pair.one in index and pair.other in index]
    design = np.zeros((len(used) + 1, len(chosen)))
    for row, pair in zip(design, used, strict=False):
        row[index[pair.other]], row[index[pair.one]] = 1.0, -1.0
    if reference is None:
        design[-1] = 1.0 / len(chosen)
    else:
        design[-1, index[reference]] = 1.0
    values = np.array([*(pair.shift_s for pair in used), 0.0])
    sigma = np.array([*(pair.sigma_s for pair in used), 1e-4])
    weight = 1.0 / sigma
    solution: Float = np.zeros(len(chosen))
    for _ in range(10):
        solution = np.asarray(np.linalg.lstsq(design * weight[:, None], values * weight, rcond=None)[0])
        off = np.abs(design @ solution - values) / np.hypot(sigma, 0.01)
        weight = 1.0 / sigma / np.sqrt(1.0 + (off / 3.0) ** 2)
    spread = np.sqrt(np.diag(np.linalg.pinv((design * weight[:, None]).T @ (design * weight[:, None]))))
    offsets = {name: float(solution[index[name]]) if name in index else 0.0 for name in names}
    sigmas = {name: float(spread[index[name]]) if name in index else float("inf") for name in names}
    return offsets, sigmas, tuple(name for name in names if name not in index)


def _reached(names: Sequence[str], pairs: Sequence[_Apart], reference: str | None) -> set[str]:
    """The cameras joined to the reference; without one, the largest set that is joined."""
    left, groups = set(names), []
    while left:
        group, fresh = set(), [min(left)]
        while fresh:
            name = fresh.pop()
            group.add(name)
            for pair in pairs:
                for here, there in ((pair.one, pair.other), (pair.other, pair.one)):
                    if here == name and there not in group:
                        fresh.append(there)
        groups.append(group)
        left -= group
    if reference is not None:
        return next(group for group in groups if reference in group)
    return max(groups, key=lambda group: (len(group), sorted(group)))
