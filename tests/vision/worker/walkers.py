"""A room with a door and a shelf, cameras in its corners, and what a worker's networks would tell of who walks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from cameras.geometry import CameraModel
from store.layout import Plan
from tests.vision.floor.rooms import boxes as boxes_of
from vision.detections import Detections
from vision.worker.looking import Look

CORNERS = {"a": (0.3, 0.3), "b": (5.7, 0.3), "c": (5.7, 4.7), "d": (0.3, 4.7)}
START = 1_700_000_000.0
RATE = 5.0


def plan(names: str = "abcd", *, offsets: Mapping[str, float] | None = None, shelf: bool = True) -> Plan:
    """A room of 6 by 5 metres with the door at y = 0 and a shelf at y = 5."""
    lens = {"horizontal_view_deg": 88, "distortion": [-0.2, 0.04, 0, 0, 0]}
    rack = {
        "name": "rack", "xy": [3.0, 4.75], "heading_deg": -90, "length_m": 1.2, "depth_m": 0.4, "height_m": 1.6,
        "shelves": [{"z_m": 0.6, "depth_m": 0.35, "slots": []}],
    }  # fmt: skip
    return Plan.model_validate(
        {
            "store": "shop",
            "floor": {"polygon": [[0, 0], [6, 0], [6, 5], [0, 5]]},
            "gates": [{"name": "door", "a": [2.4, 0], "b": [3.6, 0]}],
            "fixtures": [rack] if shelf else [],
            "cameras": [
                {
                    "camera": name,
                    "size": [640, 360],
                    "lens": lens,
                    "pose": {"position": [*CORNERS[name], 2.8], "look_at": [3, 2.5, 0.7]},
                    "clock_offset_s": (offsets or {}).get(name, 0.0),
                }
                for name in names
            ],
        }
    )


def way(*places: tuple[float, float], speed: float = 1.0, wait_s: float = 0.0) -> np.ndarray:
    """Places (t, 2), ``RATE`` a second, of somebody who walks from place to place and waits at each but the ends."""
    parts = []
    for n, (a, b) in enumerate(pairwise(places)):
        steps = max(round(float(np.hypot(b[0] - a[0], b[1] - a[1])) / speed * RATE), 1)
        parts.append(np.linspace(a, b, steps, endpoint=False))
        if n < len(places) - 2:
            parts.append(np.tile(b, (round(wait_s * RATE), 1)))
    return np.concatenate([*parts, np.array(places[-1:])])


VISIT = way((3, -0.4), (3, 2.0), (1.5, 3.5), (4.2, 3.4), (3, 1.5), (3, -0.4), speed=1.3, wait_s=0.6)


def look(camera: str, index: int, captured_at: float, xyxy: np.ndarray, confidence: float = 0.9) -> Look:
    """What the networks tell of a picture."""
    boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
    found = Detections(boxes, np.full(len(boxes), confidence, np.float32))
    return Look(camera, index, captured_at, found, 0, 0.05, 0.02, 0.01, 1)


def looks(
    models: Mapping[str, CameraModel],
    paths: Sequence[np.ndarray],
    *,
    ahead: Mapping[str, float] | None = None,
    dark: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    noise: float = 0.015,
) -> list[Look]:
    """What all cameras tell, in the order in which it was captured, of people on ``paths`` (t, 2), NaN where absent.

    Cameras are not in phase; their clocks are ``ahead`` by seconds; ``dark`` has from when to when one gave nothing.
    """
    rng = np.random.default_rng(seed)
    longest = max(map(len, paths))
    found: list[tuple[float, Look]] = []
    for number, (name, model) in enumerate(models.items()):
        off = (dark or {}).get(name, (np.inf, np.inf))
        for n in range(longest - 1):
            at = (n + 0.19 * number) / RATE
            if off[0] <= at < off[1]:
                continue
            t = at * RATE
            xy = np.array([_at(path, t) for path in paths if t <= len(path) - 1 and np.isfinite(_at(path, t)).all()])
            boxes = np.zeros((0, 4))
            if len(xy):
                whole = boxes_of(model, xy)
                tall = np.hypot(whole[:, 2] - whole[:, 0], whole[:, 3] - whole[:, 1])
                whole = whole + rng.normal(0, 1, whole.shape) * noise * tall[:, None]
                middle = (whole[:, :2] + whole[:, 2:]) / 2
                seen = ((middle > 0) & (middle < model.size)).all(axis=1)
                boxes = np.clip(whole[seen], 0, np.tile(model.size, 2))
            found.append((at, look(name, n, START + at + (ahead or {}).get(name, 0.0), boxes)))
    return [each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].camera))]


def _at(path: np.ndarray, t: float) -> np.ndarray:
    low = int(t)
    high = min(low + 1, len(path) - 1)
    return np.asarray(path[low] + (t - low) * (path[high] - path[low]))
