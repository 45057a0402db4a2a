"""What happened to a column of a slot that changed, from one camera's looks before and after: which way it went.

When the front package of a column is taken, the one behind it is seen: the same front, a row deeper. So the look
before, moved from one row's plane to the next one's, matches the look after; when a package was put there, the other
way round. What was put there and belongs elsewhere matches neither. Beside that count how bright, colourful and rich in
edges the column became from its top to its bottom, where the board shows once the front is gone. Two logistic
regressions weigh these; ``python -m training.shelf_motion`` fits them on simulated shops where nobody is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.shop.slot_change import FRONT_M, GAP_M, Goods
from vision.shop.slot_views import COLUMNS, ROWS, SlotViews

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Place = tuple[slice, slice]

SWEPT = 2  # rows from which a package is moved to the next one
DEEPEST = 4  # rows that are compared at all
LEVELS = 4  # parts of a column from its top to its bottom
FLOOR = 2.0  # grey values: smaller differences are noise
LEVEL_SCALE = 25.0  # grey values, beyond which a level's change counts no more
WEIGHTS_OF = 2 * SWEPT + 1 + 4 * LEVELS + 1, SWEPT + 4 + 3  # features of the way, and of strangeness


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Of the features: ``way`` (22,) for a package taken rather than put there, ``foreign`` (9,) for a strange one."""

    way: Float
    foreign: Float


@cache
def shipped() -> Weights:
    """The weights that come with Aisle."""
    kept = json.loads((files("vision.shop") / "slot_motion.json").read_text())
    return Weights(np.array(kept["way"]), np.array(kept["foreign"]))


def features(
    before: Float32, after: Float32, views: SlotViews, row: int, goods: Goods, place: Place
) -> tuple[Float, Float]:
    """Features of the way (22,) and of strangeness (9,) of a column at ``place`` of the patch ``row`` of ``views``.

    ``before`` and ``after`` are looks float32 (ROWS, COLUMNS, 3) in the same light.
    """
    step = goods.size_m[1] + GAP_M
    planes = [views.deeper(row, FRONT_M + n * step) for n in range(min(goods.rows, DEEPEST) + 1)]
    inside = [(plane[1, 1] * np.arange(ROWS) + plane[1, 2] >= 0.0)[place[0]] for plane in planes]
    was, now = ([moved(look, plane)[place] for plane in planes] for look in (before, after))
    differs = float(np.abs(before[place] - after[place]).mean()) + FLOOR
    swept, matched, ways = np.zeros((SWEPT, 2)), np.ones(SWEPT), []
    for n, seen in enumerate(inside[1:]):
        if seen.sum() < 2:
            continue
        deeper = float(np.abs(was[n] - now[n + 1])[seen].mean())
        nearer = float(np.abs(was[n + 1] - now[n])[seen].mean())
        ways.append((nearer - deeper) / differs)
        if n < SWEPT:
            swept[n] = (nearer - deeper) / differs, (nearer - deeper) / (nearer + deeper + 2 * FLOOR)
            matched[n] = min(nearer, deeper) / differs
    levels = _levels(after, place) - _levels(before, place)
    bounded = np.tanh(levels / LEVEL_SCALE)
    sweep = np.tanh(1.5 * np.array([*swept.ravel(), np.mean(ways) if ways else 0.0]))
    colour = after[place].mean(axis=(0, 1)) - before[place].mean(axis=(0, 1))
    strange = [
        *matched,
        *np.abs(bounded[:-1]).reshape(4, LEVELS).mean(axis=1),
        np.tanh(float(np.ptp(colour)) / LEVEL_SCALE),
        np.tanh(differs / LEVEL_SCALE),
        1.0,
    ]
    return np.concatenate([sweep, bounded]), np.array(strange)


def moved(look: Float32, plane: Float) -> Float32:
    """A look (ROWS, COLUMNS, 3) with what is seen of a deeper ``plane`` (``SlotViews.deeper``) in the front's place."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(look, plane, (COLUMNS, ROWS), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _levels(look: Float32, place: Place) -> Float:
    """Brightness, colourfulness, and edges across and down of a column's levels, and how bright it is above: (17,)."""
    part = look[place].astype(np.float64)
    grey = part.mean(axis=2)
    across = np.abs(np.diff(grey, axis=1)).mean(axis=1)
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:])).mean(axis=1)
    lines = np.stack([grey.mean(axis=1), np.ptp(part, axis=2).mean(axis=1), across, down])
    ends = np.linspace(0, len(grey), LEVELS + 1).round().astype(int)
    # A flat package has fewer lines than levels: neighbours share one.
    spans = [(min(a, len(grey) - 1), max(b, a + 1)) for a, b in pairwise(ends.tolist())]
    levels = np.array([lines[:, a:b].mean(axis=1) for a, b in spans]).T
    above = look[: place[0].start, place[1]]
    return np.array([*levels.ravel(), float(above.mean()) if above.size else float(grey[0].mean())])
