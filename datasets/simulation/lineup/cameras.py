"""Cameras for a line-up: drawn around a place, over it, near it and far from it, each with a look of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, look_at
from datasets.simulation.lineup.acting import SPREAD_M
from datasets.simulation.render.look import CameraLook, camera_look
from store.layout import Plan

Float = NDArray[np.float64]

# How often; metres aside of the place; degrees across.
_KINDS: Final = {
    "over": (0.34, (0.0, 1.3), (86.0, 108.0)),
    "near": (0.36, (1.3, 4.0), (76.0, 104.0)),
    "far": (0.30, (4.0, 8.0), (40.0, 76.0)),
}
_TRIES: Final = 40


def around(plan: Plan, middle: Float, name: str, size: tuple[int, int], rng: np.random.Generator) -> CameraModel:
    """A camera under the ceiling that looks at people round ``middle`` (2,)."""
    kinds = list(_KINDS)
    kind = kinds[int(rng.choice(len(kinds), p=[_KINDS[one][0] for one in kinds]))]
    _, aside, across = _KINDS[kind]
    height = plan.floor.height_m if plan.floor else 3.0
    low, high = _within(plan)
    for _ in range(_TRIES):
        angle, away = rng.uniform(0.0, 2 * math.pi), rng.uniform(*aside)
        xy = middle + away * np.array([math.cos(angle), math.sin(angle)])
        if (xy > low).all() and (xy < high).all():
            break
    position = np.array([*np.clip(xy, low, high), height - rng.uniform(0.15, 0.9)])
    target = np.array([*(middle + rng.normal(0.0, 0.25 * SPREAD_M, 2)), rng.uniform(0.2, 1.1)])
    roll = rng.uniform(0.0, 360.0) if kind == "over" else rng.normal(0.0, 3.0)
    if kind == "over" and rng.random() < 0.5:
        target[:2] = position[:2]
    focal = size[0] / 2 / math.tan(math.radians(rng.uniform(*across)) / 2)
    matrix = np.array([[focal, 0.0, size[0] / 2], [0.0, focal, size[1] / 2], [0.0, 0.0, 1.0]])
    bend = np.array([-0.08, 0.006, 0.0, 0.0, 0.0]) * rng.uniform(0.0, 1.3)
    return CameraModel(name, size, matrix, bend, look_at(position, target, float(roll)), position)


def _within(plan: Plan) -> tuple[Float, Float]:
    corners = np.array(plan.floor.polygon if plan.floor else [(-5, -5), (5, 5)], np.float64)
    return corners.min(axis=0) + 0.25, corners.max(axis=0) - 0.25


def varied_look(seed: int, camera: str, rng: np.random.Generator) -> CameraLook:
    """The look of ``camera``, with exposure, colours and sharpness further apart than those of one shop's cameras."""
    look = camera_look(seed, camera)
    warmth, green = rng.normal(0.0, 0.07), rng.normal(0.0, 0.03)
    red, _, blue = look.white_balance
    return replace(
        look,
        exposure=look.exposure * float(rng.uniform(0.75, 1.25)),
        white_balance=(red + warmth, 1.0 + green, blue - warmth),
        saturation=look.saturation * float(rng.uniform(0.8, 1.15)),
        softness_px=look.softness_px * float(rng.uniform(0.9, 1.5)),
        shutter_s=float(rng.choice([1 / 100, 1 / 50, 1 / 33])),
    )
