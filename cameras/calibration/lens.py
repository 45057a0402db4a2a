"""A camera's lens from pictures of a board: focal length, centre and distortion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.calibration.boards import Board
from cameras.calibration.choice import choose, covered
from cameras.calibration.errors import TooFewViewsError, WrongBoardError
from cameras.calibration.sights import Sight
from cameras.geometry import largest_radius, undistort

Float = NDArray[np.float64]

LEAST_VIEWS: Final = 8
_UNSURE: Final = 0.02  # share of the focal length that its standard deviation may be
_NARROW: Final = 0.25  # share of the picture's cells that must have been covered
_GROSS: Final = 3.0  # times the usual error: views and points beyond are left out
_LEAST_GROSS_PX: Final = 0.5
_WRONG_PX_IN_640: Final = 4.0  # an error that only a board of other proportions makes
_WORTH_IT: Final = 0.98  # k3 is used where the error falls below this share of that without


@dataclass(frozen=True, eq=False)
class LensCalibration:
    """``matrix`` (3, 3) and ``distortion`` (5,) of pictures of ``size``, from ``views``; ``rms_px`` is their error.

    ``dropped`` views were left out as bad, ``focal_share`` is the focal length's standard deviation as a share of it,
    ``coverage`` the share of the picture's cells in which the board was seen.
    """

    size: tuple[int, int]
    matrix: Float
    distortion: Float
    rms_px: float
    views: tuple[Sight, ...]
    dropped: tuple[Sight, ...]
    focal_share: float
    coverage: float


def calibrate_lens(sights: Sequence[Sight], board: Board, size: tuple[int, int]) -> LensCalibration:
    """The lens that sees the board so (Zhang 2000, by OpenCV), over the chosen sights.

    Views and points that fit far worse than the others are left out, until none does. Tangential distortion and k3
    are estimated where they pay. Raises ``TooFewViewsError``, and ``WrongBoardError`` where the board's proportions
    cannot be those described.
    """
    views = choose(sights, board, size)
    _enough(views, len(sights))
    dropped: list[Sight] = []
    flags = cv2.CALIB_FIX_K3
    for _ in range(6):
        found = _calibrated(views, board, size, flags)
        bad = _bad_views(views, found, board)
        trimmed = [_trimmed(view, off) for view, off in zip(views, found.off, strict=True)]
        kept = [view for n, view in enumerate(trimmed) if n not in bad and len(view.ids) >= 6]
        if len(kept) == len(views) and all(len(a.ids) == len(b.ids) for a, b in zip(kept, views, strict=True)):
            break
        dropped += [view for n, view in enumerate(views) if n in bad or len(trimmed[n].ids) < 6]
        views = kept
        _enough(views, len(sights))
    found = _calibrated(views, board, size, flags)
    if found.rms_px > _WRONG_PX_IN_640 * size[0] / 640:
        raise WrongBoardError(
            f"no lens sees a flat board {board.said} as these pictures do ({found.rms_px:.1f} pixels off): check its "
            "columns, rows and sizes, and that it is flat and stiff"
        )
    bent = _calibrated(views, board, size, 0)
    if bent.rms_px < _WORTH_IT * found.rms_px and _grows(bent, size):
        found = bent
    coverage = float(covered(views, size).mean())
    if coverage < _NARROW:
        raise TooFewViewsError(
            f"the board was seen in {coverage:.0%} of the picture only: carry it to the edges and corners as well"
        )
    if not math.isfinite(found.focal_share) or found.focal_share > _UNSURE:
        raise TooFewViewsError(
            f"the focal length is known to {found.focal_share:.0%} only: tilt the board by 30 to 45 degrees to all "
            "sides, near and far"
        )
    return LensCalibration(
        size, found.matrix, found.distortion, found.rms_px, tuple(views), tuple(dropped), found.focal_share, coverage
    )


@dataclass(frozen=True, eq=False)
class _Found:
    rms_px: float
    matrix: Float
    distortion: Float
    focal_share: float
    off: list[Float]


def _enough(views: Sequence[Sight], seen: int) -> None:
    if len(views) < LEAST_VIEWS:
        raise TooFewViewsError(
            f"{len(views)} sharp views of the board (of {seen} in all) are too few, {LEAST_VIEWS} are needed: move it "
            "slowly, hold it still now and then, give more light"
        )


def _calibrated(views: Sequence[Sight], board: Board, size: tuple[int, int], flags: int) -> _Found:
    flat = np.column_stack([board.points, np.zeros(len(board.points))]).astype(np.float32)
    shop = [flat[view.ids] for view in views]
    seen: Any = [view.xy.astype(np.float32)[:, None] for view in views]
    width, height = size
    guess = np.array([[0.6 * width, 0.0, width / 2], [0.0, 0.6 * width, height / 2], [0.0, 0.0, 1.0]])
    try:
        rms, matrix, distortion, turns, shifts, spread, *_ = cv2.calibrateCameraExtended(
            shop, seen, size, guess, np.zeros(5), flags=flags | cv2.CALIB_USE_INTRINSIC_GUESS
        )
    except cv2.error as error:
        raise TooFewViewsError(f"the views of the board do not tell the lens ({error.err}): tilt it more") from None
    bends = np.asarray(distortion, np.float64).ravel()[:5]
    off = [
        np.linalg.norm(cv2.projectPoints(points, turn, shift, matrix, bends)[0][:, 0] - view.xy, axis=1)
        for points, turn, shift, view in zip(shop, turns, shifts, views, strict=True)
    ]
    focal = float(matrix[0, 0])
    share = float(np.ravel(spread)[0]) / focal if focal > 0 else math.inf
    return _Found(float(rms), np.asarray(matrix, np.float64), bends, share, off)


def _bad_views(views: Sequence[Sight], found: _Found, board: Board) -> set[int]:
    each = np.array([math.sqrt(float(np.mean(off**2))) for off in found.off])
    return set(np.flatnonzero(each > max(_GROSS * float(np.median(each)), _LEAST_GROSS_PX)).tolist())


def _trimmed(view: Sight, off: Float) -> Sight:
    good = off <= max(4.0 * float(np.median(off)), 2 * _LEAST_GROSS_PX)
    return view if good.all() else Sight(view.index, view.time_s, view.ids[good], view.xy[good], view.sharpness)


def _grows(found: _Found, size: tuple[int, int]) -> bool:
    """Whether the lens model is good as far as the picture's corners, and does not fold back there."""
    corners = np.array([[0.0, 0.0], [size[0], 0.0], [0.0, size[1]], [size[0], size[1]]])
    plane = undistort((corners - found.matrix[:2, 2]) / np.diag(found.matrix)[:2], found.distortion)
    return bool((np.linalg.norm(plane, axis=1) < largest_radius(found.distortion)).all())
