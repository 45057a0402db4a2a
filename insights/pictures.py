"""A heatmap as a picture: over the camera's picture, or on the floor with a grid of metres."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from insights.heatmap import Heatmap

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

COLOURS: Final = cv2.COLORMAP_TURBO
STRONGEST: Final = 0.85  # opacity of the hottest cell
SPREAD_CELLS: Final = 0.7  # standard deviation of the smoothing
PAPER: Final = (250, 250, 250)
INK: Final = (40, 40, 40)
FAINT: Final = (215, 215, 215)
GREY: Final = (70, 70, 70)
FLOOR_PX: Final = 900  # longer side of a floor
MOST_PX_PER_M: Final = 90.0
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def render_heatmap(heatmap: Heatmap, background: Picture | None = None) -> Picture:
    """Draw a heatmap with its legend below, uint8 (H, W, 3) BGR.

    ``background`` (H, W, 3) BGR is the camera's picture, in any size; without it the cells lie on grey. A floor takes
    none: raises ``ValueError``. Colours go with the square root of the seconds, so that paths show beside places where
    people stand; the highest hundredth of the cells shares the last colour. Only what the heatmap shows is smoothed:
    hidden cells are not in it.
    """
    if background is not None and (background.ndim != 3 or background.shape[2] != 3 or background.dtype != np.uint8):
        raise ValueError(f"background must be uint8 (H, W, 3), got {background.dtype} {background.shape}")
    if heatmap.space == "floor" and background is not None:
        raise ValueError("a heatmap of the floor has no camera picture behind it; leave background out")
    # About a metre of empty floor around what is shown, for the smoothing and for the eye.
    border = max(1, round(1.0 / heatmap.cell)) if heatmap.space == "floor" else 0
    seconds = np.pad(heatmap.seconds, border, constant_values=np.nan)
    field = smooth(np.nan_to_num(seconds, nan=0.0).astype(np.float32))
    shown = field[~np.isnan(seconds)]
    top = float(np.percentile(shown, 99)) if len(shown) else 0.0
    if heatmap.space == "floor":
        drawn = _on_floor(heatmap, field, border, top)
    else:
        drawn = _on_picture(heatmap, field, top, background)
    return np.vstack([drawn, _legend(heatmap, top, drawn.shape[1])])


def smooth(seconds: Field) -> Field:
    """Seconds (rows, columns) without the steps between cells."""
    if seconds.size == 0:
        return seconds
    return np.asarray(cv2.GaussianBlur(seconds, (0, 0), SPREAD_CELLS, borderType=cv2.BORDER_REPLICATE), np.float32)


def enlarge(field: Field, size: tuple[int, int]) -> Field:
    """A field in ``size`` (width, height) pixels, never negative."""
    return np.maximum(np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_CUBIC), np.float32), 0)


def blend(canvas: Picture, seconds: Field, top: float) -> Picture:
    """Lay the heat (H, W) over ``canvas`` (H, W, 3)."""
    if top <= 0:
        return canvas
    share = np.sqrt(np.clip(seconds / top, 0, 1))
    colours = cv2.applyColorMap(np.round(share * 255).astype(np.uint8), COLOURS).astype(np.float32)
    # Cold cells are clear, so that the picture shows where nobody went.
    opacity = (STRONGEST * np.sqrt(share) * np.clip((share - 0.08) / 0.12, 0, 1))[..., None]
    return np.asarray(np.round(canvas * (1 - opacity) + colours * opacity), np.uint8)


def _on_picture(heatmap: Heatmap, cells: Field, top: float, background: Picture | None) -> Picture:
    rows, columns = cells.shape
    x1, y1 = heatmap.extent[2:]
    width, height = heatmap.size or (max(1, round(x1)), max(1, round(y1)))
    if background is None:
        background = np.full((height, width, 3), GREY, np.uint8)
    # The grid is cut where the picture ends: its last row and column may reach beyond.
    down, across = background.shape[0] / height, background.shape[1] / width
    field: Field = np.zeros(background.shape[:2], np.float32)
    if cells.size:
        whole = (max(1, round(columns * heatmap.cell * across)), max(1, round(rows * heatmap.cell * down)))
        part = enlarge(cells, whole)[: field.shape[0], : field.shape[1]]
        field[: len(part), : part.shape[1]] = part
    return blend(background, field, top)


def _on_floor(heatmap: Heatmap, cells: Field, border: int, top: float) -> Picture:
    x0, y0 = (corner - border * heatmap.cell for corner in heatmap.origin)
    down_m, across_m = (n * heatmap.cell for n in cells.shape)
    px_per_m = min(MOST_PX_PER_M, FLOOR_PX / max(down_m, across_m))
    size = (max(1, round(across_m * px_per_m)), max(1, round(down_m * px_per_m)))
    floor = blend(np.full((size[1], size[0], 3), PAPER, np.uint8), enlarge(cells, size), top)
    step = next(metres for metres in (1, 2, 5, 10, 20, 50, 100, 200, 500) if metres * px_per_m >= 40)
    left, below = 44, 24
    canvas = np.full((size[1] + below, max(size[0] + left, 440), 3), PAPER, np.uint8)
    canvas[: size[1], left : left + size[0]] = floor
    for metre in range(int(np.ceil(x0 / step)) * step, int(np.floor(x0 + across_m)) + 1, step):
        x = left + min(size[0] - 1, round((metre - x0) * px_per_m))
        _line(canvas, (x, 0), (x, size[1]))
        write_text(canvas, str(metre), (x, size[1] + 16), 0.4, centre=True)
    for metre in range(int(np.ceil(y0 / step)) * step, int(np.floor(y0 + down_m)) + 1, step):
        y = min(size[1] - 1, max(10, round((metre - y0) * px_per_m)))
        _line(canvas, (left, y), (left + size[0], y))
        write_text(canvas, f"{metre} m", (4, y + 4), 0.4)
    return canvas


def _legend(heatmap: Heatmap, top: float, width: int) -> Picture:
    """A strip of ``width`` pixels that says what the colours mean."""
    scale = float(np.clip(width / 1400, 0.38, 1.0))
    line = round(38 * scale) + 4
    strip = np.full((3 * line + 6, width, 3), PAPER, np.uint8)
    unit, divisor = ("person-minutes", 60.0) if top >= 300 else ("person-seconds", 1.0)
    size = f"{heatmap.cell:g} {'px' if heatmap.space == 'image' else 'm'}"
    rule = "Every cell that somebody came to is shown"
    if heatmap.min_visitors > 1:
        hidden = f" ({heatmap.hidden} here)" if heatmap.hidden else ""
        rule = f"Cells with fewer than {heatmap.min_visitors} visits are not shown{hidden}"
    if heatmap.empty:
        what = "Too few visits to show anything" if heatmap.hidden else "Nobody was counted in this time"
        write_text(strip, what, (10, line), scale)
        write_text(strip, rule, (10, 2 * line), scale * 0.9)
        return strip
    left, right = 10, min(width - 10, 10 + round(560 * scale))
    ramp = np.linspace(0, 1, right - left, dtype=np.float32)[None, :] ** 2 * top
    strip[6:line, left:right] = blend(
        np.full((line - 6, right - left, 3), PAPER, np.uint8), np.repeat(ramp, line - 6, 0), top
    )
    for share in (0.0, 0.25, 1.0):
        x = left + round(np.sqrt(share) * (right - left - 1))
        value = f"{share * top / divisor:.3g}" + ("+" if share == 1.0 else "")
        write_text(strip, value, (x, 2 * line - 6), scale * 0.9, centre=0.0 < share < 1.0, right=share == 1.0)
    write_text(strip, f"{unit} in a cell of {size}", (right + 14, line - 6), scale)
    write_text(strip, rule, (10, 3 * line - 4), scale * 0.9)
    return strip


def _line(canvas: Picture, start: tuple[int, int], end: tuple[int, int]) -> None:
    layer = canvas.copy()
    cv2.line(layer, start, end, FAINT, 1)
    np.copyto(canvas, cv2.addWeighted(layer, 0.6, canvas, 0.4, 0))


def write_text(
    canvas: Picture, text: str, at: tuple[int, int], scale: float, *, centre: bool = False, right: bool = False
) -> None:
    """Write ``text`` with its base line at ``at``; ``at`` is its left end, middle or right end."""
    thickness = 1 if scale < 0.8 else 2
    width = cv2.getTextSize(text, FONT, scale, thickness)[0][0]
    x = at[0] - (width // 2 if centre else width if right else 0)
    cv2.putText(canvas, text, (max(0, x), at[1]), FONT, scale, INK, thickness, cv2.LINE_AA)
