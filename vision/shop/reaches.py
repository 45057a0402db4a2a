"""Hands that go into shelves: when, whose, how deep, and into which slots.

A hand's path through a face's room begins when its tip comes within ``NEAR_M`` of the front and ends when it has drawn
back. Each time that the hand goes in anew by ``DRAWN_M`` is a reach of its own, without the hand leaving. The slots are
weighed over the path near its deepest point, by how surely the hand is known there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from store.furniture import PlacedSlot
from vision.shop.evidence import Reach
from vision.shop.shelf_room import ShelfRoom
from vision.shop.wrists import Hands

Float = NDArray[np.float64]

NEAR_M: Final = 0.06
AWAY_M: Final = 0.12
DRAWN_M: Final = 0.05
_LOST_S: Final = 0.7
_LONGEST_S: Final = 12.0
_LATEST_M: Final = 0.04  # a path's points this much less deep than its deepest weigh e times less
_BEYOND_M: Final = np.array([0.06, 0.05, 0.07])  # how far what is touched is from the tip: along, inwards, up
_LEAST: Final = 0.02  # slots that are less likely are left out


@dataclass(slots=True)
class _Path:
    """A hand in a face: at times (k,) its tip, depth and variance, where the person stood, and who saw it."""

    face: int
    time_s: list[float] = field(default_factory=list)
    tip: list[Float] = field(default_factory=list)
    depth: list[float] = field(default_factory=list)
    variance: list[Float] = field(default_factory=list)
    person_xy: list[Float] = field(default_factory=list)
    cameras: list[NDArray[np.bool_]] = field(default_factory=list)


class ReachFinder:
    """Follows hands through the room of ``slots``. ``cameras`` names the cameras of the hands."""

    def __init__(self, slots: Sequence[PlacedSlot], cameras: Sequence[str] = ()) -> None:
        self._room = ShelfRoom(slots)
        self._cameras = tuple(cameras)
        self.reset()

    def reset(self) -> None:
        """Forget every hand."""
        self._paths: dict[tuple[int, int], _Path] = {}

    @property
    def open(self) -> list[Reach]:
        """Reaches that go on, as they are known by now."""
        return [reach for key, path in self._paths.items() for reach in self._told(key, path)]

    def update(self, hands: Hands) -> list[Reach]:
        """The reaches that ended by ``hands.time_s``."""
        found: list[Reach] = []
        known: NDArray[np.bool_] = np.isfinite(hands.tip.sum(axis=2))
        if not self._room.slots or not known.any():
            known = np.zeros(known.shape, np.bool_)
        depth = self._room.depth(np.where(known[..., None], hands.tip, 1e6)) if known.any() else None
        for row, number in enumerate(hands.track_id.tolist()):
            for hand in (0, 1):
                if depth is None or not known[row, hand]:
                    continue
                key = (number, hand)
                path = self._paths.get(key)
                if path is not None and depth[row, hand, path.face] < -AWAY_M:
                    found += self._told(key, self._paths.pop(key))
                    path = None
                face = int(depth[row, hand].argmax())
                if path is None and depth[row, hand, face] > -NEAR_M:
                    path = self._paths[key] = _Path(face)
                if path is not None:
                    path.time_s.append(hands.time_s)
                    path.tip.append(hands.tip[row, hand])
                    path.depth.append(float(depth[row, hand, path.face]))
                    path.variance.append(hands.covariance[row, hand])
                    path.person_xy.append(hands.person_xy[row])
                    path.cameras.append(hands.cameras[row, hand])
        for key, path in list(self._paths.items()):
            if hands.time_s - path.time_s[-1] > _LOST_S or hands.time_s - path.time_s[0] > _LONGEST_S:
                found += self._told(key, self._paths.pop(key))
        return found

    def finish(self) -> list[Reach]:
        """The reaches that have not ended, when nothing more comes."""
        found = self.open
        self.reset()
        return found

    def _told(self, key: tuple[int, int], path: _Path) -> list[Reach]:
        depth = np.array(path.depth)
        return [self._reach(key, path, first, last) for first, last in visits(depth, DRAWN_M)]

    def _reach(self, key: tuple[int, int], path: _Path, first: int, last: int) -> Reach:
        part = slice(first, last + 1)
        depth, tip = np.array(path.depth[part]), np.array(path.tip[part])
        way = np.zeros((3, 3))
        way[0, :2], way[1, :2], way[2, 2] = self._room.along[path.face], -self._room.normal[path.face], 1.0
        variance = np.einsum("ai,kij,aj->ka", way, np.array(path.variance[part]), way)
        error = np.sqrt(variance + _BEYOND_M**2)
        weight = np.exp((depth - depth.max()) / _LATEST_M)
        weight /= weight.sum()
        own, shares = self._room.shares(tip, error, path.face)
        deepest = int(depth.argmax())
        inside = float(ndtr((depth[deepest] + NEAR_M) / error[deepest, 1]))
        total = inside * (weight[:, None] * shares).sum(axis=0)
        saw = np.stack(path.cameras[part]).sum(axis=0) > 0
        return Reach(
            track_id=key[0],
            hand=key[1],
            start_s=path.time_s[first],
            end_s=path.time_s[last],
            at_s=path.time_s[first + deepest],
            xyz=(float(tip[deepest, 0]), float(tip[deepest, 1]), float(tip[deepest, 2])),
            person_xy=(float(path.person_xy[first + deepest][0]), float(path.person_xy[first + deepest][1])),
            slots={
                self._room.slots[slot]: float(share)
                for slot, share in sorted(
                    zip(own.tolist(), [float(share) for share in total], strict=True), key=lambda item: -item[1]
                )
                if share >= _LEAST
            },
            cameras=tuple(name for name, seen in zip(self._cameras, saw.tolist(), strict=False) if seen),
        )


def visits(depth: Float, drawn_m: float) -> list[tuple[int, int]]:
    """First and last places of the times that ``depth`` (k,) rose and fell: between two the hand drew back by
    ``drawn_m`` from the lesser of both peaks.
    """
    if not len(depth):
        return []
    cuts, peak, valley, start = [], depth[0], depth[0], 0
    low = 0
    for place, value in enumerate(depth):
        if value < valley:
            valley, low = value, place
        if peak - valley >= drawn_m and value - valley >= drawn_m:
            cuts.append((start, low))
            start, peak, valley, low = low, value, value, place
        elif value > peak:
            peak, valley, low = value, value, place
    return [*cuts, (start, len(depth) - 1)]
