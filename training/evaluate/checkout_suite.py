"""The suites of `aisle evaluate checkout`: which families and seeds, how they are filmed, where clips are kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from checkout.policy import Policy
from datasets.sample import DatasetFileError
from datasets.simulation.filming.dataset import Progress, record_runs
from datasets.simulation.filming.recipes import Filming, Recipe
from datasets.simulation.scenario import families
from store.plan import example_plan, load_plan
from training.evaluate.checkout_clip import Clip, clips_in

Sensors = Literal["vision", "vision+plates"]
SENSORS: Final[tuple[Sensors, ...]] = ("vision", "vision+plates")

SEEDS: Final = {"fast": range(9000, 9002), "full": range(9000, 9010)}
"""Acceptance alone: nothing is trained or tuned on them."""


@dataclass(frozen=True, slots=True)
class SuiteSettings:
    """How clips are filmed and seen.

    ``cameras`` of the nano store film ``rate_hz`` pictures a second; another store's film all. People are found by
    ``detector`` at ``size`` from confidence ``least`` on, joints by ``joints``, and ``hands`` reads what hands hold,
    where it is not None. When a clip ends its cameras show their
    last picture for ``tail_s`` seconds, so that who left is missed. Receipts follow ``policy``. With ``keep`` what the
    networks for people find is kept beside a clip and not looked for again.
    """

    cameras: tuple[str, ...] = (
        "door-in", "door-out", "corner-nw", "corner-ne", "aisle-south", "over-north", "over-west", "over-east",
    )  # fmt: skip
    rate_hz: float = 5.0
    detector: str = "aisle-people"
    size: tuple[int, int] = (384, 256)
    least: float = 0.3
    joints: str = "aisle-joints"
    hands: str | None = "aisle-hands"
    tail_s: float = 6.0
    policy: Policy = field(default_factory=Policy)
    keep: bool = False


@dataclass(frozen=True, slots=True)
class SuiteRequest:
    """What was asked for. ``suite`` is fast, full, a family's name, or a folder of simulated runs; ``seeds`` and
    ``chosen`` families replace those of the suite; ``store`` is an example's name; ``clips`` keeps what is filmed.
    """

    suite: str
    clips: Path
    seeds: range | None = None
    store: Literal["nano", "shop"] = "nano"
    chosen: tuple[str, ...] = ()


def suite_clips(
    request: SuiteRequest, settings: SuiteSettings, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Clip]:
    """The clips of a suite, filmed where they are missing; ``progress`` is told pictures.

    A clip is filmed again when anything that decides what it holds is another. Raises ``DatasetFileError``, and what
    ``datasets.simulation.filming.dataset.record_runs`` raises.
    """
    if Path(request.suite).is_dir():
        return _asked(clips_in(Path(request.suite)), request)
    recipes = suite_recipes(request, settings)
    folders = {clip_folder(request.clips, recipe): recipe for recipe in recipes}
    done: dict[str, tuple[int, int]] = {}

    def listen(told: Progress) -> None:
        if not told.skipped:
            done[told.run] = (told.done, told.total)
        known = list(done.values())
        typical = sum(total for _, total in known) / len(known) if known else 0
        # Runs that have not begun are taken to be as long as the others.
        waiting = sum(not (folder.exists() or recipe.name in done) for folder, recipe in folders.items())
        progress(sum(n for n, _ in known), round(sum(total for _, total in known) + waiting * typical))

    record_runs(folders, workers=os.cpu_count() or 1, apart=True, listener=listen)
    return [Clip(folder) for folder in folders]


def suite_recipes(request: SuiteRequest, settings: SuiteSettings) -> list[Recipe]:
    """What is filmed for a suite. Raises ``DatasetFileError`` for one that is unknown."""
    names: Sequence[str]
    if request.suite in SEEDS:
        names, seeds = families(), SEEDS[request.suite]
    elif request.suite in families():
        names, seeds = (request.suite,), SEEDS["fast"]
    else:
        raise DatasetFileError(
            f"no suite, family or folder {request.suite!r}; there are: {', '.join((*SEEDS, *families()))}"
        )
    if unknown := sorted(set(request.chosen) - set(names)):
        raise DatasetFileError(f"no family {', '.join(unknown)} in {request.suite}; there are: {', '.join(names)}")
    plan = example_plan(request.store)
    known = {view.camera for view in load_plan(plan).cameras}
    cameras = settings.cameras if known.issuperset(settings.cameras) else ()
    filming = Filming(cameras, rate_hz=settings.rate_hz, annotated=False)
    return [Recipe(name, seed, plan, filming) for name in request.chosen or names for seed in request.seeds or seeds]


def clip_folder(clips: Path, recipe: Recipe) -> Path:
    """Where the clip of ``recipe`` is kept: a folder for the run in one for all that decides what it holds."""
    rule = recipe.read_scenario().model_dump(mode="json", by_alias=True)
    said = json.dumps([recipe.settings() | {"seed": None}, rule], sort_keys=True)
    return clips / hashlib.sha256(said.encode()).hexdigest()[:12] / recipe.name


def _asked(clips: list[Clip], request: SuiteRequest) -> list[Clip]:
    """The clips of a folder that have one of the families and one of the seeds asked for."""
    found = [
        clip
        for clip in clips
        if (not request.chosen or clip.family in request.chosen)
        and (request.seeds is None or clip.seed in request.seeds)
    ]
    if not found:
        raise DatasetFileError(f"{request.suite} holds no run of the families and seeds asked for")
    return found
