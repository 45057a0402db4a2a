"""Placed copies of meshes on the graphics device, and which of them a view can see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.meshes import Instances, Mesh

ATTRIBUTES = {"in_pose": "16f", "in_colour": "4f", "in_layer": "2f", "in_before": "16f"}


def rows(instances: Instances, before: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """One row of numbers a copy, as the vertex shader reads them: (n, 22), or (n, 38) with the poses ``before``."""
    n = len(instances)
    parts = [
        instances.matrices.transpose(0, 2, 1).reshape(n, 16),
        instances.colour,
        np.stack([instances.layer.astype(np.float32), instances.shade], axis=1),
    ]
    if before is not None:
        parts.append(before.transpose(0, 2, 1).reshape(n, 16))
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Placed:
    """Copies by mesh: ``table`` (n, 22) as of ``rows``, the spheres (n, 3) and (n,) that hold each of them."""

    table: dict[str, NDArray[np.float32]]
    middle: dict[str, NDArray[np.float64]]
    radius: dict[str, NDArray[np.float64]]


def place(instances: Sequence[Instances], meshes: Mapping[str, Mesh]) -> Placed:
    """Gather ``instances`` by mesh. Raises ``KeyError`` naming a mesh that is not there."""
    groups: dict[str, list[Instances]] = {}
    for part in instances:
        if part.mesh not in meshes:
            raise KeyError(f"no mesh {part.mesh!r}; there are: {', '.join(sorted(meshes))}")
        if len(part):
            groups.setdefault(part.mesh, []).append(part)
    table, middle, radius = {}, {}, {}
    for name, parts in groups.items():
        table[name] = np.concatenate([rows(part) for part in parts])
        matrices = np.concatenate([part.matrices for part in parts]).astype(np.float64)
        low, high = meshes[name].positions.min(axis=0), meshes[name].positions.max(axis=0)
        middle[name] = matrices[:, :3, :3] @ ((low + high) / 2) + matrices[:, :3, 3]
        radius[name] = np.linalg.norm(matrices[:, :3, :3] * ((high - low) / 2), axis=(1, 2))
    return Placed(table, middle, radius)


class MeshStore:
    """Meshes on the device, each uploaded when it is first drawn."""

    def __init__(self, context: Any, meshes: Mapping[str, Mesh]) -> None:
        self._context = context
        self._meshes = meshes
        self._made: dict[str, tuple[Any, Any]] = {}
        self._arrays: dict[tuple[str, int], tuple[Any, Any, int]] = {}

    def draw(self, program: Any, mesh: str, table: NDArray[np.float32]) -> None:
        """Draw the copies of ``table`` (n, 22 or 38) with ``program``."""
        if len(table) == 0:
            return
        key = (mesh, program.glo)
        array, buffer, room = self._arrays.get(key, (None, None, 0))
        if room < table.nbytes:
            if array is not None:
                array.release()
                buffer.release()
            room = max(4096, int(table.nbytes * 1.3))
            buffer = self._context.buffer(reserve=room, dynamic=True)
            array = self._array(program, mesh, buffer, table.shape[1])
            self._arrays[key] = (array, buffer, room)
        buffer.orphan()
        buffer.write(np.ascontiguousarray(table))
        array.render(instances=len(table))

    def _array(self, program: Any, mesh: str, buffer: Any, width: int) -> Any:
        vertices, triangles = self._uploaded(mesh)
        per_vertex = {"in_at": "3f", "in_normal": "3f", "in_uv": "2f"}
        per_copy = [name for name in ATTRIBUTES if name != "in_before" or width > 22]
        return self._context.vertex_array(
            program,
            [
                (vertices, *_layout(program, per_vertex)),
                (buffer, *_layout(program, {name: ATTRIBUTES[name] for name in per_copy}, "/i")),
            ],
            triangles,
        )

    def _uploaded(self, mesh: str) -> tuple[Any, Any]:
        if mesh not in self._made:
            found = self._meshes[mesh]
            vertices = np.concatenate([found.positions, found.normals, found.uv], axis=1).astype(np.float32)
            self._made[mesh] = (
                self._context.buffer(vertices.tobytes()),
                self._context.buffer(found.triangles.astype(np.int32).tobytes()),
            )
        return self._made[mesh]


def _layout(program: Any, attributes: dict[str, str], suffix: str = "") -> tuple[str, ...]:
    """The buffer's layout in moderngl's words; attributes that ``program`` does not read are skipped."""
    words, names = [], []
    for name, form in attributes.items():
        if name in program:
            words.append(form)
            names.append(name)
        else:
            words.append(f"{int(form[:-1]) * 4}x")
    return (" ".join(words) + (" " + suffix if suffix else ""), *names)
