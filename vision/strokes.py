"""Drawing on pictures: colours, lines that show on any ground, and labels, in sizes that go with the picture."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.blurred import Image

Colour = tuple[int, int, int]
Point = tuple[float, float]

# Light colours that people with any colour vision tell apart (after Okabe and Ito 2008), each twice in two lightnesses.
PALETTE: Final[tuple[Colour, ...]] = (
    (233, 180, 86),
    (0, 159, 230),
    (66, 228, 240),
    (167, 121, 204),
    (125, 197, 60),
    (40, 110, 235),
    (255, 222, 170),
    (150, 210, 255),
    (200, 170, 255),
    (190, 240, 170),
)
DARK: Final[Colour] = (26, 20, 16)
LIGHT: Final[Colour] = (255, 255, 255)
GREY: Final[Colour] = (180, 180, 180)
ACCENT: Final[Colour] = (201, 192, 76)
_SHIFT: Final = 4  # positions in sixteenths of a pixel
_FAR: Final = 30_000  # pixels; OpenCV draws with 16 bits
_drawing_text = threading.Lock()


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes in pixels for a picture of some height."""

    line: int
    text: int
    halo: int

    @classmethod
    def of(cls, height: int) -> Scale:
        """For a picture of ``height`` lines: readable from 270 to 1080 and beyond."""
        line = max(1, round(height / 300))
        return cls(line, max(11, round(height / 42)), line + 2 * max(1, round(height / 700)))


def colour_of(track_id: int) -> Colour:
    """The colour (BGR) of a track; neighbouring ids differ."""
    return PALETTE[track_id % len(PALETTE)]


def stroke(image: Image, points: Sequence[Point], colour: Colour, scale: Scale, *, closed: bool = False) -> None:
    """Draw a line through ``points`` (x, y) with a dark edge, so that it shows on light ground too."""
    path = [np.rint(np.array(points, np.float64) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)]
    cv2.polylines(image, path, closed, DARK, scale.halo, cv2.LINE_AA, _SHIFT)
    cv2.polylines(image, path, closed, colour, scale.line, cv2.LINE_AA, _SHIFT)


def box(image: Image, corners: Sequence[float], colour: Colour, scale: Scale) -> None:
    """Draw a box x1, y1, x2, y2 on whole pixels, where a thin line is sharpest, with a dark edge."""
    x1, y1, x2, y2 = (round(min(max(value, -_FAR), _FAR)) for value in corners)
    edge = (scale.halo - scale.line) // 2
    for i in range(scale.halo):
        # Thick rectangles of OpenCV are wider than asked for, and round at the corners.
        out = i - scale.halo // 2
        ink = colour if edge <= i < edge + scale.line else DARK
        cv2.rectangle(image, (x1 - out, y1 - out), (x2 + out, y2 + out), ink, 1)


def fade(image: Image, points: NDArray[np.float32], share: NDArray[np.float32], colour: Colour, width: int) -> None:
    """Draw a path (n, 2) that is as strong at each point as its ``share`` (n,) in [0, 1]."""
    height, length = image.shape[:2]
    ink = np.array(colour, np.float32)
    at = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    for a, b, part in zip(at[:-1], at[1:], share[1:].tolist(), strict=True):
        x, y = ((a + b) >> (_SHIFT + 1)).tolist()
        # The ground under the middle of a short piece stands for all of it: cheaper than a layer.
        ground = image[min(max(y, 0), height - 1), min(max(x, 0), length - 1)].astype(np.float32)
        mixed = (ground + (ink - ground) * part).tolist()
        cv2.line(image, a.tolist(), b.tolist(), mixed, width, cv2.LINE_AA, _SHIFT)


def fill(image: Image, points: Sequence[Point], colour: Colour, share: float) -> None:
    """Tint the inside of a polygon of ``points`` (x, y) with ``share`` of ``colour``."""
    corners = np.array(points, np.float64)
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, 0, (width, height)).astype(int).tolist()
    if right <= left or bottom <= top:
        return
    part = image[top:bottom, left:right]
    layer = part.copy()
    path = np.rint((corners - (left, top)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(layer, [path.reshape(-1, 1, 2)], colour, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(layer, share, part, 1 - share, 0, dst=part)


def label(image: Image, text: str, at: Point, colour: Colour, scale: Scale, *, anchor: Point = (0, 1)) -> None:
    """Write ``text`` on a chip of ``colour``, moved as far as needed to be inside the picture.

    ``anchor`` is the point of the chip that lies on ``at``: (0, 0) its upper left corner, (1, 1) its lower right.
    """
    chip = _chip(text, colour, scale.text)
    height, width = image.shape[:2]
    tall, wide = min(chip.shape[0], height), min(chip.shape[1], width)
    left = min(max(round(at[0] - anchor[0] * wide), 0), width - wide)
    top = min(max(round(at[1] - anchor[1] * tall), 0), height - tall)
    image[top : top + tall, left : left + wide] = chip[:tall, :wide]


@lru_cache(maxsize=1024)
def _chip(text: str, colour: Colour, size: int) -> Image:
    """The chip's pixels, uint8 (h, w, 3)."""
    luminance = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]
    ink = DARK if luminance > 110 else LIGHT
    margin = round(size * 0.35)
    # The built-in font keeps glyphs in one cache for all threads.
    with _drawing_text:
        face = _font()
        _, _, wide, _ = cv2.getTextSize((0, 0), text, (0, 0), face, size, 600)
        chip = np.full((round(size * 1.35), wide + 2 * margin, 3), colour, np.uint8)
        cv2.putText(chip, text, (margin, round(size * 1.04)), ink, face, size, 600)
    return chip


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
