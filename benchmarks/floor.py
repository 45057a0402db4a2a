"""What following people over the floor costs: CPU a detection with 8 cameras and with 32, and against a detector's.

Boxes are made up: a square hall of cameras that look inwards, people who walk about, a detector's usual errors. The
hall grows with the cameras, so that each camera sees as many people: with 32 cameras there are four times the people
and four times the detections. Both sizes run by turns; medians of CPU time. The detector is the shipped one, its
network alone, on a picture of noise.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Finding, milliseconds
from cameras.geometry import CameraModel, look_at
from models.people import open_person_detector
from vision.detections import Detections
from vision.floor import FloorTracker

SIZE = (1280, 720)
CELL_M = 8.0
PEOPLE = 2.5  # a camera
MOMENTS = 30
RATE_HZ = 5.0
SEES_M = 7.0


def hall(cameras: int) -> tuple[list[CameraModel], float]:
    """``cameras`` cameras in fours around cells of a hall, and the hall's side in metres."""
    cells = max(cameras // 4, 1)
    across = int(np.ceil(np.sqrt(cells)))
    models = []
    for number in range(cameras):
        cell, corner = divmod(number, 4)
        middle = CELL_M * (np.array(divmod(cell, across)) + 0.5)
        position = np.array([*(middle + CELL_M / 2 * np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)][corner])), 2.8])
        matrix = np.array([[700.0, 0, SIZE[0] / 2], [0, 700.0, SIZE[1] / 2], [0, 0, 1]])
        rotation = look_at(position, np.array([*middle, 0.8]))
        models.append(CameraModel(f"c{number}", SIZE, matrix, np.zeros(5), rotation, position))
    return models, CELL_M * across


def crowd(models: list[CameraModel], side: float, seed: int) -> list[dict[str, Detections]]:
    """What the cameras see of people who walk about: everybody in the picture and near enough, with errors."""
    rng = np.random.default_rng(seed)
    count = round(PEOPLE * len(models))
    place, turn = rng.uniform(0.5, side - 0.5, (count, 2)), rng.uniform(0, 2 * np.pi, count)
    moments = []
    for _ in range(MOMENTS):
        turn += rng.normal(0, 0.2, count)
        place = np.clip(place + np.column_stack([np.cos(turn), np.sin(turn)]) / RATE_HZ, 0.3, side - 0.3)
        moments.append({model.camera: _seen(model, place, rng) for model in models})
    return moments


def _seen(model: CameraModel, place: NDArray[np.float64], rng: np.random.Generator) -> Detections:
    near = place[np.linalg.norm(place - model.position[:2], axis=1) < SEES_M]
    low = model.project(np.column_stack([near, np.zeros(len(near))]))
    high = model.project(np.column_stack([near, np.full(len(near), 1.7)]))
    tall = low[:, 1] - high[:, 1]
    middle = (low + high) / 2 + rng.normal(size=low.shape) * 0.03 * tall[:, None]
    half = np.column_stack([0.15 * tall, tall / 2])
    found = ((middle > 0) & (middle < SIZE)).all(axis=1) & (rng.random(len(near)) > 0.1)
    boxes = np.concatenate([middle - half, middle + half], axis=1)[found].clip(0, [*SIZE, *SIZE])
    return Detections(boxes.astype(np.float32), np.ones(len(boxes), np.float32))


def cost(models: list[CameraModel], moments: list[dict[str, Detections]]) -> tuple[float, float, float]:
    """CPU seconds a detection, CPU seconds a camera's picture, detections a picture; of all but the first moment."""
    tracker = FloorTracker(models)
    tracker.update(0.0, moments[0])
    start = time.process_time()
    for t, seen in enumerate(moments[1:], 1):
        tracker.update(t / RATE_HZ, seen)
    spent = time.process_time() - start
    boxes = sum(len(each) for moment in moments[1:] for each in moment.values())
    pictures = len(models) * (len(moments) - 1)
    return spent / boxes, spent / pictures, boxes / pictures


def detector_cost() -> float:
    """CPU seconds that the shipped detector takes for a picture."""
    detector = open_person_detector("active")
    picture = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    detector.detect([picture])
    start = time.process_time()
    for _ in range(5):
        detector.detect([picture])
    return (time.process_time() - start) / 5


def measure(turns: int = 5) -> list[Finding]:
    """The tracker's share of a detector's time, and how its cost grows with the cameras."""
    halls = {}
    for count in (8, 32):
        models, side = hall(count)
        halls[count] = models, crowd(models, side, count)
    found: dict[int, list[tuple[float, float, float]]] = {8: [], 32: []}
    detector = []
    for _ in range(turns):
        for count, (models, moments) in halls.items():
            found[count].append(cost(models, moments))
        detector.append(detector_cost())
    each = {count: [statistics.median(column) for column in zip(*rows, strict=True)] for count, rows in found.items()}
    seen = f"made up boxes, {each[8][2]:.1f} a picture with 8 cameras, {each[32][2]:.1f} with 32"
    looked = statistics.median(detector)
    return [
        Finding(
            "floor tracker, the detector beside it",
            milliseconds(each[8][1], "a picture"),
            milliseconds(looked, "a picture"),
            each[8][1] / looked,
            0.03,
            at_most=True,
            note=f"{seen}; the shipped detector",
        ),
        Finding(
            "floor tracker with 32 cameras, with 8 beside it",
            f"{each[32][0] * 1e6:.0f} us a detection",
            f"{each[8][0] * 1e6:.0f} us a detection",
            each[32][0] / each[8][0],
            1.3,
            at_most=True,
            note=seen,
        ),
    ]
