"""Where the cameras see the slots: every slot's front face as a small upright patch, sampled from a picture at once.

A patch shows the plane of a slot's front edge: its columns run along the slot, its rows from the top down to the board.
What stands deeper appears in it where the line from the camera crosses that plane (``SlotViews.deeper``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.furniture import Fixture, PlacedSlot, footprint
from store.layout import Plan

Float = NDArray[np.float64]
Patches = NDArray[np.uint8]

ROWS, COLUMNS = 20, 24  # of a patch
HIGHEST_M = 0.4  # what is seen of a slot above which there is no board
FLATTEST = 0.17  # the sine of the angle between a line of sight and the slot's front: 10 degrees
NARROWEST_PX = 5.0
SMALLEST_PX2 = 70.0
SEEN_SHARE = 0.75  # of a patch that must be inside the picture, and nothing before it


@dataclass(frozen=True, eq=False)
class SlotViews:
    """The n slots that one camera sees.

    ``slots`` are their places among the plan's slots, int64 (n,). ``pixels`` float32 (n, ROWS, COLUMNS, 2) is where
    each point of a patch is in the picture, ``seen`` bool (n, ROWS, COLUMNS) whether it is inside and nothing of the
    furniture before it. ``eye`` (n, 3) is the camera beside the left end of the slot, before its front and above its
    board, ``extent`` (n, 2) width and height of the patch; metres. ``scale`` (n,) pixels of the picture to a metre.
    """

    camera: str
    slots: NDArray[np.int64]
    pixels: NDArray[np.float32]
    seen: NDArray[np.bool_]
    eye: Float
    extent: Float
    scale: Float
    maps: tuple[NDArray[np.int16], NDArray[np.uint16]]

    @classmethod
    def of(cls, plan: Plan, camera: CameraModel) -> SlotViews:
        """The slots of ``plan`` that ``camera`` sees well enough."""
        slots = plan.slots()
        fixtures = {fixture.name: fixture for fixture in plan.fixtures}
        views = [(i, *_view(slot, camera, fixtures)) for i, slot in enumerate(slots) if _faces(slot, camera)]
        views = [view for view in views if view[2].mean() >= SEEN_SHARE and _large(view[1])]
        pixels = np.array([v[1] for v in views], np.float32).reshape(-1, ROWS, COLUMNS, 2)
        kept = [slots[v[0]] for v in views]
        extent = np.array([extent_of(slot) for slot in kept]).reshape(-1, 2)
        return cls(
            camera.camera,
            np.array([v[0] for v in views], np.int64),
            pixels,
            np.array([v[2] for v in views], np.bool_).reshape(-1, ROWS, COLUMNS),
            np.array([_eye(slot, camera) for slot in kept]).reshape(-1, 3),
            extent,
            np.array([_area(v[1]) for v in views]) ** 0.5 / np.sqrt(extent.prod(axis=1)),
            _fixed(pixels),
        )

    def __len__(self) -> int:
        return len(self.slots)

    def patches(self, image: NDArray[np.uint8], rows: NDArray[np.int64]) -> Patches:
        """The patches (k, ROWS, COLUMNS, 3) of ``rows`` (k,) of the views, from a picture (H, W, 3)."""
        return self._sampled(image, rows, cv2.INTER_LINEAR)

    def free(self, covered: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which points (k, ROWS, COLUMNS) of ``rows`` are seen and not under ``covered`` (H, W), a mask."""
        return np.asarray(self.seen[rows] & (self._sampled(covered, rows, cv2.INTER_NEAREST) == 0))

    def _sampled(self, image: NDArray[np.uint8], rows: NDArray[np.int64], how: int) -> NDArray[np.uint8]:
        whole, parts = (part[rows].reshape(-1, COLUMNS, *part.shape[3:]) for part in self.maps)
        flat = cv2.remap(image, whole, parts, how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(flat, np.uint8).reshape(len(rows), ROWS, COLUMNS, *image.shape[2:])

    def deeper(self, row: int, depth_m: float) -> Float:
        """Where the points of a plane ``depth_m`` behind the front of the slot in ``row`` appear in its patch.

        A (2, 3) matrix from a point of the patch (column, row) to where the point as far along and as high, but
        deeper, is seen: the line from the eye to it, cut with the plane of the front.
        """
        along, before, above = self.eye[row]
        share = depth_m / (before + depth_m)
        width, height = self.extent[row]
        column = along / width * COLUMNS - 0.5
        line = (1.0 - above / height) * ROWS - 0.5
        return np.array([[1.0 - share, 0.0, share * column], [0.0, 1.0 - share, share * line]])


def extent_of(slot: PlacedSlot) -> tuple[float, float]:
    """Width and height of a slot's patch in metres."""
    return slot.width_m, min(slot.headroom_m, HIGHEST_M)


def front_of(slot: PlacedSlot) -> tuple[float, float, float]:
    """The middle of a slot's front, 10 cm above its board: x, y, z in metres."""
    x, y = (slot.corner[i] + slot.along[i] * slot.width_m / 2 for i in (0, 1))
    return x, y, slot.corner[2] + 0.1


def stand_before(xy: Float, front: Float, normal: Float, within_m: float) -> NDArray[np.bool_]:
    """Which people at ``xy`` (n, 2) stand within ``within_m`` of which slots' ``front`` (s, 2), all in metres, on the
    side that ``normal`` (s, 2) points to: (n, s).
    """
    way = xy[:, None] - front
    return np.asarray((np.linalg.norm(way, axis=2) <= within_m) & ((way * normal).sum(axis=2) > 0))


def _fixed(pixels: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """OpenCV's maps in fixed point: whole pixels (n, ROWS, COLUMNS, 2) and parts of them (n, ROWS, COLUMNS)."""
    if not len(pixels):
        return np.zeros((0, ROWS, COLUMNS, 2), np.int16), np.zeros((0, ROWS, COLUMNS), np.uint16)
    flat = pixels.reshape(-1, COLUMNS, 2)
    whole, parts = cv2.convertMaps(np.ascontiguousarray(flat[..., 0]), np.ascontiguousarray(flat[..., 1]), cv2.CV_16SC2)
    return (
        np.asarray(whole, np.int16).reshape(-1, ROWS, COLUMNS, 2),
        np.asarray(parts, np.uint16).reshape(-1, ROWS, COLUMNS),
    )


def _axes(slot: PlacedSlot) -> tuple[Float, Float, Float]:
    return np.array(slot.corner), np.array([*slot.along, 0.0]), np.array([*slot.normal, 0.0])


def _eye(slot: PlacedSlot, camera: CameraModel) -> Float:
    corner, along, normal = _axes(slot)
    offset = camera.position - corner
    return np.array([offset @ along, offset @ normal, offset[2]])


def _faces(slot: PlacedSlot, camera: CameraModel) -> bool:
    width, height = extent_of(slot)
    offset = _eye(slot, camera) - np.array([width / 2, 0.0, height / 2])
    return bool(offset[1] / np.linalg.norm(offset) >= FLATTEST)


def _view(
    slot: PlacedSlot, camera: CameraModel, fixtures: Mapping[str, Fixture]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    corner, along, _ = _axes(slot)
    width, height = extent_of(slot)
    u = (np.arange(COLUMNS) + 0.5) / COLUMNS * width
    z = (1.0 - (np.arange(ROWS) + 0.5) / ROWS) * height
    points = corner + u[None, :, None] * along + z[:, None, None] * np.array([0.0, 0.0, 1.0])
    pixels = camera.project(points)
    size = np.array(camera.size)
    ahead = np.isfinite(pixels).all(axis=-1)
    inside = ahead & (np.nan_to_num(pixels, nan=-1.0) >= 1.0).all(axis=-1)
    inside &= (np.nan_to_num(pixels, nan=np.inf) <= size - 2.0).all(axis=-1)
    others = [fixture for name, fixture in fixtures.items() if name != slot.fixture]
    hidden = _hidden(camera.position, points, others)
    return np.nan_to_num(pixels, nan=-1.0).astype(np.float32), np.asarray(inside & ~hidden)


def _area(pixels: NDArray[np.float32]) -> float:
    corners = pixels[[0, 0, -1, -1], [0, -1, -1, 0]].astype(np.float64)
    x, y = corners.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _large(pixels: NDArray[np.float32]) -> bool:
    corners = pixels[[0, 0, -1, -1], [0, -1, -1, 0]].astype(np.float64)
    longest = float(np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).max())
    area = _area(pixels)
    return area >= SMALLEST_PX2 and area / max(longest, 1e-6) >= NARROWEST_PX


def _hidden(eye: Float, points: Float, fixtures: Sequence[Fixture]) -> NDArray[np.bool_]:
    """Which points (...) have one of the fixtures, as a full block, between them and ``eye`` (the slab test)."""
    hidden = np.zeros(points.shape[:-1], np.bool_)
    for fixture in fixtures:
        corners = np.array(footprint(fixture))
        ahead, aside = corners[0] - corners[1], corners[0] - corners[3]
        axes = [ahead / np.linalg.norm(ahead), aside / np.linalg.norm(aside)]
        enter, leave = np.zeros(hidden.shape), np.ones(hidden.shape)
        spans = [(a, *sorted((float(corners[2] @ a), float(corners[0] @ a)))) for a in axes]
        for axis, low, high in [*((np.array([*a, 0.0]), b, c) for a, b, c in spans), (_UP, 0.0, fixture.height_m)]:
            start, way = float(eye @ axis), (points - eye) @ axis
            way = np.where(np.abs(way) < 1e-12, 1e-12, way)
            a, b = (low - start) / way, (high - start) / way
            enter, leave = np.maximum(enter, np.minimum(a, b)), np.minimum(leave, np.maximum(a, b))
        hidden |= enter < leave
    return hidden


_UP = np.array([0.0, 0.0, 1.0])
