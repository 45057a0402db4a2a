"""Which pictures of a board a lens is calibrated from: sharp ones, spread over the picture, near and far, tilted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.calibration.boards import Board
from cameras.calibration.sights import Sight

Float = NDArray[np.float64]

MOST: Final = 40
_BLUNT: Final = 0.7  # of the usual sharpness: pictures with less are not used
_FEW: Final = 0.35  # of the board's points


def choose(sights: Sequence[Sight], board: Board, size: tuple[int, int], most: int = MOST) -> list[Sight]:
    """At most ``most`` of the sights, in order of time.

    Of the sharp ones that show enough of the board, each next one is that which differs most from those taken: by
    place, distance, tilt and turn (Gonzalez 1985: farthest-point clustering).
    """
    usual = float(np.median([sight.sharpness for sight in sights])) if sights else 0.0
    enough = max(8, round(_FEW * len(board.points)))
    good = [s for s in sights if s.sharpness >= _BLUNT * usual and len(s.ids) >= enough and _spread_out(s, board)]
    good.sort(key=lambda s: (s.time_s, s.index))
    if len(good) <= most:
        return good
    features = np.array([_features(sight, board, size) for sight in good])
    taken = [max(range(len(good)), key=lambda n: good[n].sharpness)]
    away = np.full(len(good), np.inf)
    while len(taken) < most:
        away = np.minimum(away, np.linalg.norm(features - features[taken[-1]], axis=1))
        taken.append(int(away.argmax()))
    return [good[n] for n in sorted(taken)]


def covered(sights: Sequence[Sight], size: tuple[int, int], cells: tuple[int, int] = (8, 6)) -> NDArray[np.bool_]:
    """In which of ``cells`` (across, down) of the picture points were seen: (down, across)."""
    seen = np.zeros((cells[1], cells[0]), np.bool_)
    for sight in sights:
        at = (sight.xy / size * cells).astype(int)
        seen[np.clip(at[:, 1], 0, cells[1] - 1), np.clip(at[:, 0], 0, cells[0] - 1)] = True
    return seen


def _spread_out(sight: Sight, board: Board) -> bool:
    """Whether the points span the board both ways; points in a row tell nothing."""
    extent = np.linalg.svd(board.points[sight.ids] - board.points[sight.ids].mean(axis=0), compute_uv=False)
    return bool(extent[1] > 0.15 * extent[0])


def _features(sight: Sight, board: Board, size: tuple[int, int]) -> list[float]:
    """Place and extent as shares of the picture, foreshortening both ways, turn: comparable numbers."""
    scale = max(board.size_m)
    # Its stubs say that there is always one.
    matrix: Any = cv2.findHomography((board.points[sight.ids] / scale).astype(np.float64), sight.xy / size[0], 0)[0]
    middle = sight.xy.mean(axis=0) / size[0]
    extent = float(np.sqrt(np.prod(np.ptp(sight.xy, axis=0)))) / size[0]
    if matrix is None:
        return [*middle, extent, 0.0, 0.0, 0.0, 0.0]
    matrix = matrix / matrix[2, 2]
    turn = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    return [*middle, 1.5 * extent, 2 * matrix[2, 0], 2 * matrix[2, 1], 0.1 * np.cos(turn), 0.1 * np.sin(turn)]
