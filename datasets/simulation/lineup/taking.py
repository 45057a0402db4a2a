"""Films a line-up: one shop, some bodies, costume after costume, from cameras all round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cameras.geometry import CameraModel
from datasets.manifest import Manifest, ManifestError, entries, read_manifest, write_manifest
from datasets.simulation.filming.recording import LICENCE
from datasets.simulation.lineup.acting import STEP_S, middles, performance, spots
from datasets.simulation.lineup.cameras import around, varied_look
from datasets.simulation.lineup.crops import Crops, cut
from datasets.simulation.lineup.dressing import rack, redressed
from datasets.simulation.navigation.ground import Ground
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.scenario.playing import START
from datasets.simulation.scenario.shelves import draw_stock
from datasets.simulation.scene import Scene
from datasets.simulation.shop import load_shop
from datasets.simulation.timeline import Actor, Timeline
from datasets.simulation.truth.pictures import PictureTruth, PictureTruths
from store.layout import footprint
from store.plan import example_plan

_ACT_S: Final = 60.0  # from one act to the next
_LEAST_SHARE: Final = 0.25
_LEAST_AREA: Final = 120  # pixels that show somebody
_LEAST_HEIGHT: Final = 18.0


@dataclass(frozen=True, slots=True)
class LineUp:
    """How large a line-up is: ``bodies`` people in each of ``costumes`` clothes, at ``places`` in turn, by ``cameras``
    a place, at ``moments`` an act; pictures of ``size`` (width, height).
    """

    plan: Literal["nano", "shop"] = "nano"
    bodies: int = 10
    costumes: int = 12
    places: int = 1
    cameras: int = 10
    moments: int = 3
    size: tuple[int, int] = (640, 360)


def take(seed: int, line_up: LineUp, progress: Callable[[int, int], None] = lambda done, total: None) -> Crops:
    """The cut-outs of the line-up of ``seed``: the same arguments give the same cut-outs.

    ``person`` counts bodies in costumes, ``camera`` counts over all places. Raises ``RendererError``.
    """
    rng = np.random.default_rng([seed, 82])
    timeline, where = _timeline(seed, line_up, rng)
    cameras = [
        around(timeline.plan, where[place], f"lineup-{place}-{number}", line_up.size, rng)
        for place in range(line_up.places)
        for number in range(line_up.cameras)
    ]
    looks = {camera.camera: varied_look(seed, camera.camera, rng) for camera in cameras}
    scene, truths = Scene(timeline), PictureTruths([actor.character for actor in timeline.actors])
    found: list[Crops] = []
    with Renderer(timeline, scene, cameras, looks=looks) as renderer:
        for act in range(line_up.costumes):
            place = act % line_up.places
            times = act * _ACT_S + STEP_S * np.arange(line_up.moments)
            for moment, time_s in enumerate(times.tolist()):
                numbers = range(place * line_up.cameras, (place + 1) * line_up.cameras)
                # Posing costs as much as drawing: once for all cameras whose shutters are alike.
                shutters = sorted({looks[cameras[number].camera].shutter_s for number in numbers})
                state, *opened = scene.states(time_s - np.array([0.0, *shutters]))
                for number in numbers:
                    camera = cameras[number]
                    before = opened[shutters.index(looks[camera.camera].shutter_s)]
                    picture = renderer.picture(camera.camera, state, before, act * line_up.moments + moment)
                    truth = truths.of(camera, state, picture.ids)
                    found.append(_cut_out(picture.image, truth, camera, number, act * line_up.moments + moment))
            progress(act + 1, line_up.costumes)
    return together(found)


def together(parts: Sequence[Crops]) -> Crops:
    """Several sets of cut-outs as one."""
    return Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in Crops.__dataclass_fields__))


def folder_of(folder: Path, seed: int) -> Path:
    """Where ``written`` keeps the line-up of ``seed``."""
    return folder / f"lineup-{seed:04d}"


def written(folder: Path, seed: int, line_up: LineUp) -> Crops:
    """The line-up of ``seed`` in ``folder``: read where it was taken before in the same way, else taken and written.

    Raises ``CropsError`` for a damaged one, and ``RendererError``.
    """
    place = folder_of(folder, seed)
    made = {"by": "datasets.simulation.lineup", "seed": seed, **asdict(line_up), "size": list(line_up.size)}
    try:
        if read_manifest(place).made == made:
            return Crops.read(place)
    except ManifestError:
        pass
    place.mkdir(parents=True, exist_ok=True)
    crops = take(seed, line_up)
    crops.write(place)
    counts = {"pictures": len(crops), "people": len(np.unique(crops.person))}
    write_manifest(place, Manifest(entries(place), made, counts, LICENCE))
    return Crops.read(place)


def _timeline(seed: int, line_up: LineUp, rng: np.random.Generator) -> tuple[Timeline, list[np.ndarray]]:
    """The shop with everybody of every act, and the places."""
    plan, catalogue = load_shop(example_plan(line_up.plan), seed)
    ground = Ground(plan)
    where = middles(ground, rng, line_up.places)
    furniture = tuple(footprint(fixture) for fixture in plan.fixtures)
    actors = []
    for act in range(line_up.costumes):
        shared = rack(rng)
        at = spots(ground, where[act % line_up.places], rng, line_up.bodies, line_up.moments)
        for number in range(line_up.bodies):
            dressed = redressed(seed, number, act, shared)
            played = performance(dressed, at[number], act * _ACT_S, furniture, rng)
            name = f"{number}-{act}"
            actors.append(Actor(name, name, "shopper", None, dressed, played))
    timeline = Timeline(
        plan=plan,
        catalogue=catalogue,
        scenario="line-up",
        seed=seed,
        start=START,
        duration_s=line_up.costumes * _ACT_S,
        actors=tuple(actors),
        stock=draw_stock(plan.slots(), catalogue, seed, sold=0.1),
        moved=(),
        from_stock=(),
        events=(),
    )
    return timeline, where


def _cut_out(image: np.ndarray, truth: PictureTruth, camera: CameraModel, number: int, moment: int) -> Crops:
    box = truth.visible_xyxy
    height = box[:, 3] - box[:, 1]
    kept = (truth.visible_share >= _LEAST_SHARE) & (truth.visible_area >= _LEAST_AREA) & (height >= _LEAST_HEIGHT)
    way = camera.position - np.column_stack([truth.xy_m, np.full(len(truth), 0.9)])
    elevation = np.degrees(np.arctan2(way[:, 2], np.linalg.norm(way[:, :2], axis=1)))
    n = int(np.count_nonzero(kept))
    return Crops(
        image=cut(image, box[kept]),
        person=truth.actor[kept],
        camera=np.full(n, number, np.int64),
        moment=np.full(n, moment, np.int64),
        share=truth.visible_share[kept].astype(np.float32),
        height_px=height[kept].astype(np.float32),
        elevation_deg=elevation[kept].astype(np.float32),
    )
