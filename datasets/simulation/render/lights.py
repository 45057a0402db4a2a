"""The light of a shop: panels in a regular grid on the ceiling, and the sky that they and the walls make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.layout import Plan

CELL_M = 0.2
AT_M = 0.9  # height at which the panels' light is mapped
# Rings of directions: elevation in degrees, how many, light of one square radian. The ceiling is bright, walls less.
RINGS = ((74.0, 3, 1.0), (48.0, 6, 0.75), (20.0, 7, 0.4))


@dataclass(frozen=True, eq=False)
class Lighting:
    """``direction`` (16, 3) unit vectors towards the light with ``share`` (16,), which make 1 on a floor in the open.

    ``panel_grid`` (x, y of a panel's middle, distances), ``panel_half_m`` (2,) and ``height_m`` describe the panels;
    ``panel_map`` float32 (rows, columns) is how bright places are, 1 on average, over ``panel_box`` (x, y, width,
    height). ``tile`` is the floor: tiles' size, grout's width, difference between tiles, gloss; ``grout`` its colour.
    """

    direction: NDArray[np.float64]
    share: NDArray[np.float64]
    panel_grid: tuple[float, float, float, float]
    panel_half_m: tuple[float, float]
    height_m: float
    panel_map: NDArray[np.float32]
    panel_box: tuple[float, float, float, float]
    tile: tuple[float, float, float, float]
    grout: tuple[float, float, float]


def lighting(plan: Plan, seed: int) -> Lighting:
    """The light over the floor of ``plan``, by ``seed``. A plan without a floor is lit as 10 x 10 m."""
    rng = np.random.default_rng([seed, 73])
    corners = np.array(plan.floor.polygon if plan.floor else [(-5, -5), (5, -5), (5, 5), (-5, 5)], np.float64)
    height = plan.floor.height_m if plan.floor else 3.0
    low, high = corners.min(axis=0), corners.max(axis=0)
    wanted = np.array([rng.uniform(1.7, 2.4), rng.uniform(1.7, 2.4)])
    count = np.maximum(1, np.round((high - low) / wanted))
    gap = (high - low) / count
    first = low + gap / 2
    half = np.array([(0.3, 0.3), (0.6, 0.15), (0.15, 0.6)][int(rng.integers(3))])

    size = np.ceil((high - low + 2.0) / CELL_M).astype(int)
    x = low[0] - 1.0 + (np.arange(size[0]) + 0.5) * CELL_M
    y = low[1] - 1.0 + (np.arange(size[1]) + 0.5) * CELL_M
    panel_x = first[0] + np.arange(int(count[0])) * gap[0]
    panel_y = first[1] + np.arange(int(count[1])) * gap[1]
    rise = max(height - AT_M, 0.5)
    across = (x[:, None] - panel_x[None]) ** 2
    along = (y[:, None] - panel_y[None]) ** 2
    # A panel's light falls with cos^2 / distance^2 = rise^2 / distance^4.
    light = (rise**2 / (across[None, :, None, :] + along[:, None, :, None] + rise**2) ** 2).sum(axis=(2, 3))
    light = (light / light.mean()) ** 0.5

    direction, share = _sky(rng.uniform(0.0, 2 * np.pi))
    tint = rng.uniform(0.25, 0.5)
    return Lighting(
        direction=direction,
        share=share,
        panel_grid=(float(first[0]), float(first[1]), float(gap[0]), float(gap[1])),
        panel_half_m=(float(half[0]), float(half[1])),
        height_m=float(height),
        panel_map=light.astype(np.float32),
        panel_box=(float(low[0] - 1.0), float(low[1] - 1.0), float(size[0] * CELL_M), float(size[1] * CELL_M)),
        tile=(
            float(rng.choice([0.3, 0.4, 0.6])),
            float(rng.uniform(0.0015, 0.004)),
            float(rng.uniform(0.02, 0.08)),
            float(rng.uniform(0.35, 0.75)),
        ),
        grout=(float(tint), float(tint * 0.97), float(tint * 0.93)),
    )


def _sky(turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    directions, weights = [], []
    for ring, (elevation, count, light) in enumerate(RINGS):
        angle = turn + 0.5 * ring + np.arange(count) * 2 * np.pi / count
        rise = np.radians(elevation)
        directions.append(
            np.stack([np.cos(rise) * np.cos(angle), np.cos(rise) * np.sin(angle), np.full(count, np.sin(rise))], -1)
        )
        weights.append(np.full(count, light * np.cos(rise) / count))
    direction, share = np.concatenate(directions), np.concatenate(weights)
    return direction, share * 0.8 / (share * direction[:, 2]).sum()
