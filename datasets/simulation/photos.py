"""Catalogue photos: one package before a white ground, from the front or over a corner."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Any, Literal, Self

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, look_at
from datasets.simulation.blocks import BLOCK, ROOM, instances, paint
from datasets.simulation.furniture import package_instances, set_meshes
from datasets.simulation.render.background import camera_values
from datasets.simulation.render.copies import MeshStore, place
from datasets.simulation.render.gl import open_context, program, put, texture_layers, use
from store.catalogue import Catalogue, Package, Product

View = Literal["front", "corner"]
_AWAY_M = 1.5
_MARGIN = 0.08  # of the picture, on each side of the package
_FINER = 3  # pixels drawn to one of the photo, along an edge
# Where the camera stands: degrees to the package's right from its front, and above the horizon.
_VIEWS: dict[View, tuple[float, float]] = {"front": (0.0, 6.0), "corner": (38.0, 24.0)}


class Studio:
    """Takes photos of a catalogue's products. Use it in the thread that made it; close it in the end.

    ``labels`` uint8 (k, size, size, 4) are the prints of ``datasets.simulation.labels.label_atlas``. Raises
    ``RendererError`` where there is no OpenGL.
    """

    def __init__(self, catalogue: Catalogue, labels: NDArray[np.uint8]) -> None:
        self._catalogue = catalogue
        self._context: Any = open_context()
        with self._context:
            self._context.front_face = "cw"
            self._atlas = texture_layers(self._context, labels)
            self._meshes = MeshStore(self._context, set_meshes())
            self._program = program(self._context, "instance.vert", "photo.frag")

    def photo(self, product: str, view: View = "front", size: int = 256) -> NDArray[np.uint8]:
        """The product called ``product``, which fills the picture: uint8 (size, size, 3), blue, green, red.

        Raises ``PlanError`` for a product that is not in the catalogue.
        """
        found = self._catalogue.product(product)
        camera = _camera(found, view, size * _FINER)
        ground = instances([ROOM.piece((-3.0, 3.0), (-3.0, 3.0), (-0.01, 0.0), paint("#ffffff"))])
        placed = place([*ground, *package_instances(self._catalogue, [product], np.eye(4)[None])], set_meshes())
        with self._context:
            context = self._context
            target = context.simple_framebuffer(camera.size, components=4)
            target.use()
            target.clear(1.0, 1.0, 1.0, 1.0)
            context.enable_only(moderngl.DEPTH_TEST)
            use(self._atlas, "atlas")
            put(
                self._program,
                lamp=_unit(-0.5, -1.0, 1.1),
                half_m=np.array(found.size_m[:2]) / 2 * 0.9,
                is_round=int(found.package in (Package.CAN, Package.BOTTLE, Package.JAR, Package.TUBE)),
                **camera_values(camera),
            )
            for name in (BLOCK, found.package.value):
                self._meshes.draw(self._program, name, placed.table[name])
            pixels = np.frombuffer(target.read(components=3, alignment=1), np.uint8)
            target.release()
        large = pixels.reshape(camera.size[1], camera.size[0], 3)[:, :, ::-1]
        return np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8)

    def close(self) -> None:
        """Free the context. Photos already taken stay."""
        if self._context is not None:
            self._context.release()
            self._context = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _camera(product: Product, view: View, pixels: int) -> CameraModel:
    """A camera whose square picture the package just fills."""
    aside, above = (math.radians(angle) for angle in _VIEWS[view])
    width, depth, height = product.size_m
    middle = np.array([0.0, 0.0, height / 2])
    towards = np.array([math.sin(aside) * math.cos(above), -math.cos(aside) * math.cos(above), math.sin(above)])
    position = middle + _AWAY_M * towards
    rotation = look_at(position, middle)
    corners = np.array(
        [(x, y, z) for x in (-width / 2, width / 2) for y in (-depth / 2, depth / 2) for z in (0, height)]
    )
    local = (corners - position) @ rotation.T
    flat = local[:, :2] / local[:, 2:]
    low, high = flat.min(axis=0), flat.max(axis=0)
    focal = pixels * (1 - 2 * _MARGIN) / float((high - low).max())
    centre = pixels / 2 - focal * (low + high) / 2
    matrix = np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])
    return CameraModel("studio", (pixels, pixels), matrix, np.zeros(5), rotation, position)


def _unit(*vector: float) -> NDArray[np.float64]:
    found = np.array(vector)
    return np.asarray(found / np.linalg.norm(found))
