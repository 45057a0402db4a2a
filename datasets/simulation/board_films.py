"""Simulated footage of somebody who shows a calibration board to a camera and lays it on the floor.

Every pixel's ray is followed through the lens to the board and the floor: exact, apart from what is added on purpose
(softness, shading, motion blur, noise, H.264).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.filming.footage import VideoFootage

Float = NDArray[np.float64]
Gray = NDArray[np.uint8]

FINER: Final = 2  # rays a pixel, each way
SUBFRAMES: Final = 3  # of a moving board's exposure
SHUTTER_S: Final = 1 / 60
NOISE: Final = 2.5
SOFTNESS_PX: Final = 0.6
START: Final = 1767254400.0


@dataclass(frozen=True, eq=False)
class BoardPose:
    """A board in the shop: ``corner`` (3,) its printed upper left one, ``along`` and ``down`` (3,) unit vectors."""

    corner: Float
    along: Float
    down: Float

    @classmethod
    def on_floor(cls, x_m: float, y_m: float, heading_deg: float) -> BoardPose:
        """Face up on the floor, its upper edge along the heading."""
        turn = math.radians(heading_deg)
        along, down = (math.cos(turn), math.sin(turn), 0.0), (math.sin(turn), -math.cos(turn), 0.0)
        return cls(np.array([x_m, y_m, 0.0]), np.array(along), np.array(down))


class BoardFilm:
    """Draws a board, ``picture`` uint8 (H, W) at ``px_per_m`` with a margin of ``margin_m``, as ``camera`` sees it."""

    def __init__(self, camera: CameraModel, picture: Gray, px_per_m: float, margin_m: float, seed: int) -> None:
        self._camera, self._margin = camera, margin_m
        self._rng = np.random.default_rng([seed, 0xB0A2D])
        # Coarser copies, so that far boards are not sampled between their points.
        self._levels = [(picture.astype(np.float32), px_per_m)]
        while min(self._levels[-1][0].shape) > 64:
            image, scale = self._levels[-1]
            smaller = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
            self._levels.append((np.asarray(smaller, np.float32), scale * smaller.shape[1] / image.shape[1]))
        self._size_m = picture.shape[1] / px_per_m, picture.shape[0] / px_per_m
        self._plane = self._rays()
        self._still = self._background()

    def _rays(self) -> NDArray[np.float32]:
        """Where each finer pixel's ray meets the plane z = 1 before the camera: (H * FINER, W * FINER, 2)."""
        width, height = self._camera.size
        across, down = ((np.arange(n * FINER) + 0.5) / FINER - 0.5 for n in (width, height))
        pixels = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 1, 2)
        precise = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-10)
        found = cv2.undistortPoints(
            pixels, self._camera.matrix, self._camera.distortion, None, None, None, criteria=precise
        )
        return np.asarray(found, np.float32).reshape(height * FINER, width * FINER, 2)

    def _background(self) -> NDArray[np.float32]:
        """The empty room: a floor of mottled tiles, walls beyond it."""
        coarse = self._plane[FINER // 2 :: FINER, FINER // 2 :: FINER].astype(np.float64)
        local = np.concatenate([coarse, np.ones((*coarse.shape[:2], 1))], axis=-1)
        rays = local @ self._camera.rotation
        reach = np.where(rays[..., 2] < -0.05, -self._camera.position[2] / np.minimum(rays[..., 2], -0.05), np.nan)
        floor = self._camera.position[:2] + rays[..., :2] * reach[..., None]
        tile = np.floor(np.nan_to_num(floor) / 0.4).astype(np.int64)
        tone = 120.0 + 14.0 * ((tile[..., 0] * 7 + tile[..., 1] * 13) % 5 - 2)
        grout = (np.abs(np.nan_to_num(floor) / 0.4 - tile - 0.5) > 0.485).any(axis=-1)
        image = np.where(np.isnan(reach), 165.0, np.where(grout, 80.0, tone))
        mottle = self._rng.normal(0, 20, (self._camera.size[1] // 8 + 1, self._camera.size[0] // 8 + 1))
        return np.asarray(image + cv2.resize(mottle, self._camera.size, interpolation=cv2.INTER_CUBIC), np.float32)

    def picture(self, poses: Sequence[BoardPose], hand: tuple[float, float] | None = None) -> NDArray[np.uint8]:
        """A picture (H, W, 3) BGR: the mean over the poses of one exposure. ``hand`` covers a place (shares of the
        board's sides) of it.
        """
        sharp: Any = np.mean([self._drawn(pose, hand) for pose in poses], axis=0, dtype=np.float32)
        image: Any = cv2.GaussianBlur(sharp, (0, 0), SOFTNESS_PX)
        height, width = image.shape
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        image = image * (1.0 - 0.12 * (x * x + y * y) + 0.06 * x)  # darker to the corners and to one side
        tint = np.array([0.96, 1.0, 1.03], np.float32)
        noise = self._rng.standard_normal((height, width, 3), np.float32) * NOISE
        return np.asarray(np.clip(image[..., None] * tint + noise, 0, 255), np.uint8)

    def _drawn(self, pose: BoardPose, hand: tuple[float, float] | None) -> NDArray[np.float32]:
        image = self._still.copy()
        camera = self._camera
        turned = np.column_stack([pose.along, pose.down, pose.corner - camera.position])
        matrix = camera.rotation @ turned  # from board (x, y, 1) to the camera's axes
        area = self._area(matrix)
        if area is None:
            return image
        x1, y1, x2, y2 = area
        rays = self._plane[y1 * FINER : y2 * FINER, x1 * FINER : x2 * FINER]
        back = np.linalg.inv(matrix)
        whole = rays.astype(np.float64) @ back[:, :2].T + back[:, 2]
        board = whole[..., :2] / whole[..., 2:] + self._margin
        ahead = whole[..., 2] > 0
        inside = (board >= 0).all(axis=-1) & (board < self._size_m).all(axis=-1) & ahead
        if not inside.any():
            return image
        # Metres of board a finer pixel, to choose how coarse a copy is read.
        steps = np.abs(np.diff(board, axis=1)).max(axis=-1)[inside[:, 1:]]
        step_m = float(np.median(steps)) if len(steps) else 1e-3
        texture, scale = next(
            ((t, s) for t, s in reversed(self._levels) if 1 / s <= max(step_m, 1 / self._levels[0][1])), self._levels[0]
        )
        at = (board * scale - 0.5).astype(np.float32)
        read = cv2.remap(texture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # A board that faces the light from above is brighter.
        normal = np.cross(pose.down, pose.along)
        bright = 0.72 + 0.22 * abs(float(normal[2]))
        shown = 18.0 + read * (bright * 0.85)
        if hand is not None:
            away = (board / self._size_m - hand) * (1.0, self._size_m[1] / self._size_m[0])
            shown = np.where((away**2).sum(axis=-1) < 0.09**2, 110.0, shown)
        under = np.repeat(np.repeat(image[y1:y2, x1:x2], FINER, axis=0), FINER, axis=1)
        finer = np.where(inside, shown, under).astype(np.float32)
        image[y1:y2, x1:x2] = cv2.resize(finer, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
        return image

    def _area(self, matrix: Float) -> tuple[int, int, int, int] | None:
        """The pixels x1, y1, x2, y2 that the board may cover."""
        width_m, height_m = self._size_m
        rim = np.linspace(0, 1, 12)
        edge = [(x, y) for t in rim for x, y in ((t, 0.0), (t, 1.0), (0.0, t), (1.0, t))]
        points = np.array(edge) * (width_m, height_m) - self._margin
        local = np.column_stack([points, np.ones(len(points))]) @ matrix.T
        if (local[:, 2] < 0.1).any():
            return None
        shop = local @ self._camera.rotation + self._camera.position
        pixels = self._camera.project(shop)
        width, height = self._camera.size
        x1, y1 = np.floor(np.clip(pixels.min(axis=0) - 4, 0, (width, height))).astype(int).tolist()
        x2, y2 = np.ceil(np.clip(pixels.max(axis=0) + 4, 0, (width, height))).astype(int).tolist()
        return (x1, y1, x2, y2) if x2 - x1 > 2 and y2 - y1 > 2 else None


def shown_about(
    camera: CameraModel, size_m: tuple[float, float], seconds: float, seed: int
) -> Callable[[float], BoardPose]:
    """Poses over time of a board carried through the picture, near and far, tilted to all sides."""
    rng = np.random.default_rng([seed, 0x5405])
    count = max(4, round(seconds / 1.4))
    knots = np.linspace(0.0, seconds, count)
    width, height = camera.size
    # Stations all over the picture, in a shuffled order.
    columns, rows = 4, 3
    grid = [(c, r) for r in range(rows) for c in range(columns)]
    order = [grid[n] for _ in range(-(-count // len(grid))) for n in rng.permutation(len(grid))][:count]
    pixels = (np.array(order) + rng.uniform(0.15, 0.85, (count, 2))) / (columns, rows) * (width, height)
    depth = rng.uniform(1.0, 2.6, count) * max(size_m) / 0.7
    middle = camera.position + camera.rays(pixels) * depth[:, None]
    tilt = rng.uniform(-0.75, 0.75, (count, 2))
    roll = rng.uniform(-0.5, 0.5, count)

    def at(time_s: float) -> BoardPose:
        values = np.column_stack([middle, tilt, roll])
        # Smooth between stations: half a cosine each.
        n = min(int(np.searchsorted(knots, time_s, side="right")) - 1, count - 2)
        part = np.clip((time_s - knots[n]) / (knots[n + 1] - knots[n]), 0.0, 1.0)
        part = 0.5 - 0.5 * math.cos(math.pi * part)
        x, y, z, left, up, spin = values[n] + (values[n + 1] - values[n]) * part
        centre = np.array([x, y, z])
        towards = camera.position - centre
        away = -towards / np.linalg.norm(towards)
        across = np.cross(away, [0.0, 0.0, 1.0])
        if np.linalg.norm(across) < 0.2:
            across = camera.rotation[0] - away * (camera.rotation[0] @ away)
        across /= np.linalg.norm(across)
        below = np.cross(away, across)
        turn = cv2.Rodrigues(across * up + below * left + away * spin)[0]
        along, down = turn @ across, turn @ below
        return BoardPose(centre - along * size_m[0] / 2 - down * size_m[1] / 2, along, down)

    return at


def film_board(
    path: Path,
    film: BoardFilm,
    camera: CameraModel,
    size_m: tuple[float, float],
    places: Sequence[tuple[float, float, float]],
    *,
    seed: int,
    seconds: float = 20.0,
    still_s: float = 2.5,
    rate_hz: float = 6.0,
) -> int:
    """Write an H.264 video: the board shown about for ``seconds``, then lying ``still_s`` at each of ``places``
    (x, y, degrees). Return the number of pictures.
    """
    count = 0
    with VideoFootage(path, camera.size, rate_hz, START) as footage:
        for image in film_pictures(
            film, camera, size_m, places, seed=seed, seconds=seconds, still_s=still_s, rate_hz=rate_hz
        ):
            footage.write(image, count / rate_hz)
            count += 1
    return count


def film_pictures(
    film: BoardFilm,
    camera: CameraModel,
    size_m: tuple[float, float],
    places: Sequence[tuple[float, float, float]],
    *,
    seed: int,
    seconds: float,
    still_s: float,
    rate_hz: float,
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of ``film_board``."""
    at = shown_about(camera, size_m, seconds, seed)
    rng = np.random.default_rng([seed, 0x4A2D])
    for number in range(round(seconds * rate_hz)):
        time_s = number / rate_hz
        exposure = [at(time_s + part * SHUTTER_S) for part in np.linspace(0, 1, SUBFRAMES)]
        hand = (float(rng.choice([0.02, 0.98])), float(rng.uniform(0.2, 0.8)))
        yield film.picture(exposure, hand)
    for place in places:
        lying = BoardPose.on_floor(*place)
        for _ in range(round(still_s * rate_hz)):
            yield film.picture([lying])
