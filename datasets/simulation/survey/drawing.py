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
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom in pixels
_SHIFT = 4  # cv2's fractional bits


class Canvas:
    """A BGR picture of a floor, y up.

    ``low`` and ``high`` (x, y) are its corners in metres; ``image`` uint8 (height, width, 3).
    """

    def __init__(self, low: tuple[float, float], high: tuple[float, float], px_per_m: float) -> None:
        self.low, self.high, self.px_per_m = low, high, px_per_m
        width, height = (round((b - a) * px_per_m) for a, b in zip(low, high, strict=True))
        self.image: Image = np.full((height, width, 3), PAPER, np.uint8)
        self._taken: list[Rectangle] = []

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
        (left, top), (right, bottom) = px.min(axis=0) - margin, px.max(axis=0) + margin
        self._taken.append((left, top, right, bottom))

    def label(self, text: str, at: Sequence[float], size: int, away: float = 12.0, bold: bool = False) -> None:
        """``text`` on a pale plate beside ``at``, ``away`` pixels from it, where it covers the least."""
        (x, y) = self.px([at])[0]
        w, h = _plate_size(text, size, bold)
        beside = away + h / 2
        offsets = [
            (away + w / 2, 0.0), (-away - w / 2, 0.0), (0.0, -beside), (0.0, beside),
            (away + w / 2, -beside), (-away - w / 2, -beside), (away + w / 2, beside), (-away - w / 2, beside),
            (0.0, -beside - h), (0.0, beside + h),
        ]  # fmt: skip
        places = [self._rectangle(x + dx, y + dy, w, h) for dx, dy in offsets]
        self._plate(text, size, bold, min(places, key=lambda place: sum(_overlap(place, o) for o in self._taken)))

    def label_on(self, text: str, at: Sequence[float], size: int, upright: bool = False) -> None:
        """Bold ``text`` on a pale plate in the middle of ``at``; ``upright`` turns it to be read from the right."""
        (x, y) = self.px([at])[0]
        w, h = _plate_size(text, size, True)
        self._plate(text, size, True, self._rectangle(x, y, *((h, w) if upright else (w, h))), upright)

    def _rectangle(self, x: float, y: float, w: float, h: float) -> Rectangle:
        """A rectangle around (x, y), moved into the picture."""
        height, width = self.image.shape[:2]
        x, y = min(max(x, w / 2 + 2), width - w / 2 - 2), min(max(y, h / 2 + 2), height - h / 2 - 2)
        left, top = round(x - w / 2), round(y - h / 2)
        return (left, top, left + w, top + h)

    def _plate(self, text: str, size: int, bold: bool, place: Rectangle, upright: bool = False) -> None:
        self._taken.append(place)
        left, top, right, bottom = (round(edge) for edge in place)
        under = self.image[top:bottom, left:right]
        plate = np.ascontiguousarray(np.rot90(under, -1) if upright else under)
        plate = (plate * 0.2 + np.array(PAPER) * 0.8).astype(np.uint8)
        write(plate, text, (4, plate.shape[0] - 5), size, bold=bold)
        under[:] = np.rot90(plate) if upright else plate


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


def _plate_size(text: str, size: int, bold: bool) -> tuple[int, int]:
    width, height = text_size(text, size, bold)
    return width + 8, height + 6


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _fixed(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.round(pixels * 2**_SHIFT), np.int32)


def _overlap(a: Rectangle, b: Rectangle) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
