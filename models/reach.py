"""What a hand does at a shelf over some pictures: nothing, take or return.

The network looks at a clip: ten pictures around a moment, cut to the same square around where the hand is at that
moment, so that the shelf stands still in it. A fourth channel marks the wrist where it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.runtimes import OpenVinoRuntime, Runtime, read_openvino

Float = NDArray[np.float64]
Picture = NDArray[np.uint8]

CLASSES: Final = ("nothing", "take", "return")
OFFSETS_S: Final = (-1.6, -1.0, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 1.0)
"""When the pictures of a clip are taken, in seconds from its moment."""
BEFORE_S: Final = -OFFSETS_S[0]
AFTER_S: Final = OFFSETS_S[-1]
SIDE_PX: Final = 64
SIDE_M: Final = 0.72
"""What a clip shows across, at the hand."""
WITHIN_S: Final = 0.3
"""A clip is a take (or a return) when the package leaves its place (or the hand) within this of its moment."""
SHAPE: Final = (len(OFFSETS_S), SIDE_PX, SIDE_PX, 4)
_MARK_PX: Final = 3.5  # the wrist's mark falls to exp(-1/2) at this distance, in pixels of the clip


class ReachModel:
    """Classifies clips. ``runtime`` takes uint8 (n, *SHAPE) and gives (n, 3) logarithms of probabilities."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @classmethod
    def open(cls, path: Path, *, threads: int | None = 1) -> ReachModel:
        """The model in an ONNX or OpenVINO file, on the CPU with ``threads``."""
        return cls(OpenVinoRuntime(read_openvino(path), threads=threads, exact=True))

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Log-probabilities (n, 3) in the order of ``CLASSES`` of clips uint8 (n, *SHAPE) as ``cut_clip`` gives them.

        They are calibrated: among clips with P(take) of .8, the hand takes within ``WITHIN_S`` in about 80 %. Raises
        ``ValueError`` for another shape or type.
        """
        if clips.dtype != np.uint8 or clips.ndim != 5 or clips.shape[1:] != SHAPE:
            raise ValueError(f"clips are uint8 (n, {', '.join(map(str, SHAPE))}), found {clips.dtype} {clips.shape}")
        if not len(clips):
            return np.zeros((0, len(CLASSES)), np.float32)
        return np.asarray(self._runtime.run(clips)[0], np.float32)


def cut_clip(
    pictures: Sequence[Picture],
    times_s: Float,
    moment_s: float,
    centre: Sequence[float] | Float,
    side_px: float,
    wrist: Float | None = None,
) -> NDArray[np.uint8]:
    """A clip uint8 ``SHAPE`` around ``moment_s``: blue, green, red and the wrist's mark.

    ``pictures`` (H, W, 3) were taken at the rising ``times_s`` (k,), seconds; each of the clip's pictures is the one
    nearest in time, so that a clip that begins too early repeats the first. ``centre`` (x, y) and ``side_px`` say what
    square is cut, in pixels of the pictures: ``SIDE_M`` at the hand, or about 1.7 times the larger side of a slot's
    box. Beyond the picture its edge is repeated. ``wrist`` (k, 2) is the hand's place in each picture, NaN where it is
    not known; None marks nothing.

    Raises ``ValueError`` when there are no pictures, as many times are missing, or the square has no size.
    """
    times_s = np.asarray(times_s, np.float64)
    if not len(pictures) or len(times_s) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures and {len(times_s)} times: one time a picture, at least one picture")
    if not (np.isfinite(side_px) and side_px >= 2 and np.all(np.isfinite(centre))):
        raise ValueError(f"a square of {side_px} px around {tuple(centre)} cannot be cut")
    if wrist is not None and np.shape(wrist) != (len(pictures), 2):
        raise ValueError(f"the wrist's track is ({len(pictures)}, 2), found {np.shape(wrist)}")
    clip = np.zeros(SHAPE, np.uint8)
    left, top = (float(value) - side_px / 2 for value in centre)
    nearest = np.abs(times_s[None] - (moment_s + np.array(OFFSETS_S))[:, None]).argmin(axis=1)
    for place, index in enumerate(nearest):
        clip[place, ..., :3] = _cut(pictures[index], left, top, side_px)
        if wrist is not None and np.all(np.isfinite(wrist[index])):
            x, y = (np.asarray(wrist[index]) - (left, top)) * (SIDE_PX / side_px) - 0.5
            _mark(clip[place, ..., 3], float(x), float(y))
    return clip


def _cut(picture: Picture, left: float, top: float, side: float) -> Picture:
    """The square (SIDE_PX, SIDE_PX, 3) of ``picture``; its edge is repeated outside."""
    x0, y0 = round(left), round(top)
    x1, y1 = max(x0 + 2, round(left + side)), max(y0 + 2, round(top + side))
    height, width = picture.shape[:2]
    inside = picture[max(min(y0, height - 1), 0) : max(y1, 1), max(min(x0, width - 1), 0) : max(x1, 1)]
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        h, w = inside.shape[:2]
        before = min(max(-y0, 0), y1 - y0 - 1), min(max(-x0, 0), x1 - x0 - 1)
        after = max(y1 - y0 - before[0] - h, 0), max(x1 - x0 - before[1] - w, 0)
        edges = before[0], after[0], before[1], after[1]
        inside = np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE), np.uint8)
    how = cv2.INTER_AREA if x1 - x0 > SIDE_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (SIDE_PX, SIDE_PX), interpolation=how), np.uint8)


_STAMP_PX: Final = 12
_STAMP: Final = np.exp(-(np.arange(-_STAMP_PX, _STAMP_PX + 1) ** 2) / (2 * _MARK_PX**2))
_MARK: Final = np.round(255 * np.outer(_STAMP, _STAMP)).astype(np.uint8)


def _mark(channel: NDArray[np.uint8], x: float, y: float) -> None:
    """Draw the mark of a wrist at (x, y) into ``channel`` (SIDE_PX, SIDE_PX)."""
    column, row = round(x), round(y)
    if not (-_STAMP_PX <= column < SIDE_PX + _STAMP_PX and -_STAMP_PX <= row < SIDE_PX + _STAMP_PX):
        return
    left, top = column - _STAMP_PX, row - _STAMP_PX
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(column + _STAMP_PX + 1, SIDE_PX), min(row + _STAMP_PX + 1, SIDE_PX)
    channel[y0:y1, x0:x1] = _MARK[y0 - top : y1 - top, x0 - left : x1 - left]
