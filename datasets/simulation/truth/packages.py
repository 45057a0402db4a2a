"""Where packages are in a picture, and how much of each is seen: those in hands, and the front row of the shelves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.scene import SceneState
from store.catalogue import Catalogue, Package
from store.layout import BOARD_M, PlacedSlot

Float = NDArray[np.float64]
Where = Literal["hand", "shelf"]

FIRST_ITEM: Final = 128  # of the ids in a rendered picture
_CORNERS: Final = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_GRID: Final = np.linspace(0.1, 0.9, 4)
_NEAR_M: Final = 0.6  # products whose slots' middles are nearer than this to a slot's are its neighbours


@dataclass(frozen=True, slots=True)
class SeenPackage:
    """One package in one picture.

    ``xyxy`` bounds the whole package, in pixels, and may exceed the picture; ``visible_share`` is the part of it that
    nothing hides; ``turned_deg`` the angle between the way to the camera and its front's normal (the lid's for a tray);
    ``pixels_per_metre`` what a metre across the view measures at its place; ``axes`` are how many pixels right, and
    then how many down, a metre along the package's width, depth and height goes there.
    """

    product: str
    where: Where
    xyxy: tuple[float, float, float, float]
    visible_share: float
    turned_deg: float
    pixels_per_metre: float
    axes: tuple[float, float, float, float, float, float]


def held_packages(
    camera: CameraModel, state: SceneState, ids: NDArray[np.uint8], catalogue: Catalogue
) -> list[SeenPackage]:
    """Packages in hands, baskets and trolleys that show at least a pixel; ``ids`` (H, W) are the picture's."""
    from cv2 import contourArea, convexHull

    counts = np.bincount(ids.ravel(), minlength=256)
    found = []
    for place, (name, pose) in enumerate(zip(state.item_product, state.item_pose, strict=True)):
        number = FIRST_ITEM + place
        if number > 254 or not counts[number]:
            continue
        product = catalogue.product(name)
        pixels = camera.project(_placed(_CORNERS, pose, product.size_m))
        if not np.isfinite(pixels).all():
            continue
        area = float(contourArea(convexHull(pixels.astype(np.float32))))
        share = min(float(counts[number]) / max(area * _FILL.get(product.package, 1.0), 1.0), 1.0)
        found.append(_seen(camera, name, "hand", pose, product.size_m, product.package, pixels, share))
    return found


def shelf_packages(
    camera: CameraModel, slots: Sequence[PlacedSlot], standing: Mapping[str, NDArray[np.float32]],
    ids: NDArray[np.uint8], catalogue: Catalogue,
) -> list[SeenPackage]:  # fmt: skip
    """The foremost package of every column of every slot, where its front faces the camera and lies in the picture.

    ``standing`` holds poses (n, 4, 4) by product. What hides a front: other packages of the shelf, the board above,
    and all that moves (``ids``). Walls and other furniture are the caller's concern.
    """
    width, height = camera.size
    found = []
    for slot in slots:
        product = catalogue.product(slot.slot.product)
        poses = _front_row(standing.get(product.id), slot)
        for pose in poses:
            pixels = camera.project(_placed(_CORNERS, pose, product.size_m))
            inside = np.isfinite(pixels).all() and (pixels > 0).all() and (pixels < (width, height)).all()
            if not inside:
                continue
            front = _placed(_front_points(product.package), pose, product.size_m)
            open_to = ~_under_board(camera.position, front, slot)
            at = camera.project(front).astype(np.int64)
            at = np.clip(at, 0, (width - 1, height - 1))
            open_to &= ids[at[:, 1], at[:, 0]] == 0
            for other in poses:
                if other is not pose:
                    open_to &= ~_behind(camera.position, front, other, product.size_m)
            share = float(open_to.mean())
            one = _seen(camera, product.id, "shelf", pose, product.size_m, product.package, pixels, share)
            if share > 0 and one.turned_deg < 80:
                found.append(one)
    return found


def slot_neighbours(slots: Sequence[PlacedSlot]) -> dict[str, tuple[str, ...]]:
    """The products that a reach to each product's slots may mean, itself first: by product id, nearest first."""
    middle = np.array([_middle(slot) for slot in slots])
    normal = np.array([slot.normal for slot in slots])
    names = [slot.slot.product for slot in slots]
    away: dict[str, dict[str, float]] = {name: {name: 0.0} for name in names}
    for place, name in enumerate(names):
        distance = np.linalg.norm(middle - middle[place], axis=1)
        for other in np.flatnonzero((distance < _NEAR_M) & (normal @ normal[place] > 0.5)):
            known = away[name].get(names[other], np.inf)
            away[name][names[other]] = min(known, float(distance[other]))
    return {name: tuple(sorted(near, key=near.__getitem__)) for name, near in away.items()}


# The share of the box around a package that the package itself fills in a picture, about.
_FILL: Final[Mapping[Package, float]] = {Package.BOTTLE: 0.75, Package.JAR: 0.85, Package.CAN: 0.9, Package.TUBE: 0.8}


def _placed(points: Float, pose: NDArray[np.floating], size_m: tuple[float, float, float]) -> Float:
    matrix = np.asarray(pose, np.float64)
    return np.asarray((points * size_m) @ matrix[:3, :3].T + matrix[:3, 3])


def _front_points(package: Package) -> Float:
    a, b = (grid.ravel() for grid in np.meshgrid(_GRID - 0.5, _GRID))
    if package is Package.TRAY:
        return np.column_stack([a, b - 0.5, np.full_like(a, 1.01)])
    return np.column_stack([a, np.full_like(a, -0.52), b])


def _seen(
    camera: CameraModel, name: str, where: Where, pose: NDArray[np.floating], size_m: tuple[float, float, float],
    package: Package, pixels: Float, share: float,
) -> SeenPackage:  # fmt: skip
    middle = _placed(np.array([[0.0, 0.0, 0.5]]), pose, size_m)[0]
    way = camera.position - middle
    distance = float(np.linalg.norm(way))
    normal = np.asarray(pose, np.float64)[:3, 2] if package is Package.TRAY else -np.asarray(pose, np.float64)[:3, 1]
    turned = float(np.degrees(np.arccos(np.clip(normal @ way / distance, -1.0, 1.0))))
    right = camera.rotation[0] * 0.05
    ends = camera.project(np.stack([middle - right, middle + right]))
    box = (*pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist())
    scale = float(np.linalg.norm(ends[1] - ends[0])) / 0.1
    steps = np.asarray(pose, np.float64)[:3, :3].T * 0.01
    along = (camera.project(middle + steps) - camera.project(middle - steps)) / 0.02
    a, b, c, d, e, f = along.T.ravel().tolist()
    return SeenPackage(name, where, box, share, turned, scale, (a, b, c, d, e, f))


def _front_row(poses: NDArray[np.float32] | None, slot: PlacedSlot) -> list[NDArray[np.float32]]:
    """The poses in the slot with nothing of the slot before them."""
    if poses is None or not len(poses):
        return []
    local = poses[:, :2, 3] - np.array(slot.corner[:2])
    along, inward, up = local @ np.array(slot.along), -local @ np.array(slot.normal), poses[:, 2, 3] - slot.corner[2]
    here = (along > 0) & (along < slot.width_m) & (inward > -0.05) & (inward < slot.depth_m)
    here &= (up > -0.05) & (up < min(slot.headroom_m, 1.0))
    rows = np.flatnonzero(here)
    return [
        poses[i]
        for i in rows
        if not any(
            inward[j] < inward[i] - 0.02 and abs(along[j] - along[i]) < 0.04 and abs(up[j] - up[i]) < 0.04 for j in rows
        )
    ]


def _under_board(eye: Float, points: Float, slot: PlacedSlot) -> NDArray[np.bool_]:
    """Which of ``points`` the board above the slot, as deep as the slot's own, hides from ``eye``."""
    board = slot.corner[2] + min(slot.headroom_m, 100.0) - BOARD_M / 2
    if eye[2] <= board or slot.headroom_m > 90:
        return np.zeros(len(points), np.bool_)
    at = points + (eye - points) * ((board - points[:, 2]) / (eye[2] - points[:, 2]))[:, None]
    out = (at[:, :2] - np.array(slot.corner[:2])) @ np.array(slot.normal)
    return np.asarray((out < 0) & (points[:, 2] < board))


def _behind(
    eye: Float, points: Float, pose: NDArray[np.floating], size_m: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Which of ``points`` the box of the package at ``pose`` hides from ``eye`` (slab test)."""
    matrix = np.asarray(pose, np.float64)
    centre = np.array([0.0, 0.0, size_m[2] / 2])
    half = np.array(size_m) / 2 * 0.97
    start = (eye - matrix[:3, 3]) @ matrix[:3, :3] - centre
    way = (points - eye) @ matrix[:3, :3]
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    one, two = (-half - start) / way, (half - start) / way
    enters, leaves = np.minimum(one, two).max(axis=1), np.maximum(one, two).min(axis=1)
    return np.asarray((enters < leaves) & (enters < 1 - 1e-6) & (leaves > 0))


def _middle(slot: PlacedSlot) -> list[float]:
    up = min(slot.headroom_m, 0.3) / 2
    return [
        slot.corner[0] + slot.along[0] * slot.width_m / 2,
        slot.corner[1] + slot.along[1] * slot.width_m / 2,
        slot.corner[2] + up,
    ]
