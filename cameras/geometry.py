"""How a camera maps the shop to its picture: OpenCV's pinhole model with Brown-Conrady distortion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from store.views import CameraView, PlanError

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CameraModel:
    """A calibrated camera.

    ``size`` is (width, height) in pixels, ``matrix`` (3, 3) the pinhole matrix, ``distortion`` (5,) OpenCV's
    k1, k2, p1, p2, k3. ``rotation`` (3, 3) turns shop axes to camera axes (x right, y down, z ahead) and ``position``
    (3,) is where the camera is, in metres.
    """

    camera: str
    size: tuple[int, int]
    matrix: Float
    distortion: Float
    rotation: Float
    position: Float

    @classmethod
    def of(cls, view: CameraView, size: tuple[int, int] | None = None) -> CameraModel:
        """The model of a plan's view, for pictures of ``size`` (the view's own by default).

        Raises ``PlanError`` where the view has no lens or pose.
        """
        if view.lens is None or view.pose is None:
            raise PlanError(f"camera {view.camera} needs a lens and a pose in the plan")
        width, height = size or view.size
        scale = np.array([width / view.size[0], height / view.size[1]])
        lens = view.lens
        focal = np.array(lens.focal(view.size[0]))
        centre = np.array(lens.centre_px if lens.centre_px is not None else (view.size[0] / 2, view.size[1] / 2))
        focal, centre = focal * scale, centre * scale
        matrix = np.array([[focal[0], 0.0, centre[0]], [0.0, focal[1], centre[1]], [0.0, 0.0, 1.0]])
        position = np.array(view.pose.position, np.float64)
        if view.pose.rotation is not None:
            rotation = np.array(view.pose.rotation, np.float64)
        else:
            assert view.pose.look_at is not None
            rotation = look_at(position, np.array(view.pose.look_at, np.float64), view.pose.roll_deg)
        return cls(view.camera, (width, height), matrix, np.array(lens.distortion, np.float64), rotation, position)

    def to_camera(self, xyz: Float) -> Float:
        """Shop points (..., 3) in the camera's axes (..., 3), metres."""
        return np.asarray((xyz - self.position) @ self.rotation.T)

    def project(self, xyz: Float) -> Float:
        """Pixels (..., 2) of shop points (..., 3) in metres; NaN for points behind the camera.

        Points far outside the picture are pulled to where the lens model still grows (``distort``).
        """
        local = self.to_camera(np.asarray(xyz, np.float64))
        ahead = local[..., 2] > 1e-6
        depth = np.where(ahead, local[..., 2], 1.0)[..., None]
        xy = distort(local[..., :2] / depth, self.distortion)
        pixels = xy * np.diag(self.matrix)[:2] + self.matrix[:2, 2]
        return np.asarray(np.where(ahead[..., None], pixels, np.nan))

    def rays(self, xy: Float) -> Float:
        """Unit directions (..., 3) in the shop of the rays through pixels (..., 2)."""
        plane = undistort((np.asarray(xy, np.float64) - self.matrix[:2, 2]) / np.diag(self.matrix)[:2], self.distortion)
        local = np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1)
        local /= np.linalg.norm(local, axis=-1, keepdims=True)
        return np.asarray(local @ self.rotation)

    def on_floor(self, xy: Float, height_m: float = 0.0) -> Float:
        """Where rays through pixels (..., 2) meet the plane z = ``height_m``: (..., 2) metres, NaN if they do not."""
        rays = self.rays(xy)
        down = rays[..., 2] * np.sign(height_m - self.position[2]) > 1e-9
        reach = np.where(down, (height_m - self.position[2]) / np.where(down, rays[..., 2], 1.0), np.nan)
        return np.asarray(self.position[:2] + rays[..., :2] * reach[..., None])


def look_at(position: Float, target: Float, roll_deg: float = 0.0) -> Float:
    """Rotation (3, 3) from shop to camera axes of a camera at ``position`` that looks at ``target``.

    A camera that looks straight down has the top of its picture towards +y.
    """
    z = (target - position) / np.linalg.norm(target - position)
    x = np.cross(z, [0.0, 0.0, 1.0])
    if np.linalg.norm(x) < 1e-6:
        x = np.array([1.0, 0.0, 0.0])
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    roll = math.radians(roll_deg)
    turned = np.array([math.cos(roll) * x + math.sin(roll) * y, -math.sin(roll) * x + math.cos(roll) * y, z])
    return np.asarray(turned, np.float64)


def largest_radius(distortion: Float) -> float:
    """The radius on the plane z = 1 up to which ``distortion`` grows with it; beyond, the model folds back.

    At most 10, which is 84 degrees off the middle.
    """
    k1, k2, _, _, k3 = distortion.tolist()
    return _largest_radius(k1, k2, k3)


@lru_cache(maxsize=256)
def _largest_radius(k1: float, k2: float, k3: float) -> float:
    # d/dr of r (1 + k1 r^2 + k2 r^4 + k3 r^6) = 0, in s = r^2; what is less than 1e-12 adds nothing up to s = 100.
    slope = np.array([7 * k3, 5 * k2, 3 * k1, 1.0])
    roots = np.roots(np.where(np.abs(slope) < 1e-12, 0.0, slope))
    real = roots[(np.abs(roots.imag) < 1e-6) & (roots.real > 0)].real
    return min(float(np.sqrt(real.min())) * 0.98, 10.0) if len(real) else 10.0


def distort(xy: Float, distortion: Float) -> Float:
    """Ideal points (..., 2) of the plane z = 1 to where the lens puts them (OpenCV, "Camera Calibration": Brown 1966).

    Beyond ``largest_radius`` the factor of that radius is kept, so that the picture never folds back.
    """
    xy = np.asarray(xy, np.float64)
    held, _ = _held(xy, largest_radius(distortion))
    return np.asarray(xy * _radial(_square(held), distortion) + _tangential(held, distortion))


def undistort(xy: Float, distortion: Float) -> Float:
    """The inverse of ``distort``: the radius from a table of what the lens does to it, then Newton's steps."""
    xy = np.array(xy, np.float64)
    if not np.any(distortion):
        return xy
    limit = largest_radius(distortion)
    radius = np.linalg.norm(xy, axis=-1, keepdims=True)
    largest = float(np.max(radius, initial=1e-6, where=np.isfinite(radius)))
    reach = largest
    while reach * float(_radial(min(reach, limit) ** 2, distortion)) < largest:
        reach *= 2.0
    # Fine where pictures are, coarse (in proportion) where a stray point may be.
    table = np.concatenate([np.linspace(0.0, 3.0, 4096), np.geomspace(3.0, max(reach, 3.1), 1024)[1:]])
    ideal_radius = np.interp(radius, table * _radial(np.minimum(table, limit) ** 2, distortion), table)
    ideal = xy * (ideal_radius / np.maximum(radius, 1e-12))
    for _ in range(_STEPS):
        step = _newton(ideal, xy - distort(ideal, distortion), distortion, limit)
        # No step beyond a tenth of the radius: near the largest radius the lens hardly grows, and a step would leap.
        long = np.linalg.norm(step, axis=-1, keepdims=True)
        most = 0.1 * np.linalg.norm(ideal, axis=-1, keepdims=True) + 1e-3
        ideal = ideal + step * np.minimum(1.0, most / np.maximum(long, 1e-12))
        if np.max(long, initial=0.0, where=np.isfinite(long)) < 1e-12:
            break
    return np.asarray(ideal)


_STEPS = 6


def _held(xy: Float, limit: float) -> tuple[Float, NDArray[np.bool_]]:
    """Points (..., 2) pulled in to the radius ``limit``, and which (..., 1) were."""
    radius = np.linalg.norm(xy, axis=-1, keepdims=True)
    outside = radius > limit
    return xy * np.where(outside, limit / np.maximum(radius, 1e-12), 1.0), outside


def _square(xy: Float) -> Float:
    return np.asarray((xy**2).sum(axis=-1, keepdims=True))


def _radial(s: Float | float, distortion: Float) -> Float:
    k1, k2, _, _, k3 = distortion
    return np.asarray(1 + s * (k1 + s * (k2 + s * k3)))


def _tangential(xy: Float, distortion: Float) -> Float:
    _, _, p1, p2, _ = distortion
    x, y, s = xy[..., :1], xy[..., 1:], _square(xy)
    return np.concatenate([2 * p1 * x * y + p2 * (s + 2 * x * x), p1 * (s + 2 * y * y) + 2 * p2 * x * y], axis=-1)


def _newton(xy: Float, missing: Float, distortion: Float, limit: float) -> Float:
    """By how much (..., 2) to move ``xy`` so that ``distort`` of it moves by ``missing``, to first order."""
    k1, k2, p1, p2, k3 = distortion
    held, outside = _held(xy, limit)
    s = _square(held)
    slope = np.where(outside, 0.0, 2 * (k1 + s * (2 * k2 + 3 * s * k3)))
    x, y = held[..., :1], held[..., 1:]
    # The tangential part is left out beyond the limit, where it is nearly level.
    inside = np.where(outside, 0.0, 1.0)
    radial = _radial(s, distortion)
    xx = radial + slope * x * x + inside * (2 * p1 * y + 6 * p2 * x)
    yy = radial + slope * y * y + inside * (6 * p1 * y + 2 * p2 * x)
    mixed = slope * x * y + inside * (2 * p1 * x + 2 * p2 * y)
    a, b = missing[..., :1], missing[..., 1:]
    return np.asarray(np.concatenate([yy * a - mixed * b, xx * b - mixed * a], axis=-1) / (xx * yy - mixed * mixed))
