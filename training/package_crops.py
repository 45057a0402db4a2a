"""Pictures of single packages, cut out of simulated footage: on the front row of shelves and in people's hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.render.look import camera_look
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.scene import Scene
from datasets.simulation.survey.coverage import SEEN_SHARE, slot_visibility
from datasets.simulation.timeline import Timeline
from datasets.simulation.truth.packages import SeenPackage, held_packages, shelf_packages

Image = NDArray[np.uint8]

CONTEXT: Final = 0.6  # of the longer side, kept on each side of a package so that a crop can be moved and widened
LEAST_PX: Final = 12
LEAST_SEEN: Final = 0.5
_TRIES: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class PackageCrop:
    """``image`` uint8 (h, w, 3) BGR around a package whose box in it is ``xyxy``; ``seen`` is its truth in the picture.

    ``camera`` and ``moment`` say which picture it is from.
    """

    image: Image
    xyxy: tuple[float, float, float, float]
    seen: SeenPackage
    camera: str
    moment: int

    def cut(self, margin: float = 0.15, shift: tuple[float, float] = (0.0, 0.0)) -> Image:
        """The package with ``margin`` of its longer side around it, moved by ``shift`` of that side."""
        x1, y1, x2, y2 = self.xyxy
        side = max(x2 - x1, y2 - y1)
        dx, dy, out = shift[0] * side, shift[1] * side, margin * side
        left, top = max(int(x1 + dx - out), 0), max(int(y1 + dy - out), 0)
        return self.image[
            top : max(int(np.ceil(y2 + dy + out)), top + 2), left : max(int(np.ceil(x2 + dx + out)), left + 2)
        ]

    @property
    def size_px(self) -> float:
        """The longer side of the package in the picture."""
        x1, y1, x2, y2 = self.xyxy
        return max(x2 - x1, y2 - y1)


def film_crops(recipe: Recipe, *, cameras: int, held: int, seed: int) -> Iterator[PackageCrop]:
    """Crops from ``cameras`` cameras of a recipe, drawn by ``seed``: the shelves once each, ``held`` pictures of hands.

    Only packages of which half is seen and whose longer side has ``LEAST_PX`` pixels. Raises what playing and rendering
    raise.
    """
    timeline = recipe.play()
    models = recipe.camera_models()
    rng = np.random.default_rng([seed, 31])
    chosen = [models[i] for i in rng.permutation(len(models))[:cameras]]
    scene = Scene(timeline)
    slots = timeline.plan.slots()
    seen_share = slot_visibility(timeline.plan)
    rows = {view.camera: row for view, row in zip(timeline.plan.cameras, seen_share, strict=True)}
    times = _held_times(timeline)
    moment = 0
    with Renderer(timeline, scene, chosen) as renderer:
        for camera in chosen:
            shutter = camera_look(timeline.seed, camera.camera).shutter_s
            facing = [slot for slot, share in zip(slots, rows[camera.camera], strict=True) if share >= SEEN_SHARE]
            for number, time_s in enumerate(_moments(scene, timeline, camera, times, held, rng)):
                state, before = scene.states(np.array([time_s, max(time_s - shutter, 0.0)]))
                picture = renderer.picture(camera.camera, state, before, moment)
                found = held_packages(camera, state, picture.ids, timeline.catalogue)
                if not number:
                    standing = scene.standing(scene.version(time_s))
                    found += shelf_packages(camera, facing, standing, picture.ids, timeline.catalogue)
                for one in found:
                    crop = _crop(picture.image, one, camera.camera, moment)
                    if crop is not None:
                        yield crop
                moment += 1


def _held_times(timeline: Timeline) -> list[tuple[float, float]]:
    """From when to when each package is in a hand."""
    return [
        (stay.start_s, after.start_s)
        for item in timeline.moved
        for stay, after in zip(item.stays, item.stays[1:], strict=False)
        if stay.where == "hand" and after.start_s - stay.start_s > 0.3
    ]


def _moments(
    scene: Scene, timeline: Timeline, camera: CameraModel, times: Sequence[tuple[float, float]], count: int,
    rng: np.random.Generator,
) -> list[float]:  # fmt: skip
    """Times at which the camera has a held package in its picture, at most ``count``; at least one time."""
    found: list[float] = []
    for _ in range(_TRIES * count if times else 0):
        start, end = times[int(rng.integers(len(times)))]
        time_s = float(rng.uniform(start, end))
        state = scene.states(np.array([time_s]))[0]
        at = camera.project(state.item_pose[:, :3, 3].astype(np.float64))
        with np.errstate(invalid="ignore"):
            if ((at > 0) & (at < camera.size)).all(axis=1).any():
                found.append(time_s)
        if len(found) >= count:
            break
    return sorted(found) or [timeline.duration_s / 2]


def _crop(image: Image, seen: SeenPackage, camera: str, moment: int) -> PackageCrop | None:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = seen.xyxy
    side = max(x2 - x1, y2 - y1)
    middle_inside = 0 <= (x1 + x2) / 2 < width and 0 <= (y1 + y2) / 2 < height
    if side < LEAST_PX or seen.visible_share < LEAST_SEEN or not middle_inside:
        return None
    left, top = max(int(x1 - CONTEXT * side), 0), max(int(y1 - CONTEXT * side), 0)
    cut = image[top : int(y2 + CONTEXT * side) + 1, left : int(x2 + CONTEXT * side) + 1]
    return PackageCrop(cut.copy(), (x1 - left, y1 - top, x2 - left, y2 - top), seen, camera, moment)
