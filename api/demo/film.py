"""The demo's footage: one run of the simulator, filmed once by two processes that share its cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.shop_watch import ShopCase
from cameras.files import VideoFile
from cameras.frame import FrameSource
from cameras.geometry import CameraModel
from datasets.simulation.filming.dataset import Progress, record_runs
from datasets.simulation.filming.recipes import Filming, Recipe
from store.catalogue import Catalogue
from store.events import SessionOpened
from store.layout import Plan
from store.plan import example_plan
from training.evaluate.checkout_clip import Clip, Weighed
from training.evaluate.checkout_suite import clip_folder
from training.evaluate.checkout_truth import ClipTruth
from vision.shop.sources import Open

SCENARIO: Final = Path(__file__).with_name("minute.yaml")
SEED: Final = 1
CAMERAS: Final = (("door-in", "corner-ne", "over-west"), ("door-out", "corner-nw", "over-east"))
"""Two sets: each is filmed by a process of its own."""
RATE_HZ: Final = 5.0


@dataclass(frozen=True)
class Film:
    """One run in ``parts``, each with some of its cameras. All times are those of the footage, seconds UTC."""

    parts: tuple[Clip, ...]

    @property
    def plan(self) -> Plan:
        """The shop, with the cameras that filmed."""
        views = tuple(view for part in self.parts for view in part.plan.cameras)
        return self.parts[0].plan.model_copy(update={"cameras": views})

    @property
    def catalogue(self) -> Catalogue:
        """What it sells."""
        return self.parts[0].catalogue

    @property
    def truth(self) -> ClipTruth:
        """What happens in it."""
        return self.parts[0].truth

    @property
    def openings(self) -> list[SessionOpened]:
        """The codes that are shown at gates, as the sessions that they open."""
        return self.parts[0].openings()

    def weights(self) -> Iterator[Weighed]:
        """What the plates read, in order of time."""
        return self.parts[0].weights()

    @property
    def began_s(self) -> float:
        """When the first camera begins."""
        return min(
            next(iter(VideoFile(part.video(model.camera), camera=model.camera))).captured_at
            - part.clock_offset_s[model.camera]
            for part in self.parts
            for model in part.cameras
        )

    def case(self) -> ShopCase:
        """The film as a shop to watch, at its own pace."""
        models: tuple[CameraModel, ...] = tuple(model for part in self.parts for model in part.cameras)
        offsets: Mapping[str, float] = {name: s for part in self.parts for name, s in part.clock_offset_s.items()}
        videos = {model.camera: str(part.video(model.camera)) for part in self.parts for model in part.cameras}
        return ShopCase(self.plan, self.catalogue, videos, models, offsets, paced=True)


def recipes(
    scenario: Path = SCENARIO,
    seed: int = SEED,
    cameras: Sequence[Sequence[str]] = CAMERAS,
    rate_hz: float = RATE_HZ,
) -> list[Recipe]:
    """What is filmed: the same run once for each set of cameras."""
    plan = example_plan("nano")
    return [
        Recipe(str(scenario), seed, plan, Filming(tuple(names), rate_hz=rate_hz, annotated=False)) for names in cameras
    ]


def film(folder: Path, wanted: Sequence[Recipe], progress: Callable[[int, int], None]) -> Film:
    """The film in ``folder``, made where it is missing; ``progress`` is told pictures done, and of how many.

    Raises what ``datasets.simulation.filming.dataset.record_runs`` raises.
    """
    folders = {clip_folder(folder, recipe): recipe for recipe in wanted}
    for path in folders:
        path.parent.mkdir(parents=True, exist_ok=True)
    done: dict[Path | None, tuple[int, int]] = {}

    def listen(told: Progress) -> None:
        if not told.skipped:
            done[told.folder] = told.done, told.total
            progress(sum(n for n, _ in done.values()), sum(total for _, total in done.values()))

    record_runs(folders, workers=len(folders), apart=True, listener=listen)
    return Film(tuple(Clip(path) for path in folders))


def later(shift_s: float) -> Open:
    """Opens the film's videos as if it had been shot ``shift_s`` seconds later."""

    def opens(address: str, camera: str, on_state: object) -> FrameSource:
        start = next(iter(VideoFile(Path(address), camera=camera))).captured_at
        return VideoFile(Path(address), camera=camera, start=start + shift_s)

    return opens
