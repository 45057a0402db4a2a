"""A picture that proves a calibration: the floor's grid over the camera's picture, and where known points come out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

GRID: Final[Colour] = (190, 170, 20)
SHOULD: Final[Colour] = (80, 220, 80)
COMES: Final[Colour] = (60, 60, 235)
AXES: Final[tuple[Colour, Colour]] = ((60, 60, 235), (235, 120, 40))
_FARTHEST_M: Final = 12.0
_LONGER: Final = 10.0  # arrows of errors are so much longer than the errors


def prove(
    model: CameraModel,
    picture: Image | None,
    pixels: Float,
    shop: Float,
    *,
    outlines: Sequence[Float] = (),
    text: str = "",
    cell_m: float = 1.0,
) -> Image:
    """A copy of ``picture`` (H, W, 3), gray where there is none, of the model's size.

    Over it the floor's grid of ``cell_m`` with its numbers, ``outlines`` (k, 2) of furniture on the floor, and for each
    of ``pixels`` (n, 2) a ring where it was seen and an arrow, ten times as long as the error, towards where its point
    ``shop`` (n, 3) comes out.
    """
    width, height = model.size
    plain = np.full((height, width, 3), 90, np.uint8)
    image = np.asarray(plain if picture is None else cv2.resize(picture, model.size), np.uint8).copy()
    thick = max(1, round(width / 900))
    low = np.floor((model.position[:2] - _FARTHEST_M) / cell_m).astype(int)
    high = np.ceil((model.position[:2] + _FARTHEST_M) / cell_m).astype(int)
    for axis in (0, 1):
        for number in range(int(low[axis]), int(high[axis]) + 1):
            along = np.linspace(low[1 - axis] * cell_m, high[1 - axis] * cell_m, 481)
            across = np.full(len(along), number * cell_m)
            line = np.column_stack([across, along] if axis == 0 else [along, across])
            _draw(image, model, line, AXES[1 - axis] if number == 0 else GRID, thick)
    for outline in outlines:
        corners = np.concatenate([outline, outline[:1]])
        dense = np.concatenate([np.linspace(a, b, 40) for a, b in itertools.pairwise(corners)])
        _draw(image, model, dense, SHOULD, thick + 1)
    _numbers(image, model, low, high, cell_m)
    comes = model.project(shop) if len(shop) else np.zeros((0, 2))
    for seen, out in zip(pixels, comes, strict=True):
        if not (np.isfinite(seen).all() and np.isfinite(out).all()):
            continue
        tip = seen + np.clip((out - seen) * _LONGER, -width, width)
        cv2.circle(image, _at(seen), 4 * thick, SHOULD, thick, cv2.LINE_AA)
        if np.hypot(*(tip - seen)) > 1:
            cv2.arrowedLine(image, _at(seen), _at(tip), COMES, thick, cv2.LINE_AA, 0, 0.25)
    if text:
        _write(image, text, (8, height - 10), 0.5 * thick + 0.1)
    return image


def outlines_of(plan: Any) -> list[Float]:
    """The outlines (k, 2) of a plan's floor and furniture, metres."""
    from store.layout import footprint

    found = [np.array(footprint(fixture)) for fixture in plan.fixtures]
    return found if plan.floor is None else [np.array(plan.floor.polygon), *found]


def _draw(image: Image, model: CameraModel, line: Float, colour: Colour, thick: int) -> None:
    """A line on the floor, dense points (n, 2): only what lies well before the camera and in its picture."""
    points = np.column_stack([line, np.zeros(len(line))])
    ahead = model.to_camera(points)[:, 2] > 0.3
    pixels = model.project(points)
    width, height = model.size
    with np.errstate(invalid="ignore"):
        inside = ahead & (pixels > (-0.1 * width, -0.1 * height)).all(axis=1)
        inside &= (pixels < (1.1 * width, 1.1 * height)).all(axis=1)
        # A lens model that is used beyond its picture folds: a point that does not come back is not drawn.
        inside &= np.linalg.norm(model.on_floor(pixels) - line, axis=1) < 0.05
    for part in np.split(np.arange(len(line)), np.flatnonzero(~(inside[:-1] & inside[1:])) + 1):
        if len(part) > 1:
            cv2.polylines(image, [np.rint(pixels[part]).astype(np.int32)], False, colour, thick, cv2.LINE_AA)


def _numbers(image: Image, model: CameraModel, low: Any, high: Any, cell_m: float) -> None:
    width, height = model.size
    for x in range(int(low[0]), int(high[0]) + 1, 2):
        for y in range(int(low[1]), int(high[1]) + 1, 2):
            point = np.array([x * cell_m, y * cell_m, 0.0])
            if math.dist(point[:2], model.position[:2]) > 6.0 or model.to_camera(point)[2] < 0.3:
                continue
            u, v = model.project(point)
            if (
                0 < u < width - 30
                and 12 < v < height
                and np.hypot(*(model.on_floor(np.array([u, v])) - point[:2])) < 0.05
            ):
                _write(image, f"{point[0]:g},{point[1]:g}", (round(u) + 3, round(v) - 3), 0.35 * max(1.0, width / 900))


def _write(image: Image, text: str, at: tuple[int, int], scale: float) -> None:
    for colour, thick in (((20, 20, 20), 3), ((245, 245, 245), 1)):
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)


def _at(point: Float) -> tuple[int, int]:
    x, y = np.clip(np.rint(point), -30_000, 30_000).astype(int).tolist()
    return x, y
