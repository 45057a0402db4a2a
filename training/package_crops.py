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
from datasets.simulation.scene import Scene, SceneState
from datasets.simulation.survey.coverage import SEEN_SHARE, slot_visibility
from datasets.simulation.timeline import Timeline
from datasets.simulation.truth.packages import SeenPackage, held_packages, shelf_packages

Image = NDArray[np.uint8]

CONTEXT: Final = 0.6  # of the longer side, kept on each side of a package so that a crop can be moved and widened
LEAST_PX: Final = 12
LEAST_SEEN: Final = 0.5
_MOMENTS: Final = 3  # of a stay in a hand
_TRIES: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class PackageCrop:
    """``image`` uint8 (h, w, 3) BGR around a package whose box in it is ``xyxy``; ``seen`` is its truth in the picture.

    ``camera`` and ``moment`` say which picture it is from, ``event`` which of them show the same package, or the same
    row of a shelf at one time.
    """

    image: Image
    xyxy: tuple[float, float, float, float]
    seen: SeenPackage
    camera: str
    moment: int
    event: str

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


def film_crops(recipe: Recipe, *, cameras: int, held: int, seed: int, by_event: bool = False) -> Iterator[PackageCrop]:
    """Crops from ``cameras`` cameras of a recipe, drawn by ``seed``: the shelves once each, ``held`` pictures of hands.

    ``by_event`` takes the pictures of hands at the same times by all cameras that may see them, some of each stay in a
    hand; otherwise each camera has its own. Only packages of which half is seen and whose longer side has ``LEAST_PX``
    pixels. Raises what playing and rendering raise.
    """
    timeline = recipe.play()
    models = recipe.camera_models()
    rng = np.random.default_rng([seed, 31])
    chosen = [models[i] for i in rng.permutation(len(models))[:cameras]]
    scene = Scene(timeline)
    slots = timeline.plan.slots()
    seen_share = slot_visibility(timeline.plan)
    rows = {view.camera: row for view, row in zip(timeline.plan.cameras, seen_share, strict=True)}
    stays = _held_times(timeline)
    shared = _shared_moments(stays, held, rng) if by_event else []
    moment = 0
    with Renderer(timeline, scene, chosen) as renderer:
        for camera in chosen:
            shutter = camera_look(timeline.seed, camera.camera).shutter_s
            facing = [slot for slot, share in zip(slots, rows[camera.camera], strict=True) if share >= SEEN_SHARE]
            own = _seen_by(camera, scene, shared) if by_event else _moments(scene, timeline, camera, stays, held, rng)
            for number, (stay, time_s) in enumerate(own or [(0, timeline.duration_s / 2)]):
                state, before = scene.states(np.array([time_s, max(time_s - shutter, 0.0)]))
                picture = renderer.picture(camera.camera, state, before, moment)
                found = held_packages(camera, state, picture.ids, timeline.catalogue)
                if not number:
                    standing = scene.standing(scene.version(time_s))
                    found += shelf_packages(camera, facing, standing, picture.ids, timeline.catalogue)
                for one in found:
                    event = f"{one.product} on its shelf" if one.where == "shelf" else f"{one.product} in hand {stay}"
                    crop = _crop(picture.image, one, camera.camera, moment, event)
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


def _shared_moments(
    stays: Sequence[tuple[float, float]], count: int, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """At most ``count`` times, each with the number of the stay it is of."""
    found: list[tuple[int, float]] = []
    for number in rng.permutation(len(stays)).tolist():
        start, end = stays[number]
        found += [(number, float(time_s)) for time_s in np.sort(rng.uniform(start, end, _MOMENTS))]
    return found[:count]


def _seen_by(camera: CameraModel, scene: Scene, moments: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    states = scene.states(np.array([time_s for _, time_s in moments])) if moments else []
    return [one for one, state in zip(moments, states, strict=True) if _may_see(camera, state)]


def _may_see(camera: CameraModel, state: SceneState) -> bool:
    """Whether a package in a hand is in the camera's picture, if nothing hides it."""
    at = camera.project(state.item_pose[:, :3, 3].astype(np.float64))
    with np.errstate(invalid="ignore"):
        return bool(((at > 0) & (at < camera.size)).all(axis=1).any())


def _moments(
    scene: Scene, timeline: Timeline, camera: CameraModel, stays: Sequence[tuple[float, float]], count: int,
    rng: np.random.Generator,
) -> list[tuple[int, float]]:  # fmt: skip
    """At most ``count`` times at which a held package is in the camera's picture, each with the number of a stay."""
    found: list[tuple[int, float]] = []
    for _ in range(_TRIES * count if stays else 0):
        number = int(rng.integers(len(stays)))
        time_s = float(rng.uniform(*stays[number]))
        if _may_see(camera, scene.states(np.array([time_s]))[0]):
            found.append((number, time_s))
        if len(found) >= count:
            break
    return sorted(found, key=lambda one: one[1]) or [(0, timeline.duration_s / 2)]


def _crop(image: Image, seen: SeenPackage, camera: str, moment: int, event: str) -> PackageCrop | None:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = seen.xyxy
    side = max(x2 - x1, y2 - y1)
    middle_inside = 0 <= (x1 + x2) / 2 < width and 0 <= (y1 + y2) / 2 < height
    if side < LEAST_PX or seen.visible_share < LEAST_SEEN or not middle_inside:
        return None
    left, top = max(int(x1 - CONTEXT * side), 0), max(int(y1 - CONTEXT * side), 0)
    cut = image[top : int(y2 + CONTEXT * side) + 1, left : int(x2 + CONTEXT * side) + 1]
    return PackageCrop(cut.copy(), (x1 - left, y1 - top, x2 - left, y2 - top), seen, camera, moment, event)
