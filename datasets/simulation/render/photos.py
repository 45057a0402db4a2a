"""Photos of things before a white background, as a catalogue shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.meshes import Instances, Mesh
from datasets.simulation.render.background import camera_values
from datasets.simulation.render.copies import MeshStore, place
from datasets.simulation.render.gl import OwnsContext, RendererError, nearest, program, put, texture_layers, use

FINER = 3  # drawn so many times as fine as the photo
LAMP = (-0.45, 0.35, 0.82)  # to the right, towards the camera, up: seen from a camera that looks along the floor


class Photographer(OwnsContext):
    """Takes photos of ``Instances`` of ``meshes`` whose layers are those of ``labels`` uint8 (k, size, size, 4).

    Use it in the thread that made it; close it, or use it in a ``with`` block. Raises ``RendererError`` where there is
    no OpenGL.
    """

    def __init__(self, meshes: Mapping[str, Mesh], labels: NDArray[np.uint8]) -> None:
        super().__init__()
        self._meshes = meshes
        with self._context:
            self._atlas = texture_layers(self._context, labels)
            self._drawing = program(self._context, "instance.vert", "photo.frag")
            self._store = MeshStore(self._context, meshes)
            self._target: Any = None

    def photo(self, things: Sequence[Instances], camera: CameraModel) -> NDArray[np.uint8]:
        """The photo (height, width, 3) blue, green, red that ``camera`` takes; its distortion applies."""
        if self._context is None:
            raise RendererError("the photographer is closed")
        width, height = camera.size
        with self._context as context:
            size = (width * FINER, height * FINER)
            if self._target is None or self._target.size != size:
                if self._target is not None:
                    for part in (*self._target.color_attachments, self._target.depth_attachment, self._target):
                        part.release()
                colour = nearest(context.texture(size, 4))
                self._target = context.framebuffer([colour], context.depth_renderbuffer(size))
            self._target.use()
            self._target.clear(1.0, 1.0, 1.0, 1.0, depth=1.0)
            context.enable_only(moderngl.DEPTH_TEST)
            right, down, ahead = camera.rotation
            lamp = LAMP[0] * right - LAMP[1] * ahead - LAMP[2] * down
            put(self._drawing, lamp=lamp / np.linalg.norm(lamp), **camera_values(camera))
            use(self._atlas, "atlas")
            for name, table in place(things, self._meshes).table.items():
                self._store.draw(self._drawing, name, table)
            fine = np.frombuffer(self._target.read(components=3, alignment=1), np.uint8)
        fine = fine.reshape(height * FINER, width * FINER, 3)
        return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
