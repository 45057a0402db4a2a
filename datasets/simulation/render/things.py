"""What people hold, carry and push, on the graphics device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.meshes import Instances
from datasets.simulation.render.background import Rectangle
from datasets.simulation.render.copies import MeshStore, rows
from datasets.simulation.render.gl import program, put
from datasets.simulation.render.setting import Setting
from datasets.simulation.render.sky import Sky
from datasets.simulation.render.where import around

if TYPE_CHECKING:
    from datasets.simulation.scene import SceneState

MARGIN_PX = 12


@dataclass(frozen=True, eq=False)
class Gathered:
    """The things that a camera may see: one row of ``copies.rows`` each with its mesh and id, and their rectangles."""

    mesh: tuple[str, ...]
    row: tuple[NDArray[np.float32], ...]
    id: tuple[int, ...]
    areas: list[Rectangle]


class Things:
    """Draws a moment's items and carriers."""

    def __init__(self, context: Any, meshes: MeshStore, setting: Setting, sky: Sky) -> None:
        self._meshes = meshes
        self._setting = setting
        self._drawing = program(context, "instance.vert", "thing.frag", "MOVING")
        sky.light(self._drawing)
        self._corners = {
            name: np.stack([mesh.positions.min(axis=0), mesh.positions.max(axis=0)])
            for name, mesh in setting.meshes.items()
        }

    def gathered(self, camera: CameraModel, state: SceneState, before: SceneState | None) -> Gathered:
        """What of ``state`` the camera may see, with the poses of ``before``."""
        parts: list[tuple[Instances, NDArray[np.float32], int]] = []
        items = {int(index): n for n, index in enumerate(before.item_index)} if before is not None else {}
        for n, product in enumerate(state.item_product):
            (now,) = self._setting.packages({product: state.item_pose[n : n + 1]})
            row = items.get(int(state.item_index[n]))
            first = now.matrices
            if before is not None and row is not None:
                first = self._setting.packages({product: before.item_pose[row : row + 1]})[0].matrices
            parts.append((now, first, min(128 + n, 254)))
        owners = {int(actor): n for n, actor in enumerate(before.carrier_actor)} if before is not None else {}
        for n, kind in enumerate(state.carrier_kind):
            now = self._setting.carrier(kind, state.carrier_pose[n])
            row = owners.get(int(state.carrier_actor[n]))
            first = now.matrices
            if before is not None and row is not None:
                first = self._setting.carrier(kind, before.carrier_pose[row]).matrices
            parts.append((now, first, 255))
        mesh, row_, id_, areas = [], [], [], []
        for now, first, number in parts:
            low, high = self._corners[now.mesh]
            corners = np.array(
                [[x, y, z, 1.0] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
            )
            area = around(camera, (corners @ now.matrices[0].T.astype(np.float64))[:, :3], 0.02, MARGIN_PX)
            if area is not None:
                mesh.append(now.mesh)
                row_.append(rows(now, first))
                id_.append(number)
                areas.append(area)
        return Gathered(tuple(mesh), tuple(row_), tuple(id_), areas)

    def draw(self, things: Gathered, values: dict[str, Any]) -> None:
        """Draw ``things`` into the framebuffer in use; ``values`` are the camera's uniforms."""
        if not things.mesh:
            return
        put(self._drawing, **values)
        for mesh, row, id in zip(things.mesh, things.row, things.id, strict=True):
            put(self._drawing, id=id / 255)
            self._meshes.draw(self._drawing, mesh, row)
