"""People on the graphics device: skinned once a moment, drawn for each camera that may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character
from datasets.simulation.render.gl import bound, program, put, source, texture_layers, use
from datasets.simulation.render.sky import Sky

BONES = 64  # as in skin.vert


@dataclass(frozen=True, eq=False)
class _Body:
    """A character's buffers: ``skinned`` is written by ``skin`` and read by ``draw``."""

    clothes: Any
    skinned: Any
    skin: Any
    draw: Any
    vertices: int


class People:
    """The bodies of a timeline's actors; each is uploaded when it first comes on."""

    def __init__(self, context: Any, sky: Sky) -> None:
        self._context = context
        self._sky = sky
        self._skin = bound(
            context.program(vertex_shader=source("skin.vert"), varyings=["out_at", "out_before", "out_light"])
        )
        self.drawing = program(context, "person.vert", "person.frag")
        sky.light(self._skin)
        self._bodies: dict[int, _Body] = {}
        self._rows = np.zeros((3 * BONES, 4), np.float32)

    def skin(self, actor: int, character: Character, now: NDArray[np.float32], before: NDArray[np.float32]) -> None:
        """Move the body of ``actor`` to the matrices ``now`` (bones, 3, 4); ``before`` are those of the shutter's
        opening.
        """
        body = self._body(actor, character)
        for name, matrices in (("now", now), ("before", before)):
            self._rows[: 3 * len(matrices)] = matrices.reshape(-1, 4)
            put(self._skin, **{name: self._rows})
        self._sky.use()
        body.skin.transform(body.skinned, moderngl.POINTS, vertices=body.vertices)

    def draw(self, actor: int, id: int) -> None:
        """Draw the body of ``actor`` as it was last skinned; the mask says ``id``."""
        body = self._bodies[actor]
        use(body.clothes, "clothes")
        put(self.drawing, id=id / 255)
        body.draw.render()

    def _body(self, actor: int, character: Character) -> _Body:
        if actor not in self._bodies:
            context, n = self._context, len(character.positions)
            skinned = context.buffer(reserve=n * 28, dynamic=True)
            rest = np.concatenate([character.positions, character.normals, character.weights], axis=1)
            paint = np.concatenate([character.uv, character.layer[:, None]], axis=1)
            self._bodies[actor] = _Body(
                texture_layers(context, character.textures),
                skinned,
                context.vertex_array(
                    self._skin,
                    [
                        (
                            context.buffer(rest.astype(np.float32).tobytes()),
                            "3f 3f 4f",
                            "in_at",
                            "in_normal",
                            "in_weights",
                        ),
                        (context.buffer(character.bones.astype(np.uint8).tobytes()), "4u1", "in_bones"),
                    ],
                ),
                context.vertex_array(
                    self.drawing,
                    [
                        (skinned, "3f 3f 1f", "in_at", "in_before", "in_light"),
                        (context.buffer(paint.astype(np.float32).tobytes()), "2f 1f", "in_uv", "in_layer"),
                    ],
                    context.buffer(character.triangles.astype(np.int32).tobytes()),
                ),
                n,
            )
        return self._bodies[actor]
