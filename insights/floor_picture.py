"""The floor as a picture, drawn over the plan: where people were, how many cameras see, how exactly.

What no camera sees is hatched: nothing is known of it, which is not the same as nobody having been there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from insights.floor_heatmap import Layer
from insights.heatmap import Heatmap
from insights.pictures import (
    FAINT,
    FLOOR_PX,
    GREY,
    INK,
    MOST_PX_PER_M,
    PAPER,
    Picture,
    blend,
    enlarge,
    smooth,
    write_text,
)
from store.layout import Plan, footprint

MANY_CAMERAS: Final = 6  # as many and more share the last colour
COARSE_CM: Final = 30.0  # errors from here on too
_SHELF: Final = (226, 219, 205)
_GATE: Final = (30, 122, 207)
_HATCH_PX: Final = 9
_MARGIN_PX: Final = 16
_LEGEND_PX: Final = 58
_OPACITY: Final = 0.75
_COLOURS: Final = cv2.COLORMAP_VIRIDIS


@dataclass(frozen=True, slots=True, eq=False)
class FloorLayers:
    """What is known of the heatmap's cells: ``cameras`` int (rows, columns), -1 where nobody can stand, and
    ``error_cm`` (rows, columns), NaN where it is not known.
    """

    cameras: NDArray[np.int64]
    error_cm: NDArray[np.float64]


def render_floor(heatmap: Heatmap, plan: Plan, layers: FloorLayers, layer: Layer = "heat") -> Picture:
    """Draw a layer with its legend, uint8 (H, W, 3) BGR; y goes up, as on a plan.

    Raises ``ValueError`` where the layers do not have the heatmap's shape.
    """
    shape = heatmap.seconds.shape
    if layers.cameras.shape != shape or layers.error_cm.shape != shape:
        raise ValueError(
            f"layers must have the heatmap's shape {shape}, got {layers.cameras.shape} and {layers.error_cm.shape}"
        )
    scale = min(MOST_PX_PER_M, FLOOR_PX / (max(shape) * heatmap.cell))
    size = (max(1, round(shape[1] * heatmap.cell * scale)), max(1, round(shape[0] * heatmap.cell * scale)))
    top = 0.0
    floor = np.full((size[1], size[0], 3), PAPER, np.uint8)
    if layer == "heat":
        field = smooth(np.nan_to_num(heatmap.seconds, nan=0.0).astype(np.float32))
        shown = field[~np.isnan(heatmap.seconds)]
        top = float(np.percentile(shown, 99)) if len(shown) else 0.0
        floor = blend(floor, enlarge(field, size), top)
    else:
        known = layers.cameras > 0 if layer == "cameras" else np.isfinite(layers.error_cm)
        value = layers.cameras / MANY_CAMERAS if layer == "cameras" else 1 - layers.error_cm / COARSE_CM
        floor = _coloured(floor, np.where(known, np.clip(value, 0, 1), 0.0), known)
    floor = _hatched(floor, layers.cameras == 0)
    floor = np.ascontiguousarray(floor[::-1])
    _draw_plan(floor, plan, heatmap, scale)
    floor = cv2.copyMakeBorder(floor, *(_MARGIN_PX,) * 4, cv2.BORDER_CONSTANT, value=PAPER)
    width = max(floor.shape[1], 620)
    floor = cv2.copyMakeBorder(floor, 0, 0, 0, width - floor.shape[1], cv2.BORDER_CONSTANT, value=PAPER)
    return np.asarray(np.vstack([floor, _legend(heatmap, layer, top, width)]), np.uint8)


def _cells(values: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Cells (rows, columns) as squares of pixels, sharply."""
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST))


def _coloured(floor: Picture, share: NDArray[np.float64], known: NDArray[np.bool_]) -> Picture:
    size = floor.shape[1], floor.shape[0]
    colours = cv2.applyColorMap(_cells(np.round(share * 255).astype(np.uint8), size), _COLOURS)
    mixed = cv2.addWeighted(colours, _OPACITY, floor, 1 - _OPACITY, 0)
    return np.asarray(np.where(_cells(known.astype(np.uint8), size)[..., None] > 0, mixed, floor), np.uint8)


def _hatched(floor: Picture, unseen: NDArray[np.bool_]) -> Picture:
    y, x = np.indices(floor.shape[:2])
    inside = _cells(unseen.astype(np.uint8), (floor.shape[1], floor.shape[0])) > 0
    stripe = (x + y) % _HATCH_PX < 2
    return np.asarray(np.where((inside & stripe)[..., None], GREY, np.where(inside[..., None], FAINT, floor)), np.uint8)


def _draw_plan(floor: Picture, plan: Plan, heatmap: Heatmap, scale: float) -> None:
    def pixels(points: Any) -> NDArray[np.int32]:
        xy = (np.asarray(points, np.float64) - heatmap.origin) * scale
        return np.round(np.column_stack([xy[:, 0], floor.shape[0] - xy[:, 1]])).astype(np.int32)

    for fixture in plan.fixtures:
        corners = pixels(footprint(fixture))
        cv2.fillPoly(floor, [corners], _SHELF, cv2.LINE_AA)
        cv2.polylines(floor, [corners], True, INK, 1, cv2.LINE_AA)
    if plan.floor is not None:
        cv2.polylines(floor, [pixels(plan.floor.polygon)], True, INK, 2, cv2.LINE_AA)
    for wall in plan.walls:
        cv2.polylines(floor, [pixels([wall.a, wall.b])], False, INK, 3, cv2.LINE_AA)
    for gate in plan.gates:
        cv2.polylines(floor, [pixels([gate.a, gate.b])], False, _GATE, 5, cv2.LINE_AA)


def _legend(heatmap: Heatmap, layer: Layer, top: float, width: int) -> Picture:
    strip = np.full((_LEGEND_PX, width, 3), PAPER, np.uint8)
    ramp = np.linspace(0, 1, 200, dtype=np.float32)[None].repeat(16, 0)
    bar = strip[8:24, 16:216]
    if layer == "heat" and top > 0:
        unit, divisor = ("person-minutes", 60.0) if top >= 300 else ("person-seconds", 1.0)
        bar[:] = blend(bar.copy(), ramp**2 * top, top)
        low, high, what = "0", f"{top / divisor:.3g}+", f"{unit} in a cell of {heatmap.cell:g} m"
    elif layer == "heat":
        low, high, what = "", "", "too few visits to show anything" if heatmap.hidden else "nobody was counted"
    else:
        bar[:] = _coloured(bar.copy(), ramp.astype(np.float64), np.ones(ramp.shape, np.bool_))
        low, high = ("0", f"{MANY_CAMERAS}+") if layer == "cameras" else (f"{COARSE_CM:g}+", "0")
        what = "cameras that see somebody there" if layer == "cameras" else "cm of expected error in one look"
    write_text(strip, low, (16, 42), 0.42)
    write_text(strip, high, (216, 42), 0.42, right=True)
    write_text(strip, what, (232, 21), 0.45)
    square = np.ones((16, 24), np.bool_)
    strip[30:46, 232:256] = _hatched(strip[30:46, 232:256].copy(), square)
    rule = (
        f"; fewer than {heatmap.min_visitors} visits are not shown"
        if layer == "heat" and heatmap.min_visitors > 1
        else ""
    )
    write_text(strip, f"seen by no camera: unknown{rule}", (264, 43), 0.42)
    return strip
