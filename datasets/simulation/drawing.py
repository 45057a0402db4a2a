"""A canvas in metres: shapes, labels that keep out of each other's way, hatching."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # blue, green, red
Image = NDArray[np.uint8]

INK: Colour = (52, 43, 36)
PAPER: Colour = (255, 255, 255)
_SHIFT = 4  # cv2's fractional bits


class Canvas:
    """A BGR picture of a floor, y up.

    ``low`` and ``high`` (x, y) are its corners in metres; ``image`` uint8 (height, width, 3).
    """

    def __init__(self, low: tuple[float, float], high: tuple[float, float], px_per_m: float) -> None:
        self.low, self.high, self.px_per_m = low, high, px_per_m
        width, height = (round((b - a) * px_per_m) for a, b in zip(low, high, strict=True))
        self.image: Image = np.full((height, width, 3), PAPER, np.uint8)
        self._taken: list[tuple[float, float, float, float]] = []

    def px(self, points: Sequence[Sequence[float]] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) in metres as pixels (n, 2)."""
        xy = np.asarray(points, np.float64).reshape(-1, 2)
        return np.column_stack([xy[:, 0] - self.low[0], self.high[1] - xy[:, 1]]) * self.px_per_m

    def area(self, points: Sequence[Sequence[float]], fill: Colour, edge: Colour | None = None, width: int = 1) -> None:
        """A filled polygon, with an ``edge`` of ``width`` pixels."""
        corners = _fixed(self.px(points))
        cv2.fillPoly(self.image, [corners], fill, cv2.LINE_AA, _SHIFT)
        if edge is not None:
            cv2.polylines(self.image, [corners], True, edge, width, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[Sequence[float]], colour: Colour, width: int = 1) -> None:
        """A line through ``points``, ``width`` pixels wide."""
        cv2.polylines(self.image, [_fixed(self.px(points))], False, colour, width, cv2.LINE_AA, _SHIFT)

    def arrow(self, a: Sequence[float], b: Sequence[float], colour: Colour, width: int = 2) -> None:
        """An arrow from ``a`` to ``b``."""
        (xa, ya), (xb, yb) = self.px([a, b]).round().astype(int).tolist()
        cv2.arrowedLine(self.image, (xa, ya), (xb, yb), colour, width, cv2.LINE_AA, 0, 0.35)

    def glaze(self, points: Sequence[Sequence[float]], colour: Colour, opacity: float) -> None:
        """A polygon that lets through what lies under it."""
        corners = _fixed(self.px(points))
        x, y, w, h = cv2.boundingRect(self.px(points).astype(np.float32))
        rows = slice(max(0, y - 1), max(0, y + h + 1))
        columns = slice(max(0, x - 1), max(0, x + w + 1))
        under = self.image[rows, columns].astype(np.float32)
        cv2.fillPoly(self.image, [corners], colour, cv2.LINE_AA, _SHIFT)
        over = self.image[rows, columns].astype(np.float32)
        self.image[rows, columns] = (under + opacity * (over - under)).round().astype(np.uint8)

    def dot(self, at: Sequence[float], radius: float, fill: Colour, edge: Colour, width: int = 2) -> None:
        """A disc of ``radius`` pixels with an edge."""
        (x, y) = _fixed(self.px([at]))[0].tolist()
        cv2.circle(self.image, (x, y), round(radius * 2**_SHIFT), fill, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(self.image, (x, y), round(radius * 2**_SHIFT), edge, width, cv2.LINE_AA, _SHIFT)

    def keep_clear(self, points: Sequence[Sequence[float]], margin: float = 0.0) -> None:
        """Labels that follow avoid the upright rectangle around ``points``."""
        px = self.px(points)
        self._taken.append((*(px.min(axis=0) - margin), *(px.max(axis=0) + margin)))

    def label(self, text: str, at: Sequence[float], size: int, away: float = 12.0, bold: bool = False) -> None:
        """``text`` on a pale plate beside ``at`` (``away`` pixels; 0: on it), where it covers the least."""
        (x, y) = self.px([at])[0]
        w, h = text_size(text, size, bold)
        w, h = w + 8, h + 6
        height, width = self.image.shape[:2]
        beside = away + h / 2
        offsets = [(0.0, 0.0)] if away == 0 else [
            (away + w / 2, 0.0), (-away - w / 2, 0.0), (0.0, -beside), (0.0, beside),
            (away + w / 2, -beside), (-away - w / 2, -beside), (away + w / 2, beside), (-away - w / 2, beside),
            (0.0, -beside - h), (0.0, beside + h),
        ]  # fmt: skip
        best, least = (x, y), np.inf
        for dx, dy in offsets:
            cx = min(max(x + dx, w / 2 + 2), width - w / 2 - 2)
            cy = min(max(y + dy, h / 2 + 2), height - h / 2 - 2)
            rectangle = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
            covered = sum(_overlap(rectangle, other) for other in self._taken)
            if covered < least - 1e-6:
                best, least = (cx, cy), covered
        left, top = round(best[0] - w / 2), round(best[1] - h / 2)
        self._taken.append((left, top, left + w, top + h))
        under = self.image[top : top + h, left : left + w]
        under[:] = (under * 0.2 + np.array(PAPER) * 0.8).astype(np.uint8)
        write(self.image, text, (left + 4, top + h - 5), size, bold=bold)


def hatch(image: Image, mask: NDArray[np.bool_], fill: Colour, lines: Colour, step: int = 9) -> None:
    """Fill what ``mask`` (height, width) covers and draw slanting lines over it."""
    rows, columns = np.nonzero(mask)
    image[rows, columns] = np.where(((rows + columns) % step < 2)[:, None], lines, fill)


def write(image: Image, text: str, at: tuple[int, int], size: int, colour: Colour = INK, bold: bool = False) -> None:
    """Text whose baseline begins at ``at`` (x, y), capitals about 0.7 ``size`` pixels high."""
    cv2.putText(image, text, at, colour, _font(), size, 650 if bold else 420)


def text_size(text: str, size: int, bold: bool = False) -> tuple[int, int]:
    """Width and height of a text in pixels."""
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, 650 if bold else 420)
    return int(width), round(size * 0.95)


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _fixed(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.round(pixels * 2**_SHIFT), np.int32)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
