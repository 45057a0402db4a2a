"""Cameras as vectors that least squares can move, and back to what a plan says of a camera."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, look_at
from store.views import CameraView, Homography, Lens, PlanError, Pose

Float = NDArray[np.float64]

_AHEAD_M = 3.0  # where a camera that does not look at the floor is said to look
_PIXEL_DIGITS, _METRE_DIGITS = 3, 4


def turn(vector: Float) -> Float:
    """The rotation (3, 3) about ``vector`` (3,) by its length in radians: Rodrigues' formula."""
    return np.asarray(cv2.Rodrigues(np.asarray(vector, np.float64))[0], np.float64)


def turned(model: CameraModel, vector: Float) -> CameraModel:
    """The camera turned about its own axes (x right, y down, z ahead) by ``vector`` (3,), radians."""
    return replace(model, rotation=turn(vector) @ model.rotation)


def moved(model: CameraModel, step: Float) -> CameraModel:
    """The camera changed by ``step`` (6,), (7,) or (9,): turn about its axes, metres, log of focal length, k1, k2."""
    changed = replace(model, rotation=turn(step[:3]) @ model.rotation, position=model.position + step[3:6])
    if len(step) > 6:
        matrix = model.matrix.copy()
        matrix[0, 0] *= math.exp(step[6])
        matrix[1, 1] *= math.exp(step[6])
        changed = replace(changed, matrix=matrix)
    if len(step) > 7:
        changed = replace(changed, distortion=model.distortion + np.array([step[7], step[8], 0.0, 0.0, 0.0]))
    return changed


def horizontal_view_deg(model: CameraModel) -> float:
    """The angle of view across the picture, before distortion."""
    return math.degrees(2 * math.atan(model.size[0] / 2 / float(model.matrix[0, 0])))


def angle_deg(one: CameraModel, other: CameraModel) -> float:
    """By how many degrees two cameras are turned against each other."""
    return math.degrees(float(np.linalg.norm(cv2.Rodrigues(one.rotation @ other.rotation.T)[0])))


def at_size(model: CameraModel, size: tuple[int, int]) -> CameraModel:
    """The same camera in pictures of ``size``. Raises ``PlanError`` for pictures of another shape."""
    if model.size == size:
        return model
    sx, sy = size[0] / model.size[0], size[1] / model.size[1]
    if abs(sx / sy - 1) > 0.01:
        raise PlanError(
            f"camera {model.camera}: the calibration's pictures are {model.size[0]}x{model.size[1]}, the plan's view "
            f"is {size[0]}x{size[1]}, another shape; set the view's size to that of the camera's pictures"
        )
    return replace(model, size=size, matrix=np.diag([sx, sy, 1.0]) @ model.matrix)


def lens_of(model: CameraModel) -> Lens:
    """The lens as a plan writes it."""
    fx, fy, cx, cy = (round(float(model.matrix[i]), _PIXEL_DIGITS) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
    k1, k2, p1, p2, k3 = (round(float(k), 6) for k in model.distortion)
    return Lens(focal_px=(fx, fy), centre_px=(cx, cy), distortion=(k1, k2, p1, p2, k3))


def pose_of(model: CameraModel) -> Pose:
    """The pose as a plan writes it: position, a point that it looks at (on the floor where there is one), and roll."""
    position = model.position.round(_METRE_DIGITS)
    ahead = model.rotation[2]
    reach = -position[2] / ahead[2] if ahead[2] < -0.1 else _AHEAD_M
    target = (position + ahead * reach).round(_METRE_DIGITS)
    # The roll is taken against the rounded target, so that a camera that looks straight down keeps its turn.
    plain = look_at(position, target)
    across = model.rotation[0]
    roll = math.degrees(math.atan2(float(across @ plain[1]), float(across @ plain[0])))
    x, y, z = position.tolist()
    u, v, w = target.tolist()
    return Pose(position=(x, y, z), look_at=(u, v, w), roll_deg=round(roll, 4))


def view_with(view: CameraView, model: CameraModel, *, lens_only: bool = False) -> CameraView:
    """The plan's ``view`` with the calibrated lens and pose, at its own size; a homography of its own is made anew.

    Raises ``PlanError`` where the pictures have another shape than the view, or the camera sees no floor.
    """
    from cameras.floor import with_homography

    model = at_size(model, view.size)
    changed: dict[str, object] = {"lens": lens_of(model)}
    if not lens_only:
        changed["pose"] = pose_of(model)
    fresh = view.model_copy(update=changed)
    if view.homography is not None and fresh.pose is not None:
        found = with_homography(fresh.model_copy(update={"homography": None})).homography
        assert found is not None
        rows: Homography = tuple(tuple(float(f"{v:.9g}") for v in row) for row in found)  # type: ignore[assignment]
        fresh = fresh.model_copy(update={"homography": rows})
    return CameraView.model_validate(fresh.model_dump())
