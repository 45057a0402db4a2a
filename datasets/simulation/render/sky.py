"""Shadow maps of the still shop, one for each direction of the ceiling's light, side by side in one picture."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.meshes import CEILING, FLOOR_TILES, WALL_PAINT
from datasets.simulation.render.copies import MeshStore, Placed
from datasets.simulation.render.gl import nearest, program, put, smooth, use
from datasets.simulation.render.lights import Lighting

ACROSS = 4  # maps in a row, and rows
TEXEL_M = 0.025
SMALLEST, LARGEST = 128, 1024


class Sky:
    """The light's textures and uniforms: call ``light`` for every program that includes ``light.glsl``."""

    def __init__(self, context: Any, light: Lighting, meshes: MeshStore, placed: Placed) -> None:
        shown = {name: table[~_is_shell(table)] for name, table in placed.table.items()}
        spots = [placed.middle[name][~_is_shell(table)] for name, table in placed.table.items()]
        sizes = [placed.radius[name][~_is_shell(table)] for name, table in placed.table.items()]
        middles = np.concatenate([np.zeros((0, 3)), *spots])
        radii = np.concatenate([np.zeros(0), *sizes])
        views, side = _views(light, middles, radii)
        self._maps = nearest(context.depth_texture((ACROSS * side, ACROSS * side)))
        self._maps.compare_func = ""
        target = context.framebuffer([], self._maps)
        target.use()
        target.clear(depth=1.0)
        context.enable_only(moderngl.DEPTH_TEST)
        drawing = program(context, "sky.vert", "depth.frag")
        for number, view in enumerate(views):
            put(drawing, view=view.T, tile=np.array([number % ACROSS, number // ACROSS]))
            for name, table in shown.items():
                meshes.draw(drawing, name, table)
        target.release()

        rows, columns = light.panel_map.shape
        self._panels = smooth(context.texture((columns, rows), 1, light.panel_map.tobytes(), dtype="f4"))
        self._values: dict[str, Any] = {
            "sky_view": np.stack([view.T for view in views]),
            "sky_light": np.concatenate([light.direction, light.share[:, None]], axis=1),
            "panel_box": np.array(light.panel_box),
            "panel_grid": np.array(light.panel_grid),
            "panel_size": np.array([*light.panel_half_m, light.height_m]),
            "tiles": np.array(light.tile),
            "grout": np.array(light.grout),
        }

    def light(self, made: Any) -> None:
        """Hand the light to a program."""
        put(made, **self._values)

    def use(self) -> None:
        """Put the light's textures on their units."""
        use(self._maps, "sky_depth")
        use(self._panels, "panel_light")


def _is_shell(table: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(np.isin(table[:, 20].round(), (FLOOR_TILES, WALL_PAINT, CEILING)))


def _views(
    light: Lighting, middles: NDArray[np.float64], radii: NDArray[np.float64]
) -> tuple[list[NDArray[np.float64]], int]:
    """Matrices (4, 4) from the shop to each map (0..1 across, down and in depth), and a map's side in texels."""
    if len(middles) == 0:
        middles, radii = np.zeros((1, 3)), np.ones(1)
    boxes = []
    for toward in light.direction:
        right = np.cross([0.0, 1.0, 0.0], toward)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(toward, right), -toward])
        seen = middles @ axes.T
        boxes.append((axes, (seen - radii[:, None]).min(axis=0), (seen + radii[:, None]).max(axis=0)))
    extent = max(float((high - low)[:2].max()) for _, low, high in boxes) + 0.2
    side = int(np.clip(2 ** np.ceil(np.log2(extent / TEXEL_M)), SMALLEST, LARGEST))
    views = []
    for axes, low, high in boxes:
        view = np.eye(4)
        scale = np.array([1 / extent, 1 / extent, 1 / (high[2] - low[2] + 1.0)])
        view[:3, :3] = axes * scale[:, None]
        corner = np.array([*((low + high)[:2] / 2 - extent / 2), low[2] - 0.5])
        view[:3, 3] = -corner * scale
        views.append(view)
    return views, side
