"""The legend beside the picture of a plan: what it shows, in figures and signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.survey.coverage import FloorCoverage
from datasets.simulation.survey.drawing import INK, PAPER, Canvas, Colour, Image, hatch, write
from store.layout import Plan

# Seen by 0, 1, 2, ... cameras (the last: or more), light to dark; a place that none sees is hatched.
COVERAGE: tuple[Colour, ...] = (
    (210, 212, 250),
    (190, 234, 253),
    (192, 228, 206),
    (189, 207, 152),
    (190, 178, 106),
    (182, 145, 76),
    (160, 108, 58),
)
UNSEEN: Colour = (60, 60, 214)
GATE: dict[str, Colour] = {"in": (96, 150, 32), "out": (40, 96, 222), "both": (150, 90, 110)}

_WIDTH = 330
_LEFT = 28
_MUTED: Colour = (120, 110, 102)


def with_legend(canvas: Canvas, plan: Plan, floor: FloorCoverage, slot_cameras: NDArray[np.int64]) -> Image:
    """The canvas's picture with a legend at its right, as high as both need."""
    panel: Image = np.full((max(820, canvas.image.shape[0]), _WIDTH, 3), PAPER, np.uint8)
    y = _title(panel, plan)
    y = _heading(panel, "Cameras that see a place", y)
    y = _scale(panel, y, floor, slot_cameras)
    y = _heading(panel, "Signs", y + 12)
    y = _signs(panel, y)
    y = _heading(panel, "Scale", y + 12)
    _ruler(panel, y, canvas.px_per_m)
    image: Image = np.full((len(panel), canvas.image.shape[1], 3), PAPER, np.uint8)
    top = (len(panel) - len(canvas.image)) // 2
    image[top : top + len(canvas.image)] = canvas.image
    return np.hstack([image, panel])


def _title(panel: Image, plan: Plan) -> int:
    from shapely import Polygon

    assert plan.floor is not None
    write(panel, plan.store, (_LEFT, 62), 30, bold=True)
    area = Polygon(plan.floor.polygon).area
    write(panel, f"{area:.0f} m\u00b2, ceiling at {plan.floor.height_m:g} m", (_LEFT, 92), 17)
    slots = len(plan.slots())
    write(panel, f"{len(plan.cameras)} cameras, {slots} slots, {len(plan.fixtures)} fixtures", (_LEFT, 116), 17)
    if plan.plates:
        write(panel, f"{len(plan.plates)} weight plates", (_LEFT, 140), 17)
        return 184
    return 160


def _heading(panel: Image, text: str, y: int) -> int:
    write(panel, text, (_LEFT, y), 18, bold=True)
    panel[y + 9 : y + 10, _LEFT : _WIDTH - 24] = (214, 208, 204)
    return y + 36


def _scale(panel: Image, y: int, floor: FloorCoverage, slot_cameras: NDArray[np.int64]) -> int:
    """A row for each number of cameras: its colour, and its share of the floor and of the slots."""
    write(panel, "floor", (_LEFT + 150, y), 15, _MUTED)
    write(panel, "slots", (_LEFT + 218, y), 15, _MUTED)
    y += 12
    last = len(COVERAGE) - 1
    cells = floor.cameras[floor.free]
    for count, colour in enumerate(COVERAGE):
        box = panel[y : y + 20, _LEFT : _LEFT + 34]
        box[:] = colour
        if count == 0:
            hatch(box, np.ones(box.shape[:2], np.bool_), colour, UNSEEN)
        name = "none" if count == 0 else f"{count} or more" if count == last else str(count)
        write(panel, name, (_LEFT + 46, y + 16), 16)
        for values, x in ((cells, 150), (slot_cameras, 218)):
            here = values >= count if count == last else values == count
            share = f"{here.mean():.1%}" if len(values) else "-"
            write(panel, share, (_LEFT + x, y + 16), 16, UNSEEN if count == 0 and here.any() else INK)
        y += 26
    return y + 14


def _signs(panel: Image, y: int) -> int:
    signs = Canvas((0.0, 0.0), (float(_WIDTH), 230.0), 1.0)  # pixels, y up
    x, text = _LEFT + 17, _LEFT + 46
    row = iter(range(214, 0, -34))
    lines = []

    at = next(row)
    signs.glaze([(x - 8, at - 4), (x + 18, at + 12), (x + 20, at - 12)], (70, 50, 40), 0.45)
    signs.dot((x - 8, at - 4), 6, INK, PAPER, 1)
    lines.append((at, "camera, where it looks"))
    at = next(row)
    signs.dot((x, at), 11, PAPER, INK, 2)
    signs.dot((x, at), 6, INK, PAPER, 1)
    lines.append((at, "camera, straight down"))
    at = next(row)
    signs.area([(x - 17, at - 8), (x + 17, at - 8), (x + 17, at + 10), (x - 17, at + 10)], COVERAGE[3], INK)
    signs.line([(x - 17, at - 8), (x + 17, at - 8)], INK, 3)
    signs.area([(x - 6, at - 8), (x + 6, at - 8), (x, at - 16)], INK)
    lines.append((at, "front; one row a board"))
    for way, said in (("in", "gate, way in"), ("out", "gate, way out"), ("both", "gate, both ways")):
        at = next(row)
        signs.line([(x - 17, at), (x + 17, at)], GATE[way], 5)
        lines.append((at, said))
    panel[y - 12 : y - 12 + len(signs.image)] = signs.image
    for at, said in lines:
        write(panel, said, (text, y - 12 + 230 - at + 5), 16)
    return y + 214


def _ruler(panel: Image, y: int, px_per_m: float) -> None:
    metres = max((m for m in (1, 2, 5, 10) if m * px_per_m <= _WIDTH - 80), default=1)
    length = round(metres * px_per_m)
    for part in range(4):
        left = _LEFT + part * length // 4
        right = _LEFT + (part + 1) * length // 4
        panel[y : y + 9, left:right] = INK if part % 2 == 0 else (205, 200, 196)
    write(panel, "0", (_LEFT - 4, y + 30), 15)
    write(panel, f"{metres} m", (_LEFT + length - 12, y + 30), 15)
    write(panel, "x to the right, y up", (_LEFT, y + 54), 15, _MUTED)
