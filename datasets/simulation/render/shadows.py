"""Shadows of people on the floor, half as fine as the picture, following the lens."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Skeleton
from datasets.simulation.render.gl import program, put
from datasets.simulation.render.lights import Lighting

BODY_M = 1.35  # height of what casts the long shadows: the shoulders
LONGEST_M = 1.5
HALF_M = 1.7  # half a piece of floor round a person
VERTICES = 8 * 8 * 6


def nearest_panels(light: Lighting, xy: NDArray[np.float64], count: int = 4) -> NDArray[np.float64]:
    """The middles (count, 2) of the ceiling panels nearest to ``xy`` (2,)."""
    x, y, across, along = light.panel_grid
    steps = np.arange(-1, 3)
    column = np.floor((xy[0] - x) / across) + steps
    row = np.floor((xy[1] - y) / along) + steps
    panels = np.stack(np.meshgrid(x + column * across, y + row * along), axis=-1).reshape(-1, 2)
    return panels[np.argsort(((panels - xy) ** 2).sum(axis=1), kind="stable")[:count]]


class Shadows:
    """Draws the shadows of one person after another, adding them up, into the framebuffer in use."""

    def __init__(self, context: Any, light: Lighting) -> None:
        self._light = light
        self.drawing = program(context, "shadow.vert", "shadow.frag")
        self._piece = context.vertex_array(self.drawing, [])

    def draw(self, skeleton: Skeleton, joints: NDArray[np.float64]) -> None:
        """Add the shadow of a body whose ``joints`` (bones, 3) are in the shop."""
        feet = joints[[skeleton.index("ball_l"), skeleton.index("ball_r")]].copy()
        ankles = joints[[skeleton.index("foot_l"), skeleton.index("foot_r")]]
        feet[:, :2] = (feet[:, :2] + ankles[:, :2]) / 2
        feet[:, 2] = np.clip(feet[:, 2] - 0.03, 0.0, 0.5)
        body = (joints[skeleton.index("pelvis"), :2] + joints[skeleton.index("spine_03"), :2]) / 2
        panels = nearest_panels(self._light, body)
        away = body - panels
        height = min(BODY_M, float(joints[skeleton.index("neck_01"), 2]))
        reach = away * height / max(self._light.height_m - height, 0.5)
        length = np.linalg.norm(reach, axis=1, keepdims=True)
        tips = body + reach * np.minimum(1.0, LONGEST_M / np.maximum(length, 1e-6))
        weight = 1.0 / (1.0 + (away**2).sum(axis=1))
        lamps = np.column_stack([tips, np.full(4, 0.2), 0.75 * weight / weight.sum()])
        put(
            self.drawing,
            feet=feet,
            body=body,
            lamps=lamps,
            piece=np.array([body[0], body[1], HALF_M, HALF_M]),
        )
        self._piece.render(moderngl.TRIANGLES, vertices=VERTICES)
