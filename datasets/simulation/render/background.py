"""The still shop as each camera sees it, drawn once and kept; where a package came or went, that part drawn again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, largest_radius, undistort
from datasets.simulation.render.copies import MeshStore, Placed
from datasets.simulation.render.gl import nearest, program, put, smooth, use
from datasets.simulation.render.look import CameraLook
from datasets.simulation.render.sky import Sky

FINER = 2.0  # pixels of the pinhole picture to one of the camera's, in its middle
WIDEST = 4.0  # how far from the middle the pinhole picture reaches on the plane z = 1
MARGIN_PX = 4  # round what changed: the lens's softness and the sharpening's halo

Rectangle = tuple[int, int, int, int]  # x, y, width, height


def camera_values(camera: CameraModel) -> dict[str, Any]:
    """The uniforms of ``camera.glsl``; pixel i covers i to i + 1."""
    width, height = camera.size
    k1, k2, p1, p2, k3 = camera.distortion
    return {
        "turn": camera.rotation.T,
        "eye": camera.position,
        "lens": np.array(
            [
                2 * camera.matrix[0, 0] / width,
                2 * camera.matrix[1, 1] / height,
                2 * camera.matrix[0, 2] / width - 1,
                2 * camera.matrix[1, 2] / height - 1,
            ]
        ),
        "bend": np.array([k1, k2, p1, p2]),
        "bend_end": np.array([k3, largest_radius(camera.distortion)]),
    }


@dataclass(frozen=True, eq=False)
class Pinhole:
    """The picture without the lens's bending that covers a camera's: ``camera`` maps to it; ``place`` float32
    (height, width, 2) is where each pixel's middle of the bent picture lies in it, in its pixels.
    """

    camera: CameraModel
    place: NDArray[np.float32]


def pinhole(camera: CameraModel) -> Pinhole:
    """The pinhole picture for ``camera``, ``FINER`` times as fine."""
    width, height = camera.size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    focal = np.diag(camera.matrix)[:2]
    bent = (np.stack([x, y], axis=-1) - camera.matrix[:2, 2]) / focal
    plane = np.nan_to_num(undistort(bent, camera.distortion), nan=WIDEST)
    plane = np.clip(plane, -WIDEST, WIDEST)
    edge = 4.0 / focal
    low, high = plane.min(axis=(0, 1)) - edge, plane.max(axis=(0, 1)) + edge
    scale = focal * FINER
    size = np.ceil((high - low) * scale).astype(int)
    matrix = np.array([[scale[0], 0.0, -low[0] * scale[0]], [0.0, scale[1], -low[1] * scale[1]], [0.0, 0.0, 1.0]])
    flat = CameraModel(
        camera.camera, (int(size[0]), int(size[1])), matrix, np.zeros(5), camera.rotation, camera.position
    )
    return Pinhole(flat, ((plane - low) * scale).astype(np.float32))


def seen_between(
    camera: CameraModel, area: Rectangle, middle: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which spheres (n,) a pinhole camera may see within ``area`` of its picture: (n,) bool."""
    local = camera.to_camera(middle)
    x, y, width, height = area
    focal, centre = np.diag(camera.matrix)[:2], camera.matrix[:2, 2]
    low = (np.array([x, y]) - centre) / focal
    high = (np.array([x + width, y + height]) - centre) / focal
    seen = local[:, 2] > -radius
    for axis in (0, 1):
        # Planes through the camera's centre and the area's edges, their normals looking in.
        for slope, sign in ((low[axis], 1.0), (high[axis], -1.0)):
            distance = sign * (local[:, axis] - slope * local[:, 2]) / math.hypot(1.0, slope)
            seen &= distance > -radius
    return np.asarray(seen)


class Background:
    """One camera's kept picture: ``colour`` (root of half the linear light, and floor) and ``nearness`` textures."""

    def __init__(self, context: Any, camera: CameraModel) -> None:
        width, height = camera.size
        self.flat = pinhole(camera)
        self.size = camera.size
        self.version: int | None = None
        self.colour = nearest(context.texture((width, height), 4))
        self.nearness = nearest(context.texture((2 * width, 2 * height), 1, dtype="nu2"))
        self.place = smooth(context.texture((width, height), 2, self.flat.place.tobytes(), dtype="f4"))
        self.colour_target = context.framebuffer([self.colour])
        self.nearness_target = context.framebuffer([self.nearness])
        self.nbytes = width * height * (4 + 8 + 8)

    def touched(self, corners: NDArray[np.float64], camera: CameraModel) -> list[Rectangle]:
        """The rectangles of the picture that boxes of ``corners`` (k, 8, 3) fall into, overlapping ones as one."""
        if len(corners) == 0:
            return []
        local = camera.to_camera(corners)
        pixels = camera.project(corners)
        width, height = self.size
        areas: list[Rectangle] = []
        for points, ahead in zip(pixels, local[..., 2], strict=True):
            if (ahead < 0.05).all():
                continue
            low, high = points.min(axis=0) - MARGIN_PX, points.max(axis=0) + MARGIN_PX
            if (ahead < 0.2).any():
                low, high = np.zeros(2), np.array(self.size, np.float64)
            # The lens bends edges outwards by less than this share of their length.
            bulge = 0.03 * (high - low)
            left, top = np.floor(np.maximum(low - bulge, 0)).astype(int)
            right, bottom = np.ceil(np.minimum(high + bulge, [width, height])).astype(int)
            if right > left and bottom > top:
                areas.append((int(left), int(top), int(right - left), int(bottom - top)))
        return merged(areas)

    def release(self) -> None:
        """Give the device's memory back."""
        for part in (self.colour_target, self.nearness_target, self.colour, self.nearness, self.place):
            part.release()


def merged(areas: list[Rectangle]) -> list[Rectangle]:
    """Rectangles that cover ``areas``, none of which overlaps another."""
    found: list[Rectangle] = []
    for area in areas:
        x, y, w, h = area
        again = True
        while again:
            again = False
            for other in found:
                a, b, c, d = other
                if x < a + c and a < x + w and y < b + d and b < y + h:
                    found.remove(other)
                    right, bottom = max(x + w, a + c), max(y + h, b + d)
                    x, y = min(x, a), min(y, b)
                    w, h = right - x, bottom - y
                    again = True
                    break
        found.append((x, y, w, h))
    return found


class StillShop:
    """Draws the still shop into backgrounds. One picture to draw in is shared by all cameras."""

    def __init__(self, context: Any, meshes: MeshStore, sky: Sky) -> None:
        self._context = context
        self._meshes = meshes
        self._sky = sky
        self._depth = program(context, "instance.vert", "depth.frag")
        self._drawing = program(context, "instance.vert", "still.frag")
        self._unroll = program(context, "cover.vert", "unroll.frag")
        self._unroll_depth = program(context, "cover.vert", "unroll_depth.frag")
        self._cover = context.vertex_array(self._unroll, [])
        self._cover_depth = context.vertex_array(self._unroll_depth, [])
        self._target: Any = None
        sky.light(self._drawing)

    def draw(
        self, background: Background, placed: Placed, look: CameraLook, scatter: int, areas: list[Rectangle]
    ) -> None:
        """Draw ``areas`` of ``background``."""
        flat = background.flat
        self._make_room(flat.camera.size)
        values = camera_values(flat.camera)
        put(self._depth, **values)
        put(self._drawing, scatter=scatter, **values)
        self._sky.use()
        for area in areas:
            x, y, width, height = area
            place = flat.place[y : y + height, x : x + width].reshape(-1, 2)
            low = np.maximum(np.floor(place.min(axis=0)) - 6, 0).astype(int)
            high = np.minimum(np.ceil(place.max(axis=0)) + 6, flat.camera.size).astype(int)
            fine = (int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
            self._draw_flat(flat.camera, placed, fine)
            self._bend(background, look, area)

    def _make_room(self, size: tuple[int, int]) -> None:
        if self._target is None or self._target.size != size:
            self.release()
            colour = smooth(self._context.texture(size, 4))
            depth = nearest(self._context.depth_texture(size))
            depth.compare_func = ""
            self._target = self._context.framebuffer([colour], depth)

    def _draw_flat(self, camera: CameraModel, placed: Placed, area: Rectangle) -> None:
        context = self._context
        self._target.use()
        self._target.scissor = area
        self._target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0, viewport=area)
        context.enable_only(moderngl.DEPTH_TEST)
        seen = {
            name: table[seen_between(camera, area, placed.middle[name], placed.radius[name])]
            for name, table in placed.table.items()
        }
        # Depth first, then only what is foremost is lit.
        for drawing, compare in ((self._depth, "<"), (self._drawing, "<=")):
            context.depth_func = compare
            for name, table in seen.items():
                self._meshes.draw(drawing, name, table)
        context.depth_func = "<"

    def _bend(self, background: Background, look: CameraLook, area: Rectangle) -> None:
        context = self._context
        context.enable_only(moderngl.NOTHING)
        use(self._target.color_attachments[0], "flat_picture")
        use(self._target.depth_attachment, "flat_depth")
        use(background.place, "flat_place")
        put(
            self._unroll,
            flat_size=np.array(self._target.size),
            optics=np.array([look.softness_px, look.halo]),
        )
        background.colour_target.use()
        background.colour_target.scissor = area
        self._cover.render(moderngl.TRIANGLES, vertices=3)
        background.nearness_target.use()
        background.nearness_target.scissor = (2 * area[0], 2 * area[1], 2 * area[2], 2 * area[3])
        self._cover_depth.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        """Give the shared picture's memory back."""
        if self._target is not None:
            for part in (*self._target.color_attachments, self._target.depth_attachment, self._target):
                part.release()
            self._target = None
