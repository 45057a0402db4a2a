"""Where heads may be: regions around them from people's boxes and from faces, on the safe side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

# Shares of a person's box. Of somebody standing, the head is the upper eighth; bent over a shelf, or seen from above,
# it is lower. The shoulders are about two heads wide, so a box that is wide for its height shows a close-up.
_DEEP_OF_HEIGHT = 0.24
_DEEP_OF_WIDTH = 0.6
_ABOVE_OF_HEIGHT = 0.05
_BESIDE_OF_WIDTH = 0.05
# A box that the lower edge of the picture cuts above the knees: from the side the head is nearly as wide as the body,
# and detectors see bodies there whose head they leave out.
_CUT_ASPECT = 0.5
_DEEP_WHEN_CUT = 0.8
_ABOVE_WHEN_CUT = 0.5
_FACE_MARGIN = 0.4
_EDGE = 0.01


def head_regions(xyxy: Float, size: tuple[int, int]) -> Float:
    """Regions (n, 4) that hold the heads of the people in boxes (n, 4), pixels, for a picture of (width, height).

    The wider a box is for its height, the more of it. Regions may reach out of the picture.
    """
    x1, y1, x2, y2 = np.asarray(xyxy, np.float32).reshape(-1, 4).T
    width, height = x2 - x1, y2 - y1
    at_bottom = y2 >= size[1] * (1 - _EDGE)
    cut = at_bottom & (width > _CUT_ASPECT * height)
    sideways = (x1 <= size[0] * _EDGE) | (x2 >= size[0] * (1 - _EDGE))
    deep = np.maximum(_DEEP_OF_HEIGHT * height, np.where(cut, _DEEP_WHEN_CUT, _DEEP_OF_WIDTH) * width)
    # In a corner of the picture neither side of the box tells how large the person is.
    deep = np.where(at_bottom & sideways, height, np.minimum(deep, height))
    above = np.maximum(_ABOVE_OF_HEIGHT * height, np.where(cut, _ABOVE_WHEN_CUT * width, 0))
    beside = _BESIDE_OF_WIDTH * width
    return np.stack([x1 - beside, y1 - above, x2 + beside, y1 + deep], axis=1).astype(np.float32)


def face_regions(xyxy: Float) -> Float:
    """Regions (n, 4) around faces (n, 4) in pixels, large enough for the whole head."""
    xyxy = np.asarray(xyxy, np.float32).reshape(-1, 4)
    margin = _FACE_MARGIN * (xyxy[:, 2:] - xyxy[:, :2])
    return np.concatenate([xyxy[:, :2] - margin, xyxy[:, 2:] + margin], axis=1)


class HeadMemory:
    """Keeps the regions of one camera for a moment, so that a head that is missed in single frames stays covered.

    A region that nothing covers any more is kept for ``hold_s`` seconds of footage and grows meanwhile by ``growth``
    of its size a second on each side, since its owner may move.
    """

    def __init__(self, hold_s: float = 0.5, growth: float = 0.5) -> None:
        self.hold_s, self.growth = hold_s, growth
        self._regions: Float = np.zeros((0, 4), np.float32)
        self._seen_at: NDArray[np.float64] = np.zeros(0)

    def update(self, regions: Float, time_s: float) -> Float:
        """The regions (n, 4) of a frame at ``time_s`` seconds, and those remembered, (n + m, 4)."""
        # Clocks of cameras may step back a little.
        age = np.abs(time_s - self._seen_at)
        kept = (age <= self.hold_s) & (_covered(self._regions, regions) < 0.6)
        old, seen_at = self._regions[kept], self._seen_at[kept]
        margin = (old[:, 2:] - old[:, :2]) * (self.growth * age[kept])[:, None]
        grown = np.concatenate([old[:, :2] - margin, old[:, 2:] + margin], axis=1)
        self._regions = np.concatenate([regions, old])
        self._seen_at = np.concatenate([np.full(len(regions), time_s), seen_at])
        return np.concatenate([regions, grown]).astype(np.float32)

    def reset(self) -> None:
        """Forget all."""
        self._regions, self._seen_at = np.zeros((0, 4), np.float32), np.zeros(0)


def _covered(regions: Float, by: Float) -> NDArray[np.float32]:
    """The largest share of each region (n, 4) that one of ``by`` (m, 4) covers: (n,) in [0, 1]."""
    if not len(by):
        return np.zeros(len(regions), np.float32)
    side = np.minimum(regions[:, None, 2:], by[None, :, 2:]) - np.maximum(regions[:, None, :2], by[None, :, :2])
    area = np.prod(regions[:, 2:] - regions[:, :2], axis=1)
    shared = np.prod(np.maximum(side, 0), axis=2).max(axis=1)
    return np.asarray(shared / np.maximum(area, 1e-9), np.float32)
