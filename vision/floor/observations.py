"""What a box says about where a person stands and how tall they are, with its error.

A person stands at (X, Y) and is H tall. A camera at C with rotation R sees the foot (X, Y, 0) and the head (X, Y, H) at
x = R (P - C), divided by depth. Three numbers are measured in that plane z = 1: the middle across, the middle down and
the height of the box, with independent errors in proportion to the box's height. Linearised at the best estimate
(Gauss-Newton with the prior of H), an observation is ``weight`` (3, 3) and ``value`` (3,) such that
``value - weight @ (X, Y, H)`` has unit covariance. By the Jacobian the error on the floor grows with distance and with
the flatness of the view, most along the ray (Hartley, Zisserman, 2004, section 5.2).

Where the picture cuts the feet or the head off, the other end alone is measured down; then H is known by its prior
alone. Where it cuts a side off, the middle follows from the other side and a person's usual width.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, undistort
from vision.floor.bodies import Bodies, meets_level, observe_bodies
from vision.floor.settings import BoxErrors, JointErrors

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEPS: Final = 4
_LEAST_DEPTH_M: Final = 0.3
_TALLEST_RANGE: Final = 10.0  # false boxes are any height within such a factor


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """n boxes of one moment.

    ``camera`` (n,) and ``box`` (n,) say which box of which camera. ``weight`` (n, 3, 3), ``value`` (n, 3) as in the
    module's text, rows of zeros for what is not measured; ``place`` (n, 3) the best X, Y, H with ``variance``
    (n, 3, 3), prior of H included; ``rarity`` (n,) the logarithm of how much denser the measured numbers lie around a
    true person than false boxes lie, at distance 0 and without a person's own uncertainty.
    """

    camera: Ints
    box: Ints
    weight: Float
    value: Float
    place: Float
    variance: Float
    rarity: Float

    def __len__(self) -> int:
        return len(self.camera)

    def __getitem__(self, index: NDArray[np.bool_] | Ints) -> Self:
        return type(self)(*(getattr(self, each.name)[index] for each in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """c cameras as arrays: ``rotation`` (c, 3, 3), ``position`` (c, 3), ``focal`` (c, 2) and ``size`` (c, 2) pixels."""

    cameras: tuple[CameraModel, ...]
    rotation: Float
    position: Float
    focal: Float
    size: Float

    @classmethod
    def of(cls, cameras: tuple[CameraModel, ...]) -> Self:
        """Of camera models."""
        return cls(
            cameras,
            np.array([camera.rotation for camera in cameras]).reshape(-1, 3, 3),
            np.array([camera.position for camera in cameras]).reshape(-1, 3),
            np.array([np.diag(camera.matrix)[:2] for camera in cameras]).reshape(-1, 2),
            np.array([camera.size for camera in cameras], np.float64).reshape(-1, 2),
        )

    def plane(self, camera: Ints, xy: Float) -> Float:
        """Pixels (n, k, 2) of the cameras (n,) in the plane z = 1, without the lens's distortion."""
        points = np.empty_like(xy)
        for place, model in enumerate(self.cameras):
            own = camera == place
            ideal = (xy[own] - model.matrix[:2, 2]) / self.focal[place]
            points[own] = undistort(ideal, model.distortion) if model.distortion.any() else ideal
        return points


def observe(
    rig: Rig,
    camera: Ints,
    xyxy: Float,
    errors: BoxErrors,
    factor: Float | float = 1.0,
    *,
    keypoints: Float | None = None,
    joints: JointErrors | None = None,
) -> Observations:
    """What boxes (n, 4) in pixels, of ``rig``'s cameras (n,), say; boxes that can be nobody on the floor are left out.

    That is a box cut at both ends, or one whose best estimate is behind the camera or taller or smaller than anybody.
    Each box errs by ``factor`` (n,) times as much as ``errors`` have it.

    Where ``keypoints`` (n, 17, 3), pixels and confidences, show enough of a person, their joints say it instead of the
    box (``vision.floor.bodies``); joints beyond the picture's edge are not seen.
    """
    edge = rig.size[camera]
    low, high = np.abs(xyxy) <= errors.edge_px, np.abs(xyxy - np.tile(edge, 2)) <= errors.edge_px
    left, top, right, bottom = low[:, 0], low[:, 1], high[:, 2], high[:, 3]
    middle = (xyxy[:, 0] + xyxy[:, 2]) / 2
    # The sides at half height, the ends at half width: what the lens bends least.
    half = (xyxy[:, 1] + xyxy[:, 3]) / 2
    points = np.stack([middle, xyxy[:, 3], middle, xyxy[:, 1], xyxy[:, 0], half, xyxy[:, 2], half], axis=1)
    foot, head, start, end = np.moveaxis(rig.plane(camera, points.reshape(-1, 4, 2)), 1, 0)
    rotation, position = rig.rotation[camera], rig.position[camera]
    place = _first_guess(rotation, position, foot, head, bottom, errors.height_m)
    possible = np.isfinite(place).all(axis=1) & ~(top & bottom) & ~(left & right)
    place = np.where(possible[:, None], place, 0.0)
    tall = np.where(top | bottom, _seen_height(rotation, position, place), foot[:, 1] - head[:, 1])
    across, across_sd = _across(start[:, 0], end[:, 0], left, right, np.maximum(tall, 1e-6), errors)
    height_px = np.maximum(tall, 1e-6)
    deviation = np.stack([across_sd, np.full(len(tall), errors.centre), np.full(len(tall), errors.size)], axis=1)
    one_end = top | bottom
    deviation[one_end, 1] = np.hypot(errors.centre, errors.size / 2)
    deviation = np.hypot(deviation * height_px[:, None], (errors.body_m * _near(rotation, position, place))[:, None])
    deviation *= np.broadcast_to(np.asarray(factor, np.float64), len(tall))[:, None]
    down = np.where(bottom, head[:, 1], np.where(top, foot[:, 1], (foot[:, 1] + head[:, 1]) / 2))
    measured = np.stack([across, down, foot[:, 1] - head[:, 1]], axis=1)
    scale = 1 / deviation
    scale[one_end, 2] = 0.0

    toward = errors.depth_m * _towards(position, place)
    prior = np.zeros((3, 3))
    prior[2, 2] = errors.height_sd_m**-2
    for _ in range(_STEPS):
        expected, slope, depth = _measure(rotation, position, place, toward, top, bottom)
        possible &= (depth > _LEAST_DEPTH_M) & (np.abs(place[:, 2] - errors.height_m) < 10 * errors.height_sd_m)
        weight = slope * scale[..., None]
        information = np.swapaxes(weight, 1, 2) @ weight + prior
        missing = ((measured - expected) * scale)[..., None]
        pull = (np.swapaxes(weight, 1, 2) @ missing)[..., 0]
        pull[:, 2] += (errors.height_m - place[:, 2]) * prior[2, 2]
        information[~possible] = np.eye(3)
        step = np.linalg.solve(information, pull[..., None])[..., 0]
        place = np.where(possible[:, None], place + step, place)
    expected, slope, depth = _measure(rotation, position, place, toward, top, bottom)
    weight = slope * scale[..., None]
    value = (measured - expected) * scale + (weight @ place[..., None])[..., 0]
    information = np.swapaxes(weight, 1, 2) @ weight + prior
    information[~possible] = np.eye(3)
    area = (rig.size / rig.focal).prod(axis=1)[camera]
    with np.errstate(divide="ignore"):
        density = np.log(np.where(scale > 0, scale, 1.0)).sum(axis=1) - np.where(one_end, 1.0, 1.5) * np.log(2 * np.pi)
    spread = np.where(one_end, 0.0, np.log(height_px * np.log(_TALLEST_RANGE)))
    rarity = density + np.log(area) + spread - np.log(errors.false_boxes)
    box = np.arange(len(camera)) - np.searchsorted(camera, camera)
    variance = np.asarray(np.linalg.inv(information), np.float64)
    if keypoints is not None:
        bodies = _bodies(rig, camera, xyxy, keypoints, low | high, errors, factor, joints or JointErrors())
        told = bodies.known & (np.abs(bodies.place[:, 2] - errors.height_m) < 10 * errors.height_sd_m)
        better = np.swapaxes(bodies.weight, 1, 2) @ bodies.weight + prior
        better[~told] = np.eye(3)
        # The same density, of other numbers: it changes with the volume that they leave for X, Y and H.
        gain = (np.linalg.slogdet(better)[1] - np.linalg.slogdet(information)[1]) / 2
        # A box that says nothing by itself says nothing of how rare it is either.
        rarity = np.where(told, np.where(possible, rarity + gain, 0.0), rarity)
        weight = np.where(told[:, None, None], bodies.weight, weight)
        value = np.where(told[:, None], bodies.value, value)
        place = np.where(told[:, None], bodies.place, place)
        variance = np.where(told[:, None, None], np.linalg.inv(better), variance)
        possible |= told
    return Observations(camera, box, weight, value, place, variance, rarity)[np.flatnonzero(possible)]


def _bodies(
    rig: Rig,
    camera: Ints,
    xyxy: Float,
    keypoints: Float,
    cut: NDArray[np.bool_],
    errors: BoxErrors,
    factor: Float | float,
    joints: JointErrors,
) -> Bodies:
    xy = np.asarray(keypoints[..., :2], np.float64)
    inside = ((xy > errors.edge_px) & (xy < rig.size[camera, None] - errors.edge_px)).all(axis=2)
    side = (xyxy[:, 2:] - xyxy[:, :2]).max(axis=1) * np.where(cut.any(axis=1), joints.cut, 1.0) * factor
    return observe_bodies(
        rig.rotation[camera],
        rig.position[camera],
        rig.focal[camera],
        rig.plane(camera, xy),
        np.where(inside, keypoints[..., 2], 0.0),
        side,
        (errors.height_m, errors.height_sd_m),
        joints,
    )


def _first_guess(
    rotation: Float, position: Float, foot: Float, head: Float, cut: NDArray[np.bool_], height_m: float
) -> Float:
    """X, Y, H (n, 3) where the foot's ray meets the floor, or the head's the usual height; NaN where it does not."""
    at = np.where(cut[:, None], head, foot)
    xy = meets_level(rotation, position, at, np.where(cut, height_m, 0.0))
    return np.concatenate([xy, np.full((len(xy), 1), height_m)], axis=1)


def _seen_height(rotation: Float, position: Float, place: Float) -> Float:
    foot = _local(rotation, position, place, 0.0)
    head = _local(rotation, position, place, place[:, 2])
    depth = np.maximum(np.minimum(foot[:, 2], head[:, 2]), _LEAST_DEPTH_M)
    return np.abs(foot[:, 1] - head[:, 1]) / depth


def _across(
    start: Float, end: Float, left: NDArray[np.bool_], right: NDArray[np.bool_], tall: Float, errors: BoxErrors
) -> tuple[Float, Float]:
    """The middle across, and its standard deviation as a share of the height."""
    usual = errors.aspect * tall
    middle = np.where(left, np.maximum(end - usual / 2, (start + end) / 2 - usual), (start + end) / 2)
    middle = np.where(right, np.minimum(start + usual / 2, (start + end) / 2 + usual), middle)
    cut = left | right
    return middle, np.where(cut, np.hypot(errors.centre, errors.aspect_sd), errors.centre)


def _local(rotation: Float, position: Float, place: Float, height: Float | float) -> Float:
    point = np.concatenate([place[:, :2], np.broadcast_to(np.asarray(height), (len(place),))[:, None]], axis=1)
    return np.asarray((rotation @ (point - position)[..., None])[..., 0])


def _near(rotation: Float, position: Float, place: Float) -> Float:
    """One over the depth of the middle of a body."""
    return 1 / np.maximum(_local(rotation, position, place, place[:, 2] / 2)[:, 2], _LEAST_DEPTH_M)


def _towards(position: Float, place: Float) -> Float:
    """The unit vectors (n, 2) on the floor towards the camera, of length 0 right below it."""
    way = position[:, :2] - place[:, :2]
    return np.asarray(way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.5))


def _measure(
    rotation: Float, position: Float, place: Float, toward: Float, top: NDArray[np.bool_], bottom: NDArray[np.bool_]
) -> tuple[Float, Float, Float]:
    """Middle across, down and height (n, 3) of people at ``place``, the derivatives (n, 3, 3), the least depth (n,)."""
    ends, slopes, depths = [], [], []
    front = place + np.concatenate([toward, np.zeros((len(place), 1))], axis=1)
    for at_place, height, moves in ((front, 0.0, False), (place, place[:, 2], True)):
        local = _local(rotation, position, at_place, height)
        depth = np.maximum(local[:, 2], _LEAST_DEPTH_M)
        at = local[:, :2] / depth[:, None]
        # d(x / z) = (dx - (x / z) dz) / z, and d local / d (X, Y, H) are columns of the rotation.
        slope = (rotation[:, :2] - at[..., None] * rotation[:, 2:]) / depth[:, None, None]
        if not moves:
            slope[..., 2] = 0.0
        ends.append(at)
        slopes.append(slope)
        depths.append(local[:, 2])
    (foot, head), (foot_slope, head_slope) = ends, slopes
    down = np.where(bottom, 0.0, np.where(top, 1.0, 0.5))[:, None]  # the foot's share
    expected = np.stack(
        [
            (foot[:, 0] + head[:, 0]) / 2,
            down[:, 0] * foot[:, 1] + (1 - down[:, 0]) * head[:, 1],
            foot[:, 1] - head[:, 1],
        ],
        axis=1,
    )
    slope = np.stack(
        [
            (foot_slope[:, 0] + head_slope[:, 0]) / 2,
            down * foot_slope[:, 1] + (1 - down) * head_slope[:, 1],
            foot_slope[:, 1] - head_slope[:, 1],
        ],
        axis=1,
    )
    return expected, slope, np.minimum(*depths)
