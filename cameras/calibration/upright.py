"""Where on the floor the person in a box stands: an upright body of unknown height fitted to the box's four sides.

It holds for cameras that look level and for those straight overhead, where a box's lower edge is no foot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel

Float = NDArray[np.float64]

HEIGHT_M: Final = (1.70, 0.12)  # of people: mean and standard deviation
_HALF_M: Final = 0.22  # a body's half width
_HEAD_M: Final = 0.10
_RINGS: Final = ((0.0, 0.17), (0.65, _HALF_M), (1.0, _HEAD_M))  # share of the height, radius
_TURNS: Final = np.arange(6) * (np.pi / 3)
# How well the model tells each side of a box: left, top, right, bottom, as shares of its diagonal. Arms spread.
_SIDES: Final = np.array([0.06, 0.03, 0.06, 0.03])
_STEPS: Final = 5
_EDGE_PX: Final = 3.0  # a side so near to the picture's edge is where the picture ends, not the person


@dataclass(frozen=True, eq=False)
class Upright:
    """People standing at ``xy`` (n, 2) metres, ``height_m`` (n,); ``covariance`` (n, 2, 2) of ``xy``; NaN where no
    body explains a box. ``misfit`` (n,) is the sum of squared errors of the box's sides by their expected size.
    """

    xy: Float
    height_m: Float
    covariance: Float
    misfit: Float

    @property
    def foot(self) -> Float:
        """The points (n, 3) that they stand on."""
        return np.column_stack([self.xy, np.zeros(len(self.xy))])

    @property
    def crown(self) -> Float:
        """The tops (n, 3) of their heads."""
        return np.column_stack([self.xy, self.height_m])


def body_boxes(model: CameraModel, xy: Float, height_m: Float) -> Float:
    """The boxes (n, 4) around upright bodies at ``xy`` (n, 2) of ``height_m`` (n,), pixels, not cut by the picture."""
    rings = np.array(_RINGS)
    circle = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)])
    around = (rings[:, 1, None, None] * circle).reshape(-1, 2)
    up = np.repeat(rings[:, 0], len(_TURNS))
    points = np.empty((len(xy), len(up), 3))
    points[..., :2] = xy[:, None] + around
    points[..., 2] = height_m[:, None] * up
    pixels = model.project(points)
    return np.asarray(np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1))


def fit_upright(model: CameraModel, xyxy: Float, known_height_m: Float | None = None) -> Upright:
    """The upright bodies in boxes (n, 4): the most likely place and height, by Gauss-Newton's steps.

    Sides at the picture's edge do not count. ``known_height_m`` (n,) are heights already known to some centimetres.
    """
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    count = len(boxes)
    if not count:
        return Upright(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2, 2)), np.zeros(0))
    mean, spread = np.full(count, HEIGHT_M[0]), np.full(count, HEIGHT_M[1])
    if known_height_m is not None:
        known = np.isfinite(known_height_m)
        mean, spread = np.where(known, known_height_m, mean), np.where(known, 0.03, spread)
    width, height = model.size
    cut = np.column_stack([boxes[:, :2] <= _EDGE_PX, boxes[:, 2:] >= np.array([width, height]) - _EDGE_PX])
    diagonal = np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    weight = np.where(cut, 0.0, 1.0 / np.maximum(_SIDES * diagonal[:, None], 1.0))
    state = np.column_stack([_middle(model, boxes, mean), mean])
    for _ in range(_STEPS):
        residual, slope = _linear(model, state, boxes, weight, mean, spread)
        normal = np.einsum("nki,nkj->nij", slope, slope) + 1e-9 * np.eye(3)
        step = -np.linalg.solve(normal, np.einsum("nki,nk->ni", slope, residual)[..., None])[..., 0]
        state = state + np.clip(step, -0.6, 0.6)
        state[:, 2] = np.clip(state[:, 2], 1.0, 2.2)
    residual, slope = _linear(model, state, boxes, weight, mean, spread)
    normal = np.einsum("nki,nkj->nij", slope, slope) + 1e-9 * np.eye(3)
    covariance = np.linalg.inv(normal)[:, :2, :2]
    misfit = np.asarray((residual[:, :4] ** 2).sum(axis=1))
    # Two sides at least, one of them across, must have told where.
    good = np.isfinite(misfit) & ((weight > 0).sum(axis=1) >= 2) & (covariance[:, 0, 0] + covariance[:, 1, 1] < 1.0)
    state[~good] = np.nan
    return Upright(state[:, :2], state[:, 2], covariance, misfit)


def _middle(model: CameraModel, boxes: Float, height_m: Float) -> Float:
    """Where boxes' middles are at half a body's height: a first guess that needs no feet."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    rays = model.rays(middles)
    reach = np.clip((height_m / 2 - model.position[2]) / np.minimum(rays[:, 2], -0.05), 0.3, 25.0)
    return np.asarray(model.position[:2] + rays[:, :2] * reach[:, None])


def _linear(
    model: CameraModel, state: Float, boxes: Float, weight: Float, mean: Float, spread: Float
) -> tuple[Float, Float]:
    """Residuals (n, 5) of the four sides and the height, and their slope (n, 5, 3) by x, y and height."""
    steps = np.concatenate([np.zeros((1, 3)), 0.01 * np.eye(3)])
    moved = (state[None] + steps[:, None]).reshape(-1, 3)
    predicted = np.nan_to_num(body_boxes(model, moved[:, :2], moved[:, 2]), nan=1e4).reshape(4, len(state), 4)
    residual = np.column_stack([(predicted[0] - boxes) * weight, (state[:, 2] - mean) / spread])
    slope = np.zeros((len(state), 5, 3))
    slope[:, :4] = ((predicted[1:] - predicted[0]) * weight / 0.01).transpose(1, 2, 0)
    slope[:, 4, 2] = 1.0 / spread
    return residual, slope
