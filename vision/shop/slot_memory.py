"""What each slot looked like lately, in one camera: the newest looks at it that nobody stood in the way of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.shop.slot_views import COLUMNS, ROWS, Patches

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

SPACINGS_S = (0.35, 1.0, 4.0, 12.0)  # of a slot's looks: the newest ones close together, those before them far apart
KEPT = 10  # looks of each spacing
LEAST_FREE = 0.3  # of a patch, for a look to be kept
LOOKS = 3  # a picture of a slot is made of


class SlotMemory:
    """Looks at the n slots of a camera: 10 of each of ``SPACINGS_S`` apart, each slot by itself."""

    def __init__(self, slots: int) -> None:
        self._rings = [_Ring(slots, spacing) for spacing in SPACINGS_S]

    def reset(self) -> None:
        """Forget every look."""
        for ring in self._rings:
            ring.time_s[:] = -np.inf

    def add(self, time_s: float, rows: NDArray[np.int64], patches: Patches, free: Mask) -> None:
        """Keep looks (k, ROWS, COLUMNS, 3) at the slots ``rows`` (k,), of which ``free`` (k, ROWS, COLUMNS) is seen."""
        enough = free.mean(axis=(1, 2)) >= LEAST_FREE
        for ring in self._rings:
            due = enough & (time_s - ring.newest(rows) >= ring.spacing_s)
            ring.add(time_s, rows[due], patches[due], free[due])

    def age_s(self, time_s: float, rows: NDArray[np.int64]) -> Float:
        """How long ago (k,) each of ``rows`` was last seen; infinity for never."""
        return time_s - self._rings[0].newest(rows)

    def before(self, rows: NDArray[np.int64], time_s: Float, since_s: Float) -> Composite:
        """What ``rows`` (k,) looked like at ``time_s`` (k,): of every point the newest looks up to then.

        Looks older than ``since_s`` (k,) are left out.
        """
        return self._composite(rows, since_s, time_s, newest=True)

    def after(self, rows: NDArray[np.int64], time_s: Float, until_s: Float) -> Composite:
        """What ``rows`` (k,) looked like after ``time_s`` (k,): of every point the first looks from then on.

        Looks younger than ``until_s`` (k,) are left out.
        """
        return self._composite(rows, time_s, until_s, newest=False)

    def _composite(self, rows: NDArray[np.int64], low: Float, high: Float, *, newest: bool) -> Composite:
        times = np.concatenate([ring.time_s[rows] for ring in self._rings], axis=1)
        # A look is in several rings when all were due: once is enough.
        for end in range(KEPT, times.shape[1], KEPT):
            later, earlier = times[:, end : end + KEPT], times[:, :end]
            later[(later[:, :, None] == earlier[:, None]).any(axis=2)] = -np.inf
        times = np.where(np.isfinite(times) & (times >= low[:, None]) & (times <= high[:, None]), times, np.nan)
        order = np.argsort(-times if newest else times, axis=1)
        shape = (len(rows), ROWS, COLUMNS)
        found = np.zeros((LOOKS, *shape, 3), np.uint8)
        count = np.zeros(shape, np.uint8)
        first, last = np.full(shape, np.nan), np.full(shape, np.nan)
        some = np.arange(len(rows))
        for n in range(order.shape[1]):
            # Slots with looks left, and with points that have not been seen often enough.
            some = some[np.isfinite(times[some, order[some, n]])]
            some = some[(count[some] < LOOKS).any(axis=(1, 2))]
            if not len(some):
                break
            place = order[some, n]
            patch, free = self._looks(rows[some], place)
            use = free & (count[some] < LOOKS)
            for k in range(LOOKS):
                here = use & (count[some] == k)
                found[k, some] = np.where(here[..., None], patch, found[k, some])
            stamp = np.where(use, times[some, place][:, None, None], np.nan)
            first[some], last[some] = np.fmin(first[some], stamp), np.fmax(last[some], stamp)
            count[some] += use
        return Composite(*_middle(found, count), count, first, last)

    def _looks(self, rows: NDArray[np.int64], place: NDArray[np.int64]) -> tuple[Patches, Mask]:
        which, inner = place // KEPT, place % KEPT
        patch, free = self._rings[0].patch[rows, inner], self._rings[0].free[rows, inner]
        for number, ring in enumerate(self._rings[1:], 1):
            own = which == number
            patch[own], free[own] = ring.patch[rows[own], inner[own]], ring.free[rows[own], inner[own]]
        return patch, free


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """What k slots looked like.

    ``patch`` float32 (k, ROWS, COLUMNS, 3) BGR, ``spread`` float32 (k, ROWS, COLUMNS) by how much the looks it is made
    of differ, ``count`` uint8 (k, ROWS, COLUMNS) how many they are, from ``first_s`` to ``last_s`` (k, ROWS, COLUMNS),
    seconds, NaN for none.
    """

    patch: NDArray[np.float32]
    spread: NDArray[np.float32]
    count: NDArray[np.uint8]
    first_s: Float
    last_s: Float


class _Ring:
    def __init__(self, slots: int, spacing_s: float) -> None:
        self.spacing_s = spacing_s
        self.time_s = np.full((slots, KEPT), -np.inf)
        self.patch = np.zeros((slots, KEPT, ROWS, COLUMNS, 3), np.uint8)
        self.free = np.zeros((slots, KEPT, ROWS, COLUMNS), np.bool_)
        self._next = np.zeros(slots, np.int64)

    def newest(self, rows: NDArray[np.int64]) -> Float:
        return np.asarray(self.time_s[rows].max(axis=1))

    def add(self, time_s: float, rows: NDArray[np.int64], patches: Patches, free: Mask) -> None:
        place = self._next[rows]
        self.time_s[rows, place] = time_s
        self.patch[rows, place] = patches
        self.free[rows, place] = free
        self._next[rows] = (place + 1) % KEPT


def _middle(found: Patches, count: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The median of up to three looks (3, k, ROWS, COLUMNS, 3), and the most that a channel of one differs from it."""
    a, b, c = found.astype(np.float32)
    three = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    number = count[..., None]
    middle = np.where(number >= 3, three, np.where(number == 2, (a + b) / 2, a))
    parts = [np.where(number > k, np.abs(look - middle), 0.0) for k, look in enumerate((a, b, c))]
    return middle, np.asarray(np.max(parts, axis=(0, -1)), np.float32)
