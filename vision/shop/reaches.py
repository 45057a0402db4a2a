"""Hands that go into shelves: when, whose, how deep, and into which slots.

A hand's path through a face's room begins when its tip comes near the front and ends when it has drawn back. Each time
that the hand goes in anew by ``DRAWN_M`` is a reach of its own, without the hand leaving. Who reaches stretches an arm
out to the shelf, which tells it from an arm that hangs beside one (``likely``). The slots are weighed over the path
near its deepest point, by how surely the hand is known there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.furniture import PlacedSlot
from vision.shop.evidence import Reach
from vision.shop.shelf_room import ShelfRoom
from vision.shop.wrists import Hands

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEAR_M: Final = 0.06
AWAY_M: Final = 0.12
DRAWN_M: Final = 0.05
LEAST: Final = 0.1  # reaches that are less likely are not told
_LEAD_S: Final = 1.5  # how long before its deepest point a hand may begin to stretch out
_LOST_S: Final = 0.7
_LONGEST_S: Final = 12.0
_LATEST_M: Final = 0.04  # a path's points this much less deep than its deepest weigh e times less
_BEYOND_M: Final = np.array([0.06, 0.05, 0.07])  # how far what is touched is from the tip: along, inwards, up
_LEAST_SLOT: Final = 0.02  # slots that are less likely are left out

# Fitted on simulated reaches (seed 500) with hands known to 5 and to 10 cm: log odds by metres of stroke and extension.
_STROKE: Final = 9.0
_EXTENDED: Final = 10.0
_RESTING: Final = -7.4


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """A hand at ``time_s``: its tip, wrist and variance, where the person stood, and who saw it."""

    time_s: float
    tip: Float
    wrist: Float
    variance: Float
    person_xy: Float
    cameras: Bools


@dataclass(slots=True, eq=False)
class _Path:
    """A hand near or in a face: ``samples``, of which those from ``first`` on are near, ``depth`` of these."""

    face: int
    samples: list[_Sample]
    first: int
    depth: list[float]


class ReachFinder:
    """Follows hands through the room of ``slots``. ``cameras`` names the cameras of the hands."""

    def __init__(self, slots: Sequence[PlacedSlot], cameras: Sequence[str] = ()) -> None:
        self._room = ShelfRoom(slots)
        self._cameras = tuple(cameras)
        self.reset()

    def reset(self) -> None:
        """Forget every hand."""
        self._trails: dict[tuple[int, int], deque[_Sample]] = {}
        self._paths: dict[tuple[int, int], _Path] = {}

    @property
    def open(self) -> list[Reach]:
        """Reaches that go on, as they are known by now."""
        return [reach for key, path in self._paths.items() for reach in self._told(key, path)]

    def update(self, hands: Hands) -> list[Reach]:
        """The reaches that ended by ``hands.time_s``."""
        found: list[Reach] = []
        known = np.isfinite(hands.tip.sum(axis=2))
        if self._room.slots and known.any():
            depth = self._room.depth(np.where(known[..., None], hands.tip, 1e6))
            for row, hand in zip(*np.nonzero(known), strict=True):
                key = (int(hands.track_id[row]), int(hand))
                sample = _Sample(
                    hands.time_s,
                    hands.tip[row, hand],
                    hands.wrist[row, hand],
                    hands.covariance[row, hand],
                    hands.person_xy[row],
                    hands.cameras[row, hand],
                )
                found += self._follow(key, sample, depth[row, hand])
        for key, path in list(self._paths.items()):
            near = path.samples[path.first :]
            if hands.time_s - near[-1].time_s > _LOST_S or hands.time_s - near[0].time_s > _LONGEST_S:
                found += self._told(key, self._paths.pop(key))
        for key in [key for key, trail in self._trails.items() if hands.time_s - trail[-1].time_s > _LEAD_S]:
            del self._trails[key]
        return found

    def finish(self) -> list[Reach]:
        """The reaches that have not ended, when nothing more comes."""
        found = self.open
        self.reset()
        return found

    def _follow(self, key: tuple[int, int], sample: _Sample, depth: Float) -> list[Reach]:
        found: list[Reach] = []
        trail = self._trails.setdefault(key, deque())
        while trail and sample.time_s - trail[0].time_s > _LEAD_S:
            trail.popleft()
        path = self._paths.get(key)
        if path is not None and depth[path.face] < -AWAY_M:
            found = self._told(key, self._paths.pop(key))
            path = None
        face = int(depth.argmax())
        if path is None and depth[face] > -NEAR_M:
            path = self._paths[key] = _Path(face, list(trail), len(trail), [])
        if path is not None:
            path.samples.append(sample)
            path.depth.append(float(depth[path.face]))
        trail.append(sample)
        return found

    def _told(self, key: tuple[int, int], path: _Path) -> list[Reach]:
        reaches = [self._reach(key, path, first, last) for first, last in visits(np.array(path.depth), DRAWN_M)]
        return [reach for reach in reaches if reach is not None]

    def _reach(self, key: tuple[int, int], path: _Path, first: int, last: int) -> Reach | None:
        samples = path.samples[path.first + first : path.first + last + 1]
        depth = np.array(path.depth[first : last + 1])
        deepest = int(depth.argmax())
        most = samples[deepest]
        inwards = -self._room.normal[path.face]
        out = [float((each.wrist[:2] - each.person_xy) @ inwards) for each in path.samples]
        peak = path.first + first + deepest
        before = [
            value
            for value, each in zip(out[: peak + 1], path.samples[: peak + 1], strict=True)
            if each.time_s >= most.time_s - _LEAD_S
        ]
        sure = likely(out[peak] - min(before), out[peak])
        if sure < LEAST:
            return None
        own, shares = self._shares(path.face, samples, depth)
        saw = np.stack([each.cameras for each in samples]).sum(axis=0) > 0
        return Reach(
            track_id=key[0],
            hand=key[1],
            start_s=samples[0].time_s,
            end_s=samples[-1].time_s,
            at_s=most.time_s,
            xyz=(float(most.tip[0]), float(most.tip[1]), float(most.tip[2])),
            person_xy=(float(most.person_xy[0]), float(most.person_xy[1])),
            slots={
                own[place]: sure * float(shares[place])
                for place in np.argsort(-shares, kind="stable").tolist()
                if sure * shares[place] >= _LEAST_SLOT
            },
            cameras=tuple(name for name, seen in zip(self._cameras, saw.tolist(), strict=False) if seen),
        )

    def _shares(self, face: int, samples: Sequence[_Sample], depth: Float) -> tuple[list[str], Float]:
        """The face's slots, and how likely the hand was in each (s,), given that it was in the shelf."""
        axes = np.zeros((3, 3))
        axes[0, :2], axes[1, :2], axes[2, 2] = self._room.along[face], -self._room.normal[face], 1.0
        variance = np.einsum("ai,kij,aj->ka", axes, np.array([each.variance for each in samples]), axes)
        own, shares = self._room.shares(
            np.array([each.tip for each in samples]), np.sqrt(variance + _BEYOND_M**2), face
        )
        weight = np.exp((depth - depth.max()) / _LATEST_M)
        told = (weight[:, None] * shares).sum(axis=0) / weight.sum()
        return [self._room.slots[place] for place in own.tolist()], told


def likely(stroke_m: float, extended_m: float) -> float:
    """The probability that a hand near a shelf reaches into it.

    ``stroke_m``: how far it moved towards the shelf from the person's own place, in the last moments; ``extended_m``:
    how far it is from the person's axis, towards the shelf. How deep it is tells nothing more.
    """
    odds = _STROKE * stroke_m + _EXTENDED * extended_m + _RESTING
    return float(1.0 / (1.0 + np.exp(-odds)))


def visits(depth: Float, drawn_m: float) -> list[tuple[int, int]]:
    """First and last places of the times that ``depth`` (k,) rose and fell: between two the hand drew back by
    ``drawn_m`` from the lesser of both peaks.
    """
    if not len(depth):
        return []
    cuts, peak, valley, start, low = [], depth[0], depth[0], 0, 0
    for place, value in enumerate(depth):
        if value < valley:
            valley, low = value, place
        if peak - valley >= drawn_m and value - valley >= drawn_m:
            cuts.append((start, low))
            start, peak, valley, low = low, value, value, place
        elif value > peak:
            peak, valley, low = value, value, place
    return [*cuts, (start, len(depth) - 1)]
