"""Clips as the reach model learns from them: windows of filmed reaches, with the faults of cameras and trackers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datasets.reach_clips import ANCHOR, FRAMES, PERIOD_S, ReachClip, read_pictures
from datasets.reach_clips import SIDE_M as FILMED_M
from datasets.reach_clips import SIDE_PX as FILMED_PX
from models.reach import AFTER_S, BEFORE_S, CLASSES, SHAPE, SIDE_M, WITHIN_S, cut_clip

TIMES_S: Final = np.asarray((np.arange(FRAMES) - ANCHOR) * PERIOD_S, np.float64)
_FIRST, _LAST = (round(seconds / PERIOD_S) for seconds in (BEFORE_S, AFTER_S))
CENTRES: Final = range(_FIRST, FRAMES - _LAST)
"""The pictures that can be in the middle of a window."""

BACKWARDS: Final = (0, 2, 1)
"""What each of ``CLASSES`` is when it is played from its end."""
KEPT_BYTES: Final = 3 * 2**30  # of pictures, read once


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a clip: its middle is picture ``centre``; ``by_slot`` looks at the slot and knows no wrist.

    ``backwards`` plays the clip from its end: a hand that takes is then one that puts back.
    """

    clip: int
    centre: int
    by_slot: bool = False
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """How wrong trackers and cameras are; see ``clip_of``. Pixels are those of the clip's 10 mm."""

    wrist_px: float = 4.0
    unseen_px: float = 9.0
    lost: float = 0.12
    no_wrist: float = 0.15
    zoom: tuple[float, float] = (0.75, 1.3)
    slot_zoom: tuple[float, float] = (0.5, 1.4)
    light: float = 0.25
    contrast: float = 0.2
    noise: float = 0.02
    blur: float = 0.3


NONE: Final = Faults(3.0, 7.0, 0.08, 0.0, (1.0, 1.0), (1.0, 1.0), 0.0, 0.0, 0.0, 0.0)
"""Only what a keypoint model does to wrists: for measuring."""


def label_of(clip: ReachClip, centre: int, by_slot: bool) -> int:
    """What happens within ``WITHIN_S`` of picture ``centre``, by the hand or in the slot: its place in ``CLASSES``."""
    moment = float(TIMES_S[centre])
    near = [
        deed
        for deed in clip.deeds
        if abs(deed.time_s - moment) <= WITHIN_S and (deed.slot == clip.slot is not None if by_slot else deed.own)
    ]
    if not near:
        return 0
    return CLASSES.index(min(near, key=lambda deed: abs(deed.time_s - moment)).kind)


def clip_of(
    clip: ReachClip, pictures: NDArray[np.uint8], window: Window, faults: Faults, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The model's input uint8 ``SHAPE`` for ``window``.

    Each wrist is off by ``faults.wrist_px`` (hidden ones by ``unseen_px`` and lost half the time), lost with chance
    ``lost``, and no wrist is marked at all with chance ``no_wrist``. The square is ``zoom`` times as large as it
    should be, its colours ``light`` and ``contrast`` off, with ``noise``, and blurred with chance ``blur``.
    """
    truth, seen = np.array(clip.wrist, np.float64), np.array(clip.seen)
    middle = window.centre
    if window.backwards:
        pictures, truth, seen, middle = pictures[::-1], truth[::-1], seen[::-1], FRAMES - 1 - middle
    off = np.where(seen, faults.wrist_px, faults.unseen_px)[:, None]
    # Errors last: a tracker that is off in one picture is off in the next.
    wrist = truth + off * (0.7 * rng.normal(size=truth.shape) + 0.7 * rng.normal(size=(1, 2)))
    lost = rng.random(FRAMES) < np.where(seen, faults.lost, 0.5)
    centre = wrist[middle].copy()
    wrist[lost | (np.abs(truth) > 900).any(axis=1)] = np.nan
    side = SIDE_M / FILMED_M * FILMED_PX * float(np.exp(rng.uniform(*np.log(faults.zoom))))
    marks: NDArray[np.float64] | None = wrist
    if window.by_slot:
        assert clip.slot_xyxy is not None
        left, top, right, bottom = clip.slot_xyxy
        centre = np.array([left + right, top + bottom]) / 2
        # A slot's box shrinks where it is seen along the shelf; it never is smaller than what a hand takes.
        side = 1.7 * float(np.clip(max(right - left, bottom - top), 18, 75))
        side *= float(np.exp(rng.uniform(*np.log(faults.slot_zoom))))
        centre += rng.normal(size=2) * 0.04 * side * (faults.light > 0)
        marks = None
    elif rng.random() < faults.no_wrist:
        marks = None
    made = cut_clip(list(pictures), TIMES_S, float(TIMES_S[middle]), centre, side, marks)
    return _seen(made, faults, rng)


def _seen(clip: NDArray[np.uint8], faults: Faults, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The clip mirrored or not, in another light, by another camera."""
    if faults.light == 0:
        return clip
    if rng.random() < 0.5:
        clip = np.ascontiguousarray(clip[:, :, ::-1])
    frames, height, width, _ = SHAPE
    colour = np.ascontiguousarray(clip[..., :3]).reshape(frames * height, width, 3)
    if rng.random() < faults.blur:
        colour = np.asarray(cv2.GaussianBlur(colour, (0, 0), float(rng.uniform(0.4, 1.2))), np.uint8)
    gain = (1 + rng.uniform(-1, 1) * faults.light) * (1 + rng.uniform(-1, 1, 3) * 0.1)
    mean, contrast = float(colour[::4, ::4].mean()), 1 + rng.uniform(-1, 1) * faults.contrast
    table = ((np.arange(256)[:, None] - mean) * contrast + mean) * gain
    colour = np.asarray(cv2.LUT(colour, np.clip(table, 0, 255).astype(np.uint8)[None]), np.uint8)
    if rng.random() < 0.1:
        colour = np.asarray(cv2.cvtColor(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    if rng.random() < 0.5:
        noise = np.empty(colour.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, np.zeros(3), np.full(3, 255 * faults.noise * float(rng.random())))
        colour = np.asarray(cv2.add(colour, noise, dtype=cv2.CV_8U), np.uint8)
    out = clip.copy()
    out[..., :3] = colour.reshape(frames, height, width, 3)
    return out


class ReachBatches:
    """Batches of windows, a pure function of the step; ``shares`` of nothing, take and return are drawn.

    A clip is read once for ``per_clip`` windows of a batch.
    """

    def __init__(
        self,
        folders: Sequence[tuple[Path, Sequence[ReachClip]]],
        *,
        size: int,
        seed: int,
        by_slot: float = 0.2,
        active: float = 0.6,
        backwards: float = 0.35,
        faults: Faults | None = None,
    ) -> None:
        self._clips = [(folder, clip) for folder, clips in folders for clip in clips]
        self._size, self._seed, self._by_slot, self._active, self._backwards = size, seed, by_slot, active, backwards
        self._faults = faults or Faults()
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        labels = [label_of(clip, ANCHOR, False) for _, clip in self._clips]
        self._by_label = [np.flatnonzero(np.array(labels) == k) for k in range(len(CLASSES))]

    def __len__(self) -> int:
        return len(self._clips)

    def __call__(self, step: int) -> dict[str, Tensor]:
        """``clips`` uint8 (size, *SHAPE) and ``label`` int64 (size,)."""
        rng = np.random.default_rng([self._seed, step])
        clips = np.zeros((self._size, *SHAPE), np.uint8)
        labels = np.zeros(self._size, np.int64)
        for place in range(0, self._size, 2):
            number = self._drawn(rng)
            _, clip = self._clips[number]
            pictures = self._pictures(number)
            for k in range(place, min(place + 2, self._size)):
                window = self._window(number, rng)
                labels[k] = label_of(clip, window.centre, window.by_slot)
                if window.backwards:
                    labels[k] = BACKWARDS[labels[k]]
                clips[k] = clip_of(clip, pictures, window, self._faults, rng)
        return {"clips": torch.from_numpy(clips), "label": torch.from_numpy(labels)}

    def _pictures(self, number: int) -> NDArray[np.uint8]:
        """The pictures of a clip, kept in memory once they were read."""
        if number not in self._kept:
            self._kept[number] = read_pictures(*self._clips[number])
            if len(self._kept) * FILMED_PX**2 * 3 * FRAMES > KEPT_BYTES:
                self._kept.popitem(last=False)
        return self._kept[number]

    def _drawn(self, rng: np.random.Generator) -> int:
        """A clip: takes, returns and the rest equally often."""
        kinds = [kind for kind in self._by_label if len(kind)]
        return int(rng.choice(kinds[int(rng.integers(len(kinds)))]))

    def _window(self, number: int, rng: np.random.Generator) -> Window:
        _, clip = self._clips[number]
        by_slot = bool(clip.slot_xyxy is not None and rng.random() < self._by_slot)
        backwards = bool(rng.random() < self._backwards)
        centres = [FRAMES - 1 - centre for centre in CENTRES] if backwards else list(CENTRES)
        active = [centre for centre in centres if label_of(clip, centre, by_slot)]
        if active and rng.random() < self._active:
            centres = active
        return Window(number, centres[int(rng.integers(len(centres)))], by_slot, backwards)
