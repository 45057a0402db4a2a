"""A camera's pose, and where unknown its focal length, from points clicked on its picture and on the plan."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from cameras.calibration.accuracy import PointErrors, seen_floor
from cameras.calibration.errors import CollinearPointsError, PointsDisagreeError, TooFewPointsError
from cameras.calibration.parameters import horizontal_view_deg, moved, turn
from cameras.geometry import CameraModel, undistort
from store.views import CameraView, Lens

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

LEAST = 4
# What shop cameras are like, before anything is known of one: mean and standard deviation.
VIEW_DEG, FOCAL_LOG = 85.0, 0.25
K1 = (-0.12, 0.12)
K2_PER_K1_SQUARED, K2 = 1.5, 0.03  # barrels are alike: k2 goes with the square of k1
HEIGHT_M = (2.8, 0.5)
HANGS_M = (1.8, 6.0)  # cameras outside are found only where no other fits
# A lens that the plan states was measured, or read from a data sheet.
STATED_LOG, STATED_K = 0.03, 0.02
_GROSS = 4.0  # standard deviations at which a point counts as a mistake
_ROW = 0.02  # of the longer extent: points narrower than this lie in a row
_SUBSETS = 30
_VIEWS_DEG = (50.0, 65.0, 80.0, 95.0, 110.0)
_MEDIAN_OF_RAYLEIGH = 0.833  # median of a distance by the root of its mean square, for normal errors alike both ways


@dataclass(frozen=True, eq=False)
class PointsCalibration:
    """A calibrated camera: ``errors`` of each point in the order given, ``used`` (n,) False for those left out as
    mistakes. ``expected_cm`` is the median error to expect on the floor that the camera sees, from how the points lie
    and how well they fit.
    """

    model: CameraModel
    errors: PointErrors
    used: Bool
    expected_cm: float


def calibrate_points(
    view: CameraView, pixels: Float, shop: Float, *, keep_lens: bool = False, sigma_px: float | None = None
) -> PointsCalibration:
    """The camera that sees the points ``shop`` (n, 3), metres, at ``pixels`` (n, 2) of pictures of the view's size.

    The posterior's most likely camera: normal errors of ``sigma_px`` (by default 2 pixels in 640) for the clicks, and
    what shop cameras are like for lens and height. A lens that the view states is held nearly, with ``keep_lens``
    exactly. Points that no camera explains with the others are left out. The order of the points does not matter.

    Raises ``TooFewPointsError``, ``CollinearPointsError``, ``PointsDisagreeError``.
    """
    pixels, shop = np.asarray(pixels, np.float64).reshape(-1, 2), np.asarray(shop, np.float64).reshape(-1, 3)
    check_points(view.camera, pixels, shop)
    order = np.lexsort(np.column_stack([pixels, shop]).T)
    sigma = sigma_px or max(2.0 * view.size[0] / 640.0, 1.0)
    fit = _Fit(view, pixels[order], shop[order], sigma, keep_lens)
    step, start, used = fit.solve()
    model = moved(start, step)
    errors = PointErrors.of(model, pixels, shop)
    back = np.empty(len(order), np.bool_)
    back[order] = used
    if used.sum() < max(LEAST, math.ceil(len(order) * 0.6)):
        raise PointsDisagreeError(
            f"camera {view.camera}: only {used.sum()} of {len(order)} points agree on where the camera hangs; check "
            "that each pair is the same place on the picture and on the plan (the plan's mirror image?)"
        )
    return PointsCalibration(model, errors, back, fit.expected_cm(start, step, used))


def check_points(camera: str, pixels: Float, shop: Float) -> None:
    """Raise ``TooFewPointsError`` or ``CollinearPointsError`` for points (n, 2), (n, 3) that cannot tell a pose."""
    if len(pixels) != len(shop):
        raise TooFewPointsError(f"camera {camera}: {len(pixels)} points of the picture, {len(shop)} of the plan")
    if not (np.isfinite(pixels).all() and np.isfinite(shop).all()):
        raise TooFewPointsError(f"camera {camera}: a point's coordinates are not finite numbers")
    different = len(np.unique(np.column_stack([pixels, shop]).round(6), axis=0))
    if different < LEAST:
        raise TooFewPointsError(
            f"camera {camera}: {different} different points, a pose needs {LEAST} or more; 8 spread over the floor are "
            "good"
        )
    for what, points in (("on the plan", shop), ("in the picture", pixels)):
        extent = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if extent[1] < _ROW * extent[0] or _all_but_one_in_a_row(points, float(extent[0])):
            raise CollinearPointsError(
                f"camera {camera}: the points lie in a row {what}; add some to the side of it, far from the others"
            )


def _all_but_one_in_a_row(points: Float, extent: float) -> bool:
    """Four points of which three lie in a row tell no homography."""
    if len(points) != LEAST:
        return False
    for rest in itertools.combinations(range(LEAST), LEAST - 1):
        three = points[list(rest)]
        if np.linalg.svd(three - three.mean(axis=0), compute_uv=False)[1] < _ROW / 2 * extent:
            return True
    return False


class _Fit:
    def __init__(self, view: CameraView, pixels: Float, shop: Float, sigma: float, keep_lens: bool) -> None:
        self._view, self._pixels, self._shop, self._sigma = view, pixels, shop, sigma
        self._keep = keep_lens and view.lens is not None
        lens = view.lens or Lens(
            horizontal_view_deg=VIEW_DEG, distortion=(K1[0], K2_PER_K1_SQUARED * K1[0] ** 2, 0, 0, 0)
        )
        width, height = view.size
        fx, fy = lens.focal(width)
        centre = lens.centre_px or (width / 2, height / 2)
        self._matrix = np.array([[fx, 0.0, centre[0]], [0.0, fy, centre[1]], [0.0, 0.0, 1.0]])
        self._distortion = np.array(lens.distortion)

    def solve(self) -> tuple[Float, CameraModel, Bool]:
        """The best step from its start, and which points it explains."""
        starts = self._starts()
        best: tuple[float, Float, CameraModel] | None = None
        for start in starts[:4]:
            step = self._refine(start, np.zeros(self._free), robust=True)
            cost = self._score(moved(start, step)) + float((self._priors(moved(start, step)) ** 2).sum())
            if best is None or cost < best[0] - 1e-9:
                best = (cost, step, start)
        if best is None:
            raise PointsDisagreeError(
                f"camera {self._view.camera}: no camera above the floor sees these points so; check that each pair is "
                "the same place on the picture and on the plan"
            )
        _, step, start = best
        for _ in range(3):
            used = self._off(moved(start, step)) < _GROSS * self._sigma
            if used.sum() < LEAST:
                break
            step = self._refine(start, step, robust=False, used=used)
        return step, start, used

    @property
    def _free(self) -> int:
        return 6 if self._keep else 9

    def expected_cm(self, start: CameraModel, step: Float, used: Bool) -> float:
        """The median error of the floor seen, by the spread of the cameras that fit nearly as well."""
        slope = _slope(lambda s: self._residuals(start, s, used), step)
        misfit = float((self._residuals(start, step, used) ** 2).sum()) / max(2 * int(used.sum()) - 6, 2)
        spread = np.linalg.pinv(slope.T @ slope) * max(1.0, misfit)
        model = moved(start, step)
        floor = seen_floor(model)
        if not len(floor):
            return math.inf
        pixels = model.project(np.column_stack([floor, np.zeros(len(floor))]))
        shift = _slope(lambda s: moved(start, s).on_floor(pixels).ravel(), step).reshape(len(floor), 2, -1)
        variance = np.einsum("nij,jk,nik->n", shift, spread, shift)
        return float(100.0 * _MEDIAN_OF_RAYLEIGH * np.nanmedian(np.sqrt(variance)))

    def _model(self, view_deg: float | None, rotation: Float, position: Float) -> CameraModel:
        matrix = self._matrix.copy()
        if view_deg is not None:
            matrix[0, 0] = matrix[1, 1] = self._view.size[0] / 2 / math.tan(math.radians(view_deg) / 2)
        return CameraModel(self._view.camera, self._view.size, matrix, self._distortion, rotation, position)

    def _starts(self) -> list[CameraModel]:
        """Poses from few points each, those first that explain most points."""
        count = len(self._pixels)
        subsets: list[tuple[int, ...]] = [tuple(range(count))]
        if count > LEAST:
            every = list(itertools.combinations(range(count), LEAST)) if count <= 10 else []
            if len(every) > _SUBSETS or not every:
                rng = np.random.default_rng(count)
                subsets += [tuple(sorted(rng.choice(count, LEAST, replace=False).tolist())) for _ in range(_SUBSETS)]
            else:
                subsets += every
        found: list[tuple[float, CameraModel]] = []
        for view_deg in (None,) if self._view.lens is not None else _VIEWS_DEG:
            blank = self._model(view_deg, np.eye(3), np.zeros(3))
            plane = undistort((self._pixels - blank.matrix[:2, 2]) / np.diag(blank.matrix)[:2], blank.distortion)
            for subset in subsets:
                rows = list(subset)
                for rotation, position in _poses(self._shop[rows], plane[rows]):
                    model = self._model(view_deg, rotation, position)
                    found.append((self._score(model) + float((self._priors(model) ** 2).sum()), model))
        found.sort(key=lambda pair: pair[0])
        return [model for _, model in found]

    def _off(self, model: CameraModel) -> Float:
        off: Float = np.linalg.norm(model.project(self._shop) - self._pixels, axis=1)
        return np.nan_to_num(off, nan=1e6)

    def _score(self, model: CameraModel) -> float:
        return float(np.minimum((self._off(model) / self._sigma) ** 2, _GROSS**2).sum())

    def _priors(self, model: CameraModel) -> Float:
        low, high = HANGS_M
        height = float(model.position[2])
        hangs = [(height - HEIGHT_M[0]) / HEIGHT_M[1], 4.0 * (min(height - low, 0.0) + max(height - high, 0.0))]
        if self._keep:
            return np.array(hangs)
        k1, k2 = float(model.distortion[0]), float(model.distortion[1])
        if self._view.lens is None:
            log = math.log(
                math.tan(math.radians(horizontal_view_deg(model)) / 2) / math.tan(math.radians(VIEW_DEG) / 2)
            )
            return np.array([*hangs, log / FOCAL_LOG, (k1 - K1[0]) / K1[1], (k2 - K2_PER_K1_SQUARED * k1 * k1) / K2])
        log = math.log(float(model.matrix[0, 0] / self._matrix[0, 0]))
        off = (np.array([k1, k2]) - self._distortion[:2]) / STATED_K
        return np.array([*hangs, log / STATED_LOG, *off.tolist()])

    def _residuals(self, start: CameraModel, step: Float, used: Bool) -> Float:
        model = moved(start, step)
        off = np.nan_to_num(model.project(self._shop[used]) - self._pixels[used], nan=1e4) / self._sigma
        return np.concatenate([off.ravel(), self._priors(model)])

    def _refine(self, start: CameraModel, step: Float, *, robust: bool, used: Bool | None = None) -> Float:
        chosen = np.ones(len(self._pixels), np.bool_) if used is None else used
        points = 2 * int(chosen.sum())

        def loss(square: Float) -> Float:
            # Cauchy's for points, plain squares for what is known beforehand.
            scale = 4.0
            z = square / scale
            rho = np.stack([scale * np.log1p(z), 1 / (1 + z), -1 / (scale * (1 + z) ** 2)])
            rho[:, points:] = np.stack([square, np.ones_like(square), np.zeros_like(square)])[:, points:]
            return rho

        found = least_squares(
            lambda s: self._residuals(start, s, chosen),
            step,
            loss=loss if robust else "linear",
            x_scale=_SCALE[: len(step)],
        )
        return np.asarray(found.x, np.float64)


_SCALE = np.array([0.05, 0.05, 0.05, 0.2, 0.2, 0.2, 0.1, 0.1, 0.05])


def _poses(shop: Float, plane: Float) -> list[tuple[Float, Float]]:
    """Rotations and positions of cameras above the floor that see ``shop`` (n, 3) at ``plane`` (n, 2) of z = 1."""
    level = float(np.ptp(shop[:, 2])) < 1e-9
    # The planar solver wants points of z = 0.
    lift = np.array([0.0, 0.0, float(shop[0, 2]) if level else 0.0])
    method = cv2.SOLVEPNP_IPPE if level else cv2.SOLVEPNP_SQPNP
    try:
        _, turns, shifts, _ = cv2.solvePnPGeneric(shop - lift, plane, np.eye(3), np.zeros(5), flags=method)
    except cv2.error:
        return []
    found = []
    for vector, shift in zip(turns, shifts, strict=True):
        rotation = turn(np.asarray(vector, np.float64))
        position = -rotation.T @ np.asarray(shift, np.float64).ravel() + lift
        if np.isfinite(position).all() and position[2] > 0.3:
            found.append((rotation, position))
    return found


def _slope(of: Callable[[Float], Float], at: Float) -> Float:
    """The derivative (m, n) of a function of (n,) to (m,), by central differences."""
    columns: list[Float] = []
    for n in range(len(at)):
        step = np.zeros(len(at))
        step[n] = 1e-5
        columns.append((of(at + step) - of(at - step)) / 2e-5)
    return np.stack(columns, axis=1)
