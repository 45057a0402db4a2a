"""A camera that was turned, noticed by its picture: what stands still is seen elsewhere than when it was calibrated.

Kept of the reference are places and descriptors of corners, no picture. A turn moves every ray alike, whatever its
length, so that no depth is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.calibration.errors import BadFileError, CalibrationError
from cameras.geometry import CameraModel

Float = NDArray[np.float64]
Picture = NDArray[np.uint8]

FEATURES: Final = 800
_RATIO: Final = 0.8  # Lowe 2004: the best match must be this much better than the second
_TRIALS: Final = 300
_NEAR_DEG: Final = 0.35
_LEAST: Final = 15
_STAYS_PX: Final = 2.0


class PlainSceneryError(CalibrationError):
    """The pictures show too little that a turn could be told from."""


@dataclass(frozen=True, eq=False)
class SceneryTurn:
    """``angle_deg`` by which the camera is turned, ``vector_deg`` (3,) about its own axes; ``matches`` corners agree,
    of ``tried``. None of it is meaningful where ``lost``: too few corners were found again.
    """

    vector_deg: Float
    angle_deg: float
    matches: int
    tried: int
    lost: bool


@dataclass(frozen=True, eq=False)
class Scenery:
    """The reference of one camera: ``xy`` (n, 2) pixels of ``model``'s size and ``descriptors`` uint8 (n, 32)."""

    model: CameraModel
    xy: Float
    descriptors: NDArray[np.uint8]

    @classmethod
    def of(cls, model: CameraModel, pictures: Sequence[Picture]) -> Scenery:
        """The corners that stay where they are in all of ``pictures`` uint8 (H, W, 3): people and their like do not.

        Blurred pictures do. Raises ``PlainSceneryError`` where too few corners are left.
        """
        if not pictures:
            raise PlainSceneryError(f"camera {model.camera}: no picture to take a reference from")
        xy, words = _corners(pictures[0], model)
        for picture in pictures[1:]:
            other, others = _corners(picture, model)
            stays = np.zeros(len(xy), np.bool_)
            for mine, theirs in _matched(words, others):
                stays[mine] |= bool(np.linalg.norm(xy[mine] - other[theirs]) < _STAYS_PX)
            xy, words = xy[stays], words[stays]
        if len(xy) < 2 * _LEAST:
            raise PlainSceneryError(
                f"camera {model.camera}: {len(xy)} corners stand still in the reference pictures, {2 * _LEAST} are "
                "needed: take sharper pictures, or rely on people walking"
            )
        return cls(model, xy, words)

    def save(self, path: Path) -> None:
        """Write the places and descriptors, and the size they belong to, as NumPy's ``.npz``."""
        with path.open("wb") as file:
            np.savez(file, xy=self.xy, descriptors=self.descriptors, size=np.array(self.model.size))

    @classmethod
    def load(cls, path: Path, model: CameraModel) -> Scenery:
        """Read what ``save`` wrote. Raises ``BadFileError``."""
        try:
            with np.load(path, allow_pickle=False) as held:
                xy, words = held["xy"].astype(np.float64), held["descriptors"].astype(np.uint8)
                size = (int(held["size"][0]), int(held["size"][1]))
        except (OSError, ValueError, KeyError) as error:
            raise BadFileError(f"reference {path} cannot be read ({error}); make it anew") from None
        if size != model.size:
            raise BadFileError(
                f"reference {path} is of pictures of {size[0]}x{size[1]}, not {model.size}; make it anew"
            )
        return cls(model, xy, words)

    def compare(self, picture: Picture) -> SceneryTurn:
        """By how much the camera that takes ``picture`` is turned against the reference."""
        xy, words = _corners(picture, self.model)
        pairs = _matched(self.descriptors, words)
        if len(pairs) < _LEAST:
            return SceneryTurn(np.zeros(3), 0.0, 0, len(pairs), True)
        mine, theirs = np.array(pairs).T
        # A camera turned by R sees at R r what was seen at r, both in its own axes.
        before = _local(self.model, self.xy[mine])
        after = _local(self.model, xy[theirs])
        rotation, good = _turn_between(before, after)
        vector = np.degrees(np.asarray(cv2.Rodrigues(rotation)[0], np.float64).ravel())
        lost = int(good.sum()) < max(_LEAST, round(0.2 * len(pairs)))
        return SceneryTurn(vector, float(np.linalg.norm(vector)), int(good.sum()), len(pairs), lost)


def _corners(picture: Picture, model: CameraModel) -> tuple[Float, NDArray[np.uint8]]:
    height, width = picture.shape[:2]
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    # By ORB (Rublee 2011); light that changes is evened out first.
    even = cv2.createCLAHE(2.0, (8, 8)).apply(gray)
    finder: Any = cv2.ORB.create(nfeatures=FEATURES, fastThreshold=7)
    points, words = finder.detectAndCompute(even, None)
    if words is None:
        return np.zeros((0, 2)), np.zeros((0, 32), np.uint8)
    xy = np.array([point.pt for point in points], np.float64)
    return xy * (np.array(model.size) / (width, height)), np.asarray(words, np.uint8)


def _matched(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> list[tuple[int, int]]:
    if len(one) < 2 or len(other) < 2:
        return []
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(one, other, k=2)
    return [(a.queryIdx, a.trainIdx) for a, b in found if a.distance < _RATIO * b.distance and a.distance < 64]


def _local(model: CameraModel, xy: Float) -> Float:
    return np.asarray(model.rays(xy) @ model.rotation.T)


def _turn_between(before: Float, after: Float) -> tuple[Float, NDArray[np.bool_]]:
    """The rotation (3, 3) that takes most unit vectors ``before`` (n, 3) to ``after``, and which it does.

    Two pairs tell a rotation (Kabsch 1976); of many tries the one that most others follow, then all that do.
    """
    rng = np.random.default_rng(len(before))
    near = math.radians(_NEAR_DEG)
    best, most = np.eye(3), np.zeros(len(before), np.bool_)
    for _ in range(_TRIALS):
        pair = rng.choice(len(before), 2, replace=False)
        rotation = _kabsch(before[pair], after[pair])
        good = np.linalg.norm(before @ rotation.T - after, axis=1) < near
        if good.sum() > most.sum():
            best, most = rotation, good
    for _ in range(3):
        if most.sum() >= 3:
            best = _kabsch(before[most], after[most])
            most = np.linalg.norm(before @ best.T - after, axis=1) < near
    return best, most


def _kabsch(before: Float, after: Float) -> Float:
    u, _, vt = np.linalg.svd(after.T @ before)
    sign = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    return np.asarray(u @ sign @ vt)
