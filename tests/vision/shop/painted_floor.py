"""A small room painted as its cameras see it: a tiled floor, and boxes that stand on it."""

from __future__ import annotations

import cv2
import numpy as np

from cameras.geometry import CameraModel, look_at
from store.layout import Floor, Plan
from tests.vision.shop.corner import tracks
from vision.detections import Detections
from vision.shop.evidence import Lying
from vision.shop.lying import LyingFinder
from vision.shop.moment import SeenPicture, ShopMoment

SIZE = (320, 240)
PLAN = Plan(store="room", floor=Floor(polygon=((0, 0), (4, 0), (4, 3), (0, 3))))
_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)])
_SIDES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (1, 3, 7, 5))


def camera(name: str, position: tuple[float, float, float]) -> CameraModel:
    """One without distortion that looks at the middle of the floor."""
    matrix = np.array([[210.0, 0.0, 160.0], [0.0, 210.0, 120.0], [0.0, 0.0, 1.0]])
    at = np.array(position)
    return CameraModel(name, SIZE, matrix, np.zeros(5), look_at(at, np.array([2.0, 1.5, 0.0])), at)


CAMERAS = (camera("a", (0.1, 0.1, 2.6)), camera("b", (3.9, 0.2, 2.6)), camera("c", (2.0, 2.9, 2.8)))


class Room:
    """``boxes`` are the (x, y) and the size of what stands on the floor, ``people`` where they are, ``light`` a factor
    of all grey values, ``blind`` the cameras that see no box.
    """

    def __init__(self) -> None:
        self.boxes: list[tuple[tuple[float, float], tuple[float, float, float]]] = []
        self.people: dict[int, tuple[float, float]] = {}
        self.light, self.blind = 1.0, frozenset[str]()
        self._time_s, self._random = 0.0, np.random.default_rng(3)
        self._floor = {each.camera: self._painted_floor(each) for each in CAMERAS}

    def watch(self, finder: LyingFinder, seconds: float) -> list[Lying]:
        """What ``finder`` tells while the room is as it is, at five moments a second."""
        found: list[Lying] = []
        for _ in range(round(seconds * 5)):
            self._time_s += 0.2
            pictures = {
                each.camera: SeenPicture(self._time_s, self._picture(each), Detections.empty(), np.zeros(0, np.int64))
                for each in CAMERAS
            }
            found += finder.update(ShopMoment(self._time_s, pictures, tracks(self.people)))
        return found

    def _picture(self, model: CameraModel) -> np.ndarray:
        image = self._floor[model.camera].copy()
        for xy, size in [] if model.camera in self.blind else self.boxes:
            points = model.project(_CORNERS * size + np.array([*xy, 0.0]))
            middle = np.linalg.norm(_CORNERS * size + np.array([*xy, 0.0]) - model.position, axis=1)
            for side in sorted(_SIDES, key=lambda side: -middle[list(side)].mean()):
                grey = 40 + 25 * _SIDES.index(side)
                cv2.fillConvexPoly(image, np.round(points[list(side)]).astype(np.int32), (grey, 60, 160))
        noise = self._random.normal(0.0, 2.0, image.shape)
        return np.clip(image * self.light + noise, 0, 255).astype(np.uint8)

    @staticmethod
    def _painted_floor(model: CameraModel) -> np.ndarray:
        u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
        place = np.nan_to_num(model.on_floor(np.stack([u, v], axis=-1).astype(float)), nan=-1.0)
        tile = np.floor(place / 0.5).astype(int).sum(axis=-1) % 2
        inside = ((place >= 0) & (place <= np.array([4.0, 3.0]))).all(axis=-1)
        grey = np.where(inside, 150 + 20 * tile, 90).astype(np.float32)
        return np.repeat(grey[..., None], 3, axis=-1)
