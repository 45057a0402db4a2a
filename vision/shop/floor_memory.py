"""What the floor looks like to one camera, cell by cell, and where it has looked otherwise for some time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.shop.floor_views import Bools, Image

Float = NDArray[np.float64]

SETTLE_S: Final = 1.5  # a change lasts, to be one
LOOKS: Final = 3  # that show a change
CHANGED: Final = 14.0  # grey levels of the channel that differs most
STEADY: Final = 12.0  # grey levels between looks at what stays
DRIFT: Final = 1.0  # grey levels by which a look moves what is remembered
DARK: Final = 12.0  # added to grey values before their ratio
ODD: Final = 0.3  # ratios that differ more from the usual one are no light
LIGHT: Final = (25, 25)  # cells around each that the light falls on alike
ABSORBED_S: Final = 20.0  # what is changed for so long, and is no thing, is the floor's new look


@dataclass(slots=True, eq=False)
class FloorMemory:
    """What one camera remembers of each cell: its usual look, whether there is one and since when, the changed look,
    since when and in how many looks that is the same, when it last was as usual, and when it was looked at; seconds.
    """

    usual: NDArray[np.float32]
    known: Bools
    known_s: Float
    other: NDArray[np.float32]
    since_s: Float
    looks: NDArray[np.int32]
    calm_s: Float
    seen_s: Float
    looked_s: float = -np.inf

    @classmethod
    def of(cls, shape: tuple[int, int]) -> FloorMemory:
        """Of a chart (rows, columns) that was never looked at."""
        look, never = np.zeros((*shape, 3), np.float32), np.full(shape, -np.inf)
        looks = np.zeros(shape, np.int32)
        return cls(look, np.zeros(shape, np.bool_), -never, look.copy(), -never, looks, never.copy(), never.copy())

    def see(self, time_s: float, look: Image, free: Bools) -> None:
        """Take a look (rows, columns, 3), of which ``free`` cells count."""
        now, known = look.astype(np.float32), free & self.known
        off = most(now - self._lit(now, known))
        changed, calm, new = known & (off > CHANGED), known & (off <= CHANGED), free & ~self.known
        started = changed & ~(np.isfinite(self.since_s) & (most(now - self.other) < STEADY))
        self.since_s[started], self.looks[started], self.other[started] = time_s, 0, now[started]
        self.looks[changed] += 1
        self.usual[calm] += np.clip(now[calm] - self.usual[calm], -DRIFT, DRIFT)
        self.usual[new], self.known[new], self.known_s[new] = now[new], True, time_s
        self.since_s[calm], self.calm_s[calm | new], self.seen_s[free] = np.inf, time_s, time_s
        self.looked_s = time_s
        self.take_up(changed & (self.since_s < time_s - ABSORBED_S))

    def leave(self, near: Bools) -> None:
        """People are in these cells: what changes there is they."""
        self.since_s[near], self.seen_s[near] = np.inf, -np.inf

    def changed(self, time_s: float) -> Bools:
        """The cells that have looked otherwise for long enough."""
        return (self.since_s <= time_s - SETTLE_S) & (self.looks >= LOOKS)

    def take_up(self, cells: Bools) -> None:
        """What changed there is usual from now on."""
        self.usual[cells], self.since_s[cells] = self.other[cells], np.inf

    def forget(self, cells: Bools) -> None:
        """Learn anew what these cells look like."""
        self.known[cells], self.known_s[cells], self.since_s[cells] = False, np.inf, np.inf

    def _lit(self, now: NDArray[np.float32], known: Bools) -> NDArray[np.float32]:
        """The usual look in the light of ``now``: the mean ratio around each cell, where ``known``."""
        ratio = (now + DARK) / (self.usual + DARK)
        some = ratio[::4, ::4][known[::4, ::4]]
        usual = np.median(some, axis=0) if len(some) else np.ones(3, np.float32)
        counts = known & (most(np.asarray(ratio - usual, np.float32)) < ODD)
        ratio[~counts] = 0.0
        number = cv2.boxFilter(counts.astype(np.float32), -1, LIGHT, normalize=False)[..., None]
        local = (cv2.boxFilter(ratio, -1, LIGHT, normalize=False) + 1.0) / (number + 1.0)
        return np.asarray((self.usual + DARK) * local - DARK, np.float32)


def most(off: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far (...) the channel of (..., 3) is from 0 that is furthest."""
    blue, green, red = (np.abs(off[..., channel]) for channel in range(3))
    return np.asarray(np.maximum(np.maximum(blue, green), red))
