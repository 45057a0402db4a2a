"""How many rows a cell of a slot went deeper from one look of a camera to another: packages that are gone, or came.

A cell is one facing of a slot in one layer. When its front package is taken, the one behind it is seen: the same front,
a row deeper. So the look before, moved from one row's plane to that of the next one, matches the look after; when a
package was put there, the other way round; and two rows deeper when two are gone. What was put there and belongs
elsewhere matches neither. Beside that count how much the cell differs at all, and how bright, colourful and rich in
edges it became from its top to its bottom, where the board shows once the front is gone. A small network weighs these;
``python -m training.slot_counts`` fits it on simulated shops where nobody is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.shop.slot_change import FRONT_M, GAP_M, Cell, Goods
from vision.shop.slot_views import COLUMNS, ROWS, SlotViews

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

GONE: Final = (-3, -2, -1, 0, 1, 2, 3)
"""Rows that a cell may go deeper: the network's first classes."""
CAME, WENT = len(GONE), len(GONE) + 1
"""Its other classes: something strange came before the cell, or went."""
CLASSES: Final = len(GONE) + 2
FEATURES: Final = 31
LEAST_SEEN: Final = 0.5  # of a cell's points, for it to be compared
_FRONTS = 2  # rows at which the front may stand before
_DEEPEST = 4  # rows that are compared at all
_LEVELS = 3  # parts of a cell from its top to its bottom
_FLOOR = 2.0  # grey values: smaller differences are noise
_LEVEL_SCALE = 25.0  # grey values, beyond which a level's change counts no more
_LEAST_LOG, _MOST_LOG = -2.0, 8.0  # of one camera: what it does not see may be hidden from it alone


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Features are scaled by ``mean`` and ``scale`` (31,), weighed by ``hidden`` (31, h) and ``hidden_bias``, bent by a
    tangent, and weighed by ``out`` (h, 9) and ``out_bias``: log likelihoods of the classes, up to a constant.
    """

    mean: Float
    scale: Float
    hidden: Float
    hidden_bias: Float
    out: Float
    out_bias: Float

    @classmethod
    def read(cls, text: str) -> Network:
        """The network that ``text`` (JSON) holds, as ``written`` makes it."""
        kept = json.loads(text)
        return cls(**{name: np.array(kept[name], np.float64) for name in cls.__slots__})

    def written(self) -> str:
        """As JSON."""
        return json.dumps({name: np.round(getattr(self, name), 4).tolist() for name in self.__slots__}) + "\n"

    def likelihoods(self, features: Float) -> Float:
        """Log likelihoods (n, 9) of the classes relative to nothing having happened; 0 of NaN. ``features`` (n, 31)."""
        hidden = np.tanh((features - self.mean) / self.scale @ self.hidden + self.hidden_bias)
        logs = hidden @ self.out + self.out_bias
        logs = np.clip(logs - logs[:, [GONE.index(0)]], _LEAST_LOG, _MOST_LOG)
        known = np.isfinite(features).all(axis=1)
        return np.asarray(np.where(known.reshape(-1, 1), logs, 0.0))


@cache
def shipped() -> Network:
    """The network that comes with Aisle."""
    return Network.read((files("vision.shop") / "slot_counts.json").read_text(encoding="utf-8"))


def features(
    before: Float32,
    after: Float32,
    deviation: Float32,
    seen: Mask,
    views: SlotViews,
    row: int,
    goods: Goods,
    cells: Sequence[Cell],
) -> Float:
    """Features (cells, 31) of the slot ``row`` of ``views``; NaN of cells of which too little is ``seen``.

    ``before`` and ``after`` are looks float32 (ROWS, COLUMNS, 3) in the same light, ``deviation`` (ROWS, COLUMNS) how
    they differ (``slot_change.deviations``), ``seen`` (ROWS, COLUMNS) where both show the slot.
    """
    found = np.full((len(cells), FEATURES), np.nan)
    change = np.abs(before - after).mean(axis=2)
    shifts = _shifts(before, after, views, row, goods)
    eye = views.eye[row]
    # How large and how steeply seen: the same change differs with both.
    angle = [float(np.log(views.scale[row] / 100.0)), float(eye[2] / np.linalg.norm(eye))]
    for number, cell in enumerate(cells):
        place, ok = cell.place, seen[cell.place]
        if ok.mean() < LEAST_SEEN:
            continue
        differs = float(change[place][ok].mean()) + _FLOOR
        matches = [_match(shift, place, differs) for shift in shifts]
        levels = np.tanh((_levels(after, place) - _levels(before, place)) / _LEVEL_SCALE)
        found[number] = [
            np.log(max(float(deviation[place][ok].mean()), 0.01)),
            np.log(differs),
            *np.log(matches),
            *levels,
            *angle,
            float(cell.layer < goods.layers - 1),
            float(goods.layers > 1),
        ]
    return found


def moved(look: Float32, plane: Float) -> Float32:
    """A look (ROWS, COLUMNS, 3) with what is seen of a deeper ``plane`` (``SlotViews.deeper``) in the front's place."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(look, plane, (COLUMNS, ROWS), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _shifts(
    before: Float32, after: Float32, views: SlotViews, row: int, goods: Goods
) -> list[tuple[Float32, Mask] | None]:
    """How the looks differ (ROWS, COLUMNS) once one is moved by each number of rows, from each front, and which lines
    of the patch can show that (ROWS,); None where the slot is not so deep.
    """
    step, deepest = goods.size_m[1] + GAP_M, min(goods.rows, _DEEPEST)
    planes = [views.deeper(row, FRONT_M + n * step) for n in range(deepest + 1)]
    was, now = ([moved(look, plane) for plane in planes] for look in (before, after))
    found: list[tuple[Float32, Mask] | None] = []
    for gone in GONE:
        for front in range(_FRONTS) if gone else ():
            deep = front + abs(gone)
            if deep > deepest:
                found.append(None)
                continue
            pair = (was[front], now[deep]) if gone > 0 else (was[deep], now[front])
            lines = planes[deep][1, 1] * np.arange(ROWS) + planes[deep][1, 2] >= 0.0
            found.append((np.abs(pair[0] - pair[1]).mean(axis=2), np.asarray(lines)))
    return found


def _match(shift: tuple[Float32, Mask] | None, place: tuple[slice, slice], differs: float) -> float:
    """What is left of a cell's difference after a shift, at most 2; 1 where that cannot be told."""
    if shift is None or (lines := shift[1][place[0]]).sum() < 2:
        return 1.0
    return min((float(shift[0][place][lines].mean()) + _FLOOR / 2) / differs, 2.0)


def _levels(look: Float32, place: tuple[slice, slice]) -> Float:
    """Brightness, colourfulness, and edges across and down of a cell's levels, and how bright it is above: (13,)."""
    part = look[place].astype(np.float64)
    grey = part.mean(axis=2)
    across = np.abs(np.diff(grey, axis=1)).mean(axis=1)
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:])).mean(axis=1)
    lines = np.stack([grey.mean(axis=1), np.ptp(part, axis=2).mean(axis=1), across, down])
    ends = np.linspace(0, len(grey), _LEVELS + 1).round().astype(int).tolist()
    # A flat package has fewer lines than levels: neighbours share one.
    spans = [(min(a, len(grey) - 1), max(b, a + 1)) for a, b in pairwise(ends)]
    levels = np.concatenate([lines[:, a:b].mean(axis=1) for a, b in spans])
    above = look[: place[0].start, place[1]]
    return np.array([*levels, float(above.mean()) if above.size else float(grey[0].mean())])
