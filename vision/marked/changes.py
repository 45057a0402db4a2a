"""Takes and returns in marked slots: a slot looks another way after something reached into it and left again.

Every point of a slot and of the margin around it is compared with the slot's usual look. Something that comes in from
the margin's outer edge is a hand, or a body. Once nothing moves any more, what differs from the usual look is either
inside the slot, then a package went or came; or it reaches out of the slot, then a hand or a body is still there.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.marked.slots import SIDE, Image, Looks, MarkedSlots, Mask
from vision.marked.ways import edges, taken
from vision.reach_spotter import Kind, SpottedReach

STILL_S: Final = 0.6  # without a movement, until a slot is judged
MOVING: Final = 0.03  # of the points: fewer that move are flicker
DIFFERENT: Final = 14.0  # grey values
EDGE: Final = 0.4  # of the difference to the points beside it: a camera shakes
CHANGED: Final = 0.08  # of the slot, at least, for a package
WITHIN: Final = 0.6  # of what changed together lies in the slot, or it is not the slot's
SURE: Final = 0.7  # of the way that it went; where neither look shows a package, none went or came
AROUND_S: Final = 20.0  # that something stands in the margin until it belongs there
INSIDE_S: Final = 120.0  # the same, in the slot
FOLLOW_S: Final = 10.0  # in which the usual look follows slow changes
_THUMB: Final = (24, 16)
_DARK: Final = 12.0
_KERNEL: Final = np.ones((3, 3), np.uint8)
_RIM: Final = np.pad(np.zeros((SIDE - 2, SIDE - 2), np.bool_), 1, constant_values=True)


class MarkedSlotWatcher:
    """Watches the ``slots`` of one camera. Needs no network; memory does not grow.

    The times of events are those at which half of the edges of what went were seen for the last time, or half of those
    of what came were there for good. They are told ``STILL_S`` after the hand is gone.
    """

    def __init__(self, slots: MarkedSlots) -> None:
        self._slots = slots
        self.reset()

    def reset(self) -> None:
        """Forget what the slots look like."""
        self._last_s = -np.inf
        self._usual: Looks | None = None

    def update(self, time_s: float, image: Image, people: NDArray[np.float32] | None = None) -> list[SpottedReach]:
        """Take in a picture (H, W, 3) BGR of ``time_s`` and tell what is known by now.

        ``people`` (m, 4) are boxes of whoever is in it, where known: what they cover is not looked at. Raises
        ``ValueError`` where time does not rise, or for a picture of another size.
        """
        if time_s <= self._last_s:
            raise ValueError(f"pictures come in order: {time_s:.3f} s after {self._last_s:.3f} s")
        step = min(time_s - self._last_s, FOLLOW_S)
        self._last_s = time_s
        looks, thumb = self._slots.looks(image), _thumb(image)
        if self._usual is None:
            self._begin(time_s, looks, thumb)
            return []
        looks = self._as_lit(looks, thumb)
        moved = _differ(looks, self._held)
        self._held[moved] = looks[moved]
        self._since[moved] = time_s
        other = _differ(looks, self._usual)
        self._seen_s[~other] = time_s
        still = (self._since > time_s - STILL_S).mean(axis=(1, 2)) <= MOVING
        if people is not None and len(people):
            still &= self._slots.covered(people).mean(axis=(1, 2)) <= MOVING
        new = ~self._proven
        self._usual[new], other[new] = looks[new], False
        self._proven |= still
        found: list[SpottedReach] = []
        for n in np.flatnonzero(other.any(axis=(1, 2))).tolist():
            different = np.asarray(cv2.morphologyEx(other[n].astype(np.uint8), cv2.MORPH_OPEN, _KERNEL), np.uint8)
            if not self._reached[n]:
                self._reached[n] = self._reaches_in(n, different)
            if still[n] and (event := self._judge(n, looks[n], different)) is not None:
                found.append(event)
        self._follow(looks, other, still, step, time_s)
        return found

    def _begin(self, time_s: float, looks: Looks, thumb: NDArray[np.float32]) -> None:
        n = len(self._slots)
        self._usual, self._held = looks, looks.copy()
        self._thumb = thumb
        self._since = np.full((n, SIDE, SIDE), time_s)  # when a point took the look that it has
        self._seen_s = np.full((n, SIDE, SIDE), time_s)  # when a point last had its usual look
        self._reached = np.zeros(n, np.bool_)  # whether something came in since nothing was there
        self._proven = np.zeros(n, np.bool_)  # whether the usual look is one of stillness

    def _as_lit(self, looks: Looks, thumb: NDArray[np.float32]) -> Looks:
        """Looks in the light of the first picture, by the median of how the channels of the whole picture changed."""
        ratio = np.median((self._thumb + _DARK) / (thumb + _DARK), axis=(0, 1))
        return np.asarray((looks + _DARK) * ratio - _DARK, np.float32)

    def _reaches_in(self, n: int, different: NDArray[np.uint8]) -> bool:
        """Whether something reaches from the outer edge of the margin into the slot."""
        inside = self._slots.inside[n]
        if not (different[inside].any() and different[_RIM].any()):
            return False
        _, labels = cv2.connectedComponents(different)
        return bool(np.intersect1d(labels[inside], labels[_RIM & (labels > 0)]).any())

    def _judge(self, n: int, look: NDArray[np.float32], different: NDArray[np.uint8]) -> SpottedReach | None:
        """What happened in a slot where nothing moves any more, if anything did."""
        assert self._usual is not None
        inside = self._slots.inside[n]
        changed = np.zeros((SIDE, SIDE), np.bool_)
        if (different[inside] > 0).mean() >= CHANGED:
            count, labels = cv2.connectedComponents(cv2.morphologyEx(different, cv2.MORPH_CLOSE, _KERNEL))
            for label in range(1, count):
                part = labels == label
                share = inside[part].mean()
                if share >= WITHIN:
                    changed |= part
                elif share > 0 and (part & inside).sum() >= CHANGED * inside.sum():
                    return None  # a hand, a body, or what stands beside the slot
        if (changed & inside).sum() < CHANGED * inside.sum():
            if not different[inside].any():
                self._reached[n] = False
            return None
        event = None
        if self._reached[n]:
            gone = taken(self._usual[n], look, changed)
            kind: Kind = "take" if gone >= 0.5 else "return"
            look_with, times = (self._usual[n], self._seen_s[n]) if kind == "take" else (look, self._since[n])
            # Only its edges tell where a thing stands: its plain parts look the same while it moves.
            time_s = _half(times[changed], edges(look_with)[changed])
            x, y = self._slots.middle[n].tolist()
            if (sure := max(gone, 1 - gone)) >= SURE:
                event = SpottedReach(self._slots.names[n], kind, time_s, sure, (x, y))
        self._usual[n][changed] = look[changed]
        self._seen_s[n][changed] = self._last_s
        self._reached[n] = False
        return event

    def _follow(self, looks: Looks, other: Mask, still: NDArray[np.bool_], step: float, time_s: float) -> None:
        """Let the usual look follow the light, and take in what has stood there for long."""
        assert self._usual is not None
        share = step / FOLLOW_S
        same = still[:, None, None] & ~other
        self._usual[same] += share * (looks[same] - self._usual[same])
        patience = np.where(self._slots.inside, INSIDE_S, AROUND_S)
        there = still[:, None, None] & other & (time_s - self._since >= patience)
        self._usual[there] = looks[there]


def _half(times: NDArray[np.float64], weights: NDArray[np.float32]) -> float:
    """The time up to which half of the weight lies."""
    order = np.argsort(times, kind="stable")
    summed = np.cumsum(weights[order].astype(np.float64))
    return float(times[order][np.searchsorted(summed, summed[-1] / 2)])


def _thumb(image: Image) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA), np.float32)


def _differ(looks: Looks, usual: Looks) -> Mask:
    """Which points (n, SIDE, SIDE) of two looks differ by more than noise and a small shake explain."""
    across = np.abs(np.diff(usual, axis=2, append=usual[:, :, -1:])).max(axis=3)
    down = np.abs(np.diff(usual, axis=1, append=usual[:, -1:])).max(axis=3)
    return np.asarray(np.abs(looks - usual).max(axis=3) > DIFFERENT + EDGE * np.maximum(across, down))
