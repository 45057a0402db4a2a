"""A camera's pose from boards that lie still at measured places of the floor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from cameras.calibration.accuracy import PointErrors
from cameras.calibration.boards import Board
from cameras.calibration.errors import PlacesError
from cameras.calibration.parameters import moved, turn
from cameras.calibration.sights import Sight
from cameras.geometry import CameraModel, undistort

Float = NDArray[np.float64]

TAPE_M, TAPE_DEG = 0.01, 0.7  # how well people measure a place and a heading
PIXEL: Final = 0.3  # how well a corner is found
STILL_S: Final = 1.5
_STILL_PX_IN_640: Final = 0.35
_ELSEWHERE_PX_IN_640: Final = 3.0
_FAR_OFF_M: Final = 0.08  # a place that must be moved by so much was measured wrongly


@dataclass(frozen=True)
class Place:
    """Where a board lies: its printed upper left corner, and the heading of its upper edge (0 is +x)."""

    x_m: float
    y_m: float
    heading_deg: float


@dataclass(frozen=True, eq=False)
class PlacedCamera:
    """The camera; ``errors`` of the boards' points where the places are as measured, ``shift_cm`` (places,) by how far
    each place was moved to fit.
    """

    model: CameraModel
    errors: PointErrors
    pixels: Float
    shop: Float
    shift_cm: Float


def still_parts(sights: Sequence[Sight], size: tuple[int, int], least_s: float = STILL_S) -> list[Sight]:
    """One sight for every stretch of ``least_s`` or longer in which the board does not move: its points' medians."""
    limit = _STILL_PX_IN_640 * size[0] / 640
    parts: list[list[Sight]] = []
    for sight in sights:
        # Against the part's beginning, so that a slow drift ends it.
        if parts and sight.time_s - parts[-1][-1].time_s < least_s and _apart(parts[-1][0], sight) < limit:
            parts[-1].append(sight)
        else:
            parts.append([sight])
    long = [part for part in parts if part[-1].time_s - part[0].time_s >= least_s and len(part) >= 3]
    found = [_middle(part) for part in long]
    # A hand before the lens cuts a part in two.
    merged: list[Sight] = []
    for each in found:
        if not merged or _apart(merged[-1], each) > _ELSEWHERE_PX_IN_640 * size[0] / 640:
            merged.append(each)
    return merged


def place_camera(
    camera: str, size: tuple[int, int], matrix: Float, distortion: Float, board: Board, parts: Sequence[Sight],
    places: Sequence[Place],
) -> PlacedCamera:  # fmt: skip
    """The pose from which ``parts`` show the board lying at ``places``, one each, in their order.

    Least squares over the pose and over the places, which are held to what was measured within ``TAPE_M`` and
    ``TAPE_DEG``. Raises ``PlacesError`` where numbers differ, or where a place cannot be where it is said to be.
    """
    if len(parts) != len(places) or not places:
        when = ", ".join(f"{part.time_s:.0f} s" for part in parts) or "none"
        raise PlacesError(
            f"camera {camera}: the board lies still {len(parts)} times (at {when}) and {len(places)} places are given; "
            "give one --at X,Y,DEG for each, in their order; or film the board on the floor by itself (--floor FILE)"
        )
    pixels = np.concatenate([part.xy for part in parts])
    blank = CameraModel(camera, size, matrix, distortion, np.eye(3), np.zeros(3))
    plane = undistort((pixels - matrix[:2, 2]) / np.diag(matrix)[:2], distortion)
    start = _first_pose(blank, board, parts, places, plane)
    tape = np.array([TAPE_M, TAPE_M, TAPE_DEG])

    def shop(off: Float) -> Float:
        rows = [
            board.on_floor(place.x_m + dx, place.y_m + dy, place.heading_deg + turned)[part.ids]
            for part, place, (dx, dy, turned) in zip(parts, places, off.reshape(-1, 3), strict=True)
        ]
        return np.concatenate(rows)

    def residuals(step: Float) -> Float:
        off = np.nan_to_num(moved(start, step[:6]).project(shop(step[6:])) - pixels, nan=1e4) / PIXEL
        return np.concatenate([off.ravel(), (step[6:].reshape(-1, 3) / tape).ravel()])

    found = least_squares(residuals, np.zeros(6 + 3 * len(places)), loss="soft_l1", f_scale=3.0)
    model = moved(start, found.x[:6])
    shift = found.x[6:].reshape(-1, 3)
    far = np.linalg.norm(shift[:, :2], axis=1)
    for number in np.flatnonzero((far > _FAR_OFF_M) | (np.abs(shift[:, 2]) > 10 * TAPE_DEG)).tolist():
        raise PlacesError(
            f"camera {camera}: place {number + 1} of {len(places)} fits the others only if it lies "
            f"{100 * far[number]:.0f} cm and {abs(shift[number, 2]):.0f} degrees elsewhere: measure it "
            "again (X,Y is the board's printed upper left corner, DEG where its upper edge points "
            "to; are the board's sizes right?)"
        )
    measured = shop(np.zeros(3 * len(places)))
    return PlacedCamera(model, PointErrors.of(model, pixels, measured), pixels, measured, 100.0 * far)


def _first_pose(
    blank: CameraModel, board: Board, parts: Sequence[Sight], places: Sequence[Place], plane: Float
) -> CameraModel:
    shop = np.concatenate(
        [board.on_floor(p.x_m, p.y_m, p.heading_deg)[part.ids] for part, p in zip(parts, places, strict=True)]
    )
    best: tuple[float, CameraModel] | None = None
    _, turns, shifts, _ = cv2.solvePnPGeneric(shop, plane, np.eye(3), np.zeros(5), flags=cv2.SOLVEPNP_IPPE)
    for vector, shift in zip(turns, shifts, strict=True):
        rotation = turn(np.asarray(vector, np.float64))
        position = -rotation.T @ np.asarray(shift, np.float64).ravel()
        model = CameraModel(blank.camera, blank.size, blank.matrix, blank.distortion, rotation, position)
        off = float(np.nan_to_num(np.abs(model.project(shop) - np.concatenate([p.xy for p in parts])), nan=1e6).mean())
        if position[2] > 0 and (best is None or off < best[0]):
            best = off, model
    if best is None:
        raise PlacesError(
            f"camera {blank.camera}: no camera above the floor sees the board lie so; it must lie face up, and "
            "X,Y,DEG tell its printed upper left corner and where its upper edge points to"
        )
    return best[1]


def _apart(one: Sight, other: Sight) -> float:
    """How far the points that two sights share moved, pixels; infinite where they share few."""
    both, at, there = np.intersect1d(one.ids, other.ids, return_indices=True)
    if len(both) < 4:
        return math.inf
    return float(np.median(np.linalg.norm(one.xy[at] - other.xy[there], axis=1)))


def _middle(part: Sequence[Sight]) -> Sight:
    ids, counts = np.unique(np.concatenate([sight.ids for sight in part]), return_counts=True)
    ids = ids[counts >= max(2, len(part) // 3)]
    rows = {int(number): [] for number in ids.tolist()}  # type: dict[int, list[Float]]
    for sight in part:
        for number, at in zip(sight.ids.tolist(), sight.xy, strict=True):
            if number in rows:
                rows[number].append(at)
    xy = np.array([np.median(rows[number], axis=0) for number in ids.tolist()]).reshape(-1, 2)
    halfway = part[len(part) // 2]
    return Sight(halfway.index, halfway.time_s, ids, xy, float(np.median([sight.sharpness for sight in part])))
