"""A small shelf painted as a camera sees it: packages with coloured fronts, boards, and who stands before it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from cameras.geometry import CameraModel, look_at
from store.furniture import Fixture, Shelf, Slot
from store.layout import Plan
from vision.detections import Detections
from vision.floor.tracks import FloorTracks
from vision.shop.moment import SeenPicture, ShopMoment

SIZE = (320, 180)
PACKAGE_M = (0.13, 0.06, 0.18)
COLUMNS, ROWS = 2, 4


def plan() -> Plan:
    """A gondola with its front towards +y: two shelves with three slots of two columns of four packages each."""
    slots = tuple(
        Slot(product=f"p{n}", at_m=0.02 + 0.32 * n, width_m=0.31, facings=COLUMNS, rows=ROWS) for n in range(3)
    )
    shelves = tuple(Shelf(z_m=z, depth_m=0.35, slots=slots) for z in (0.6, 1.0))
    gondola = Fixture(
        name="g", xy=(2.0, 0.225), heading_deg=90.0, length_m=1.0, depth_m=0.45, height_m=1.6, shelves=shelves
    )
    return Plan(store="painted", fixtures=(gondola,))


def camera(name: str, position: tuple[float, float, float]) -> CameraModel:
    """A camera without distortion that looks at the middle of the shelves."""
    matrix = np.array([[420.0, 0.0, 160.0], [0.0, 420.0, 90.0], [0.0, 0.0, 1.0]])
    at = np.array(position)
    return CameraModel(name, SIZE, matrix, np.zeros(5), look_at(at, np.array([2.0, 0.4, 0.95])), at)


CAMERAS = (camera("left", (3.4, 2.6, 2.4)), camera("right", (0.8, 2.4, 2.6)))


_painted: dict[tuple[object, ...], np.ndarray] = {}


@dataclass
class Shop:
    """``gone`` says how many packages are gone from each column, by slot id and column; ``foreign`` which columns have
    another product's package before them; ``light`` is a factor of all grey values.
    """

    gone: dict[tuple[str, int], int] = field(default_factory=dict)
    foreign: dict[tuple[str, int], int] = field(default_factory=dict)
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 3.0

    def picture(self, model: CameraModel, seed: int) -> np.ndarray:
        """What ``model`` sees, with noise drawn by ``seed``."""
        image = self._clean(model) * np.array(self.light, np.float32)
        noise = np.random.default_rng(seed).standard_normal(image.shape, np.float32)
        return np.clip(image + self.noise * noise, 0, 255).astype(np.uint8)

    def _clean(self, model: CameraModel) -> np.ndarray:
        key = (model.camera, tuple(self.gone.items()), tuple(self.foreign.items()))
        if key not in _painted:
            _painted[key] = self._paint(model)
        return _painted[key]

    def _paint(self, model: CameraModel) -> np.ndarray:
        image = np.full((SIZE[1], SIZE[0], 3), 150, np.uint8)
        for slot in plan().slots():
            _paint_board(image, model, slot)
        boxes = [box for slot in plan().slots() for box in self._boxes(slot)]
        # The farthest first.
        boxes.sort(key=lambda box: -float(np.linalg.norm(box[1] - model.position)))
        for look, middle, along, inward in boxes:
            _paint_box(image, model, look, middle, along, inward)
        return image

    def _boxes(self, slot):
        corner, along, inward = np.array(slot.corner), np.array([*slot.along, 0.0]), -np.array([*slot.normal, 0.0])
        own = int(slot.slot.product[1:])
        for column in range(COLUMNS):
            gone = self.gone.get((slot.id, column), 0)
            for row in range(gone, ROWS):
                base = corner + along * (column + 0.5) * slot.width_m / COLUMNS
                yield own, base + inward * (0.015 + row * (PACKAGE_M[1] + 0.008)), along, inward
            if (other := self.foreign.get((slot.id, column))) is not None:
                base = corner + along * (column + 0.5) * slot.width_m / COLUMNS
                yield other, base + inward * (0.015 + (gone - 1) * (PACKAGE_M[1] + 0.008)), along, inward


def _paint_board(image, model, slot):
    corner, along, inward = np.array(slot.corner), np.array([*slot.along, 0.0]), -np.array([*slot.normal, 0.0])
    wide, deep = along * (slot.width_m + 0.01), inward * slot.depth_m
    back = [corner + deep, corner + deep + wide, corner + deep + wide + [0, 0, 0.35], corner + deep + [0, 0, 0.35]]
    _fill(image, model, back, (60, 60, 65))
    _fill(image, model, [corner, corner + wide, corner + wide + deep, corner + deep], (205, 205, 200))


def _paint_box(image, model, look, front, along, inward):
    """``front`` is the middle of the lower edge of its front face."""
    width, depth, height = PACKAGE_M
    up = np.array([0.0, 0.0, 1.0])
    colours = np.random.default_rng(look + 40).integers(30, 230, (4, 3, 3))
    left = front - along * width / 2
    side = left if (model.position - front) @ along < 0 else left + along * width
    top = left + up * height
    base = tuple(int(c) for c in colours.reshape(-1, 3).mean(axis=0) * 0.7)
    _fill(image, model, [side, side + inward * depth, side + inward * depth + up * height, side + up * height], base)
    _fill(image, model, [top, top + along * width, top + along * width + inward * depth, top + inward * depth], base)
    for i in range(4):
        for j in range(3):
            a, b = left + along * width * j / 3 + up * height * i / 4, left + along * width * (j + 1) / 3
            corners = [a, b + up * height * i / 4, b + up * height * (i + 1) / 4, a + up * height / 4]
            _fill(image, model, corners, tuple(int(c) for c in colours[i, j]))


def _fill(image, model, corners, colour):
    pixels = np.round(model.project(np.array(corners)) * 16).astype(np.int32)
    cv2.fillConvexPoly(image, pixels, colour, cv2.LINE_AA, 4)


def moment(time_s: float, shop: Shop, standing: dict[str, tuple[int, int, int, int]] | None = None, seed: int = 0):
    """The moment ``time_s`` with somebody a metre before the shelf, whose box is ``standing`` in the cameras named."""
    pictures = {}
    for k, model in enumerate(CAMERAS):
        image = shop.picture(model, round(time_s * 10) * 10 + k + seed)
        people = Detections.empty()
        if standing and (box := standing.get(model.camera)) is not None:
            x1, y1, x2, y2 = box
            cv2.rectangle(image, (x1, y1), (x2, y2), (90, 60, 40), -1)
            people = Detections(np.array([box], np.float32), np.ones(1, np.float32))
        pictures[model.camera] = SeenPicture(time_s, image, people, np.zeros(len(people), np.int64))
    one = np.array([[2.0, 1.3, 0.0, 0.0]])
    tracks = FloorTracks.of(
        np.array([1]), one, np.eye(4)[None] * 0.01, np.ones(1), np.ones((1, len(CAMERAS)), np.bool_)
    )
    return ShopMoment(time_s, pictures, tracks)
