"""People followed by single cameras, and which of their tracks show the same person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cameras.calibration.upright import fit_upright
from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

GAP_S: Final = 1.0  # a longer gap in a track is not bridged
_TOGETHER_S: Final = 2.5  # tracks that share less time are not compared
_CLEARLY: Final = 1.6  # by how much the second best must be worse, or the match is left out
_STEP_S: Final = 0.25


@dataclass(frozen=True, eq=False)
class Track:
    """One person in one camera: ``time_s`` (n,) rising, by the camera's clock; ``xyxy`` (n, 4); ``xy`` (n, 2) metres,
    NaN where the box tells no place.
    """

    camera: str
    name: str
    time_s: Float
    xyxy: Float
    xy: Float


@dataclass(frozen=True, eq=False)
class CameraBoxes:
    """All that one camera's tracker told: ``time_s`` (n,), ``track`` (n,) names of its own, ``xyxy`` (n, 4) pixels."""

    camera: str
    time_s: Float
    track: NDArray[np.str_]
    xyxy: Float

    def __post_init__(self) -> None:
        count = len(self.time_s)
        if self.track.shape != (count,) or self.xyxy.shape != (count, 4):
            raise ValueError(
                f"camera {self.camera}: expected {count} tracks and boxes of 4, found {self.track.shape} and "
                f"{self.xyxy.shape}"
            )


def tracks_of(model: CameraModel, boxes: CameraBoxes) -> list[Track]:
    """The camera's tracks by name, placed on the floor by ``model``, cut where they have gaps."""
    placed = fit_upright(model, boxes.xyxy).xy
    found = []
    for name in np.unique(boxes.track).tolist():
        rows = np.flatnonzero(boxes.track == name)
        rows = rows[np.argsort(boxes.time_s[rows], kind="stable")]
        rows = rows[np.concatenate([[True], np.diff(boxes.time_s[rows]) > 1e-6])]
        cuts = np.flatnonzero(np.diff(boxes.time_s[rows]) > GAP_S) + 1
        for number, part in enumerate(np.split(rows, cuts)):
            if len(part) >= 4:
                found.append(
                    Track(boxes.camera, f"{name}/{number}", boxes.time_s[part], boxes.xyxy[part], placed[part])
                )
    return found


def at_times(track: Track, time_s: Float, values: Float) -> Float:
    """``values`` (n, k) of a track at other times (m,), linear in between: (m, k), NaN outside the track."""
    found = np.column_stack([np.interp(time_s, track.time_s, values[:, k]) for k in range(values.shape[1])])
    outside = (time_s < track.time_s[0]) | (time_s > track.time_s[-1])
    found[outside] = np.nan
    return found


def match_tracks(
    one: Sequence[Track], other: Sequence[Track], shift_s: float = 0.0, gate_m: float = 1.0
) -> list[tuple[Track, Track]]:
    """Pairs of tracks of two cameras that show the same person: near one another all the time that they share.

    ``shift_s`` is how far the other camera's clock is ahead of the first one's. What is not clearly nearest is left
    out: a wrong pair costs more than a missing one.
    """
    if not one or not other:
        return []
    start = min(track.time_s[0] for track in one)
    end = max(track.time_s[-1] for track in one)
    times = np.arange(start, end + _STEP_S, _STEP_S)
    here = np.array([at_times(track, times, track.xy) for track in one])
    there = np.array([at_times(track, times + shift_s, track.xy) for track in other])
    cost = np.full((len(one), len(other)), np.inf)
    for i, row in enumerate(here):
        # Only what the two share in time is compared.
        during = np.isfinite(row[:, 0])
        away = np.linalg.norm(there[:, during] - row[during], axis=2)
        for j in np.flatnonzero(np.isfinite(away).sum(axis=1) * _STEP_S >= _TOGETHER_S).tolist():
            shared = np.sort(away[j][np.isfinite(away[j])])
            cost[i, j] = shared[len(shared) // 2] + 0.25 * shared[int(0.9 * (len(shared) - 1))]
    within = np.where(cost < gate_m, cost, 1e3)
    found = []
    for i, j in zip(*linear_sum_assignment(within), strict=True):
        if within[i, j] >= 1e3:
            continue
        rivals = np.concatenate([np.delete(cost[i], j), np.delete(cost[:, j], i)])
        # A rival that is no rival in time is another part of the same person's way.
        if not len(rivals) or rivals.min() > _CLEARLY * cost[i, j]:
            found.append((one[i], other[j]))
    return found


def match_all(
    tracks: Mapping[str, Sequence[Track]], offsets_s: Mapping[str, float], gate_m: float = 1.0
) -> list[tuple[Track, Track]]:
    """The matched pairs of all cameras' tracks, by ``match_tracks``; cameras in the order of their names."""
    names = sorted(tracks)
    return [
        pair
        for n, one in enumerate(names)
        for other in names[n + 1 :]
        for pair in match_tracks(
            tracks[one], tracks[other], offsets_s.get(other, 0.0) - offsets_s.get(one, 0.0), gate_m
        )
    ]


def people(pairs: Sequence[tuple[Track, Track]]) -> list[list[Track]]:
    """Tracks joined into people by the pairs; where two tracks of one camera would be in two places, both are left."""
    parent: dict[int, int] = {}
    every: dict[int, Track] = {}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for a, b in pairs:
        for track in (a, b):
            every[id(track)] = track
            parent.setdefault(id(track), id(track))
        parent[root(id(a))] = root(id(b))
    groups: dict[int, list[Track]] = {}
    for key, track in every.items():
        groups.setdefault(root(key), []).append(track)
    return [group for group in groups.values() if not _in_two_places(group)]


def _in_two_places(group: Sequence[Track]) -> bool:
    for n, a in enumerate(group):
        for b in group[n + 1 :]:
            if a.camera == b.camera and min(a.time_s[-1], b.time_s[-1]) - max(a.time_s[0], b.time_s[0]) > 0.5:
                return True
    return False
