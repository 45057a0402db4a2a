"""Pictures of a simulated shop: the kept still shop, the people over it, and the camera's manners over all."""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.render.background import Background, Rectangle, StillShop, camera_values, merged
from datasets.simulation.render.copies import MeshStore, Placed, place
from datasets.simulation.render.gl import OwnsContext, RendererError, program, put, texture_layers, use
from datasets.simulation.render.lights import lighting
from datasets.simulation.render.look import CameraLook, camera_look
from datasets.simulation.render.people import People
from datasets.simulation.render.setting import Setting, shop_setting
from datasets.simulation.render.shadows import Shadows
from datasets.simulation.render.sky import Sky
from datasets.simulation.render.targets import Targets
from datasets.simulation.render.things import Things
from datasets.simulation.render.where import REACH_M, around
from datasets.simulation.timeline import Timeline

if TYPE_CHECKING:
    from datasets.simulation.scene import SceneState

NOTHING, FIRST_PERSON, FIRST_ITEM, CARRIERS = 0, 1, 128, 255
WIPE_PX = 12  # half the longest motion in a picture, less the areas' own margin
KEPT_BYTES = 512 * 2**20  # of kept pictures of the still shop


@dataclass(frozen=True, eq=False)
class Picture:
    """``image`` uint8 (height, width, 3) blue, green, red; ``ids`` uint8 (height, width): 0 nothing that moves, i + 1
    the i-th person of the state, 128 + j its j-th item, 255 a basket, trolley or bag. ``jpeg`` is the file that
    ``image`` was read from, None for a camera whose look has no ``jpeg_quality``.
    """

    image: NDArray[np.uint8]
    ids: NDArray[np.uint8]
    jpeg: bytes | None = None


class StillScene(Protocol):
    """What the renderer asks of a ``datasets.simulation.scene.Scene``."""

    def version(self, time_s: float) -> int:
        """A number for all that stands still."""

    def standing(self, version: int, /) -> dict[str, NDArray[np.float32]]:
        """Poses (n, 4, 4) of standing packages by product."""

    def changed(self, old: int, new: int) -> NDArray[np.float64]:
        """Corners (k, 8, 3) of the packages that differ."""

    def light(self, time_s: float) -> NDArray[np.float64]:
        """Linear factors (3,) of the lights."""


class Renderer(OwnsContext):
    """Draws a timeline's moments. Use it in the thread that made it; close it, or use it in a ``with`` block.

    ``looks`` overrides ``camera_look`` of single cameras. Raises ``RendererError`` where there is no OpenGL.
    """

    def __init__(
        self,
        timeline: Timeline,
        scene: StillScene,
        cameras: Sequence[CameraModel],
        *,
        setting: Setting | None = None,
        looks: Mapping[str, CameraLook] | None = None,
    ) -> None:
        self._timeline = timeline
        self._scene = scene
        self._cameras = {camera.camera: camera for camera in cameras}
        self._looks = {name: (looks or {}).get(name) or camera_look(timeline.seed, name) for name in self._cameras}
        self._setting = setting or shop_setting(timeline.plan, timeline.catalogue, timeline.seed)
        super().__init__()
        try:
            with self._context:
                self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        context, seed = self._context, self._timeline.seed
        self.device = str(context.info["GL_RENDERER"])
        context.front_face = "cw"
        self._light = lighting(self._timeline.plan, seed)
        self._atlas = texture_layers(context, self._setting.labels)
        self._meshes = MeshStore(context, self._setting.meshes)
        self._placed: OrderedDict[int, Placed] = OrderedDict()
        self._sky = Sky(context, self._light, self._meshes, self._standing(0))
        self._still = StillShop(context, self._meshes, self._sky)
        self._people = People(context, self._sky)
        self._things = Things(context, self._meshes, self._setting, self._sky)
        self._shadows = Shadows(context, self._light)
        self._backgrounds: OrderedDict[str, Background] = OrderedDict()
        self._targets: dict[tuple[int, int], Targets] = {}
        self._sensor = program(context, "cover.vert", "sensor.frag")
        self._sensor_moving = program(context, "cover.vert", "sensor.frag", "MOVING")
        self._cover = context.vertex_array(self._sensor, [])
        self._cover_moving = context.vertex_array(self._sensor_moving, [])
        self._skinned: tuple[SceneState | None, SceneState | None] = (None, None)

    def picture(self, camera: str, state: SceneState, before: SceneState | None, frame_number: int) -> Picture:
        """The picture of ``camera`` at ``state``; ``before`` is the scene when the shutter opened, None for no motion
        blur. ``frame_number`` tells the noise of one picture from the next.

        Raises ``RendererError`` for a camera that the renderer was not made with, or after ``close``.
        """
        if self._context is None:
            raise RendererError("the renderer is closed")
        if camera not in self._cameras:
            raise RendererError(f"no camera {camera!r} in this renderer; there are: {', '.join(self._cameras)}")
        with self._context:
            finished = self._draw(self._cameras[camera], state, before, frame_number)
        look = self._looks[camera]
        image: Any = cv2.cvtColor(finished, cv2.COLOR_BGRA2BGR)
        jpeg = None
        if look.jpeg_quality is not None:
            _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality])
            image, jpeg = cv2.imdecode(packed, cv2.IMREAD_COLOR), packed.tobytes()
        return Picture(image, np.asarray(cv2.extractChannel(finished, 3), np.uint8), jpeg)

    def _draw(
        self, camera: CameraModel, state: SceneState, before: SceneState | None, frame_number: int
    ) -> NDArray[np.uint8]:
        background = self._background(camera, self._scene.version(state.time_s))
        targets = self._targets.get(camera.size)
        if targets is None:
            targets = self._targets[camera.size] = Targets(self._context, camera.size)
        self._skin(state, before)
        values = camera_values(camera)
        areas = self._draw_moving(camera, values, state, before, background, targets)
        self._draw_shadows(values, state, targets)
        return self._develop(camera, state, frame_number, background, targets, areas)

    def _draw_moving(
        self,
        camera: CameraModel,
        values: dict[str, Any],
        state: SceneState,
        before: SceneState | None,
        background: Background,
        targets: Targets,
    ) -> list[Rectangle]:
        """Draw people and things; the rectangles of the picture where they are."""
        context = self._context
        people = [(n, area) for n in range(len(state.actors)) if (area := around(camera, state.joints[n], REACH_M, 12))]
        things = self._things.gathered(camera, state, before)
        areas = merged([area for _, area in people] + things.areas)
        if not areas:
            return []
        targets.moving.use()
        for x, y, width, height in areas:
            # Wider than the area, for the last stage reads round its pixels.
            left, top = max(x - WIPE_PX, 0), max(y - WIPE_PX, 0)
            across, down = x + width + WIPE_PX - left, y + height + WIPE_PX - top
            targets.moving.clear(viewport=(2 * left, 2 * top, 2 * across, 2 * down))
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        use(background.nearness, "still_nearness")
        travel = np.array(camera.size) / 2
        put(self._people.drawing, travel=travel, **values)
        for n, _ in people:
            self._people.draw(int(state.actors[n]), FIRST_PERSON + n)
        context.enable_only(moderngl.DEPTH_TEST)
        use(self._atlas, "atlas")
        self._sky.use()
        self._things.draw(things, {**values, "travel": travel})
        return areas

    def _draw_shadows(self, values: dict[str, Any], state: SceneState, targets: Targets) -> None:
        targets.shadow.use()
        targets.shadow.clear()
        self._context.enable_only(moderngl.BLEND)
        self._context.blend_func = moderngl.ONE, moderngl.ONE
        put(self._shadows.drawing, **values)
        for n, actor in enumerate(state.actors):
            self._shadows.draw(self._timeline.actors[int(actor)].character.skeleton, state.joints[n])

    def _develop(
        self,
        camera: CameraModel,
        state: SceneState,
        frame_number: int,
        background: Background,
        targets: Targets,
        areas: list[Rectangle],
    ) -> NDArray[np.uint8]:
        context, look = self._context, self._looks[camera.camera]
        context.enable_only(moderngl.NOTHING)
        use(background.colour, "still")
        use(targets.shadow_depth, "shadow")
        use(targets.moving_colour, "moving")
        use(targets.marks, "marks")
        number = zlib.crc32(camera.camera.encode())
        phase = np.random.default_rng([self._timeline.seed, 74, number]).uniform(0, 2 * math.pi, 2)
        wander = math.sin(0.9 * state.time_s + phase[0]) + math.sin(0.37 * state.time_s + phase[1])
        light = np.asarray(self._scene.light(state.time_s), np.float64)
        # The camera makes up for a part of what the lights lose or gain.
        answer = float(max(light.mean(), 0.02) ** -0.4)
        exposure = look.exposure * (1.0 + look.wobble * wander / 2) * answer
        values = {
            "gain": light * exposure * np.array(look.white_balance),
            "look": np.array([look.softness_px, look.halo, look.vignetting, look.saturation]),
            "grain": np.array([look.dark_noise * max(answer, 1.0), look.noise * max(answer, 1.0), look.colour_noise]),
            "key": zlib.crc32(np.array([self._timeline.seed, number, frame_number], np.int64).tobytes()),
        }
        targets.finished.use()
        targets.finished.scissor = None
        put(self._sensor, **values)
        self._cover.render(moderngl.TRIANGLES, vertices=3)
        put(self._sensor_moving, **values)
        for area in areas:
            targets.finished.scissor = area
            self._cover_moving.render(moderngl.TRIANGLES, vertices=3)
        targets.finished.scissor = None
        targets.finished.read_into(targets.buffer, components=4, alignment=1)
        width, height = camera.size
        return np.frombuffer(targets.buffer, np.uint8).reshape(height, width, 4)

    def _skin(self, state: SceneState, before: SceneState | None) -> None:
        if self._skinned[0] is state and self._skinned[1] is before:
            return
        earlier = {int(actor): row for row, actor in enumerate(before.actors)} if before is not None else {}
        for n, actor in enumerate(state.actors):
            row = earlier.get(int(actor))
            now = state.matrices[n]
            first = before.matrices[row] if before is not None and row is not None else now
            self._people.skin(int(actor), self._timeline.actors[int(actor)].character, now, first)
        self._skinned = (state, before)

    def _background(self, camera: CameraModel, version: int) -> Background:
        found = self._backgrounds.pop(camera.camera, None)
        if found is None:
            found = Background(self._context, camera)
            held = sum(other.nbytes for other in self._backgrounds.values())
            while self._backgrounds and held + found.nbytes > KEPT_BYTES:
                _, oldest = self._backgrounds.popitem(last=False)
                held -= oldest.nbytes
                oldest.release()
        self._backgrounds[camera.camera] = found
        if found.version != version:
            whole = (0, 0, *camera.size)
            areas = (
                [whole] if found.version is None else found.touched(self._scene.changed(found.version, version), camera)
            )
            if areas:
                use(self._atlas, "atlas")
                scatter = zlib.crc32(b"tiles") ^ self._timeline.seed
                self._still.draw(found, self._standing(version), self._looks[camera.camera], scatter, areas)
            found.version = version
        return found

    def _standing(self, version: int) -> Placed:
        if version not in self._placed:
            packages = self._setting.packages(self._scene.standing(version))
            self._placed[version] = place([*self._setting.fixed, *packages], self._setting.meshes)
            if len(self._placed) > 4:
                self._placed.popitem(last=False)
        self._placed.move_to_end(version)
        return self._placed[version]
