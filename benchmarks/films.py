"""The footage that whole pipelines are measured on: films of the simulated nano shop, made once and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from datasets.simulation.filming.dataset import Progress, write_dataset
from datasets.simulation.filming.recipes import Filming, Recipe
from store.layout import Plan
from store.plan import example_plan, load_plan

KEPT: Final = Path("out/bench/films")
RATE_HZ: Final = 10.0
CAMERAS: Final = (
    "door-in", "door-out", "corner-nw", "corner-ne", "aisle-north-left", "aisle-north-right", "aisle-south",
    "island-north",
)  # fmt: skip
_SEED: Final = 77
SEEDS: Final = (77, 78, 79)
"""Of those films on which identities are measured: one film says little."""
_HERE: Final = Path(__file__).parent / "films"


@dataclass(frozen=True, slots=True)
class Film:
    """One run: ``folder`` has its truth, ``cameras`` the videos by camera; ``plan`` knows the cameras' clocks."""

    folder: Path
    cameras: dict[str, Path]
    plan: Plan


def quiet() -> Film:
    """Eight cameras, 28 s: nobody for 6 s, then two people, one after the other."""
    return quiets((_SEED,))[0]


def quiets(seeds: Sequence[int] = SEEDS) -> list[Film]:
    """As ``quiet``, of other people."""
    filming = Filming(CAMERAS, rate_hz=RATE_HZ)
    return [_film(Recipe(str(_HERE / "quiet.yaml"), seed, example_plan("nano"), filming)) for seed in seeds]


def busy() -> Film:
    """Two cameras, 16 s: people come one after the other, and somebody always walks."""
    filming = Filming(("door-in", "island-north"), rate_hz=RATE_HZ)
    return _film(Recipe(str(_HERE / "busy.yaml"), _SEED, example_plan("nano"), filming))


def _film(recipe: Recipe) -> Film:
    write_dataset(KEPT / recipe.name, [recipe], command="python -m benchmarks", listener=_tell)
    return read_film(KEPT / recipe.name / "runs" / recipe.name)


def read_film(run: Path) -> Film:
    """The film in a run's folder; its plan has each camera's clock."""
    plan = load_plan(run / "plan.yaml")
    clocks = json.loads((run / "calibration.json").read_text(encoding="utf-8"))
    cameras = {name: run / "cameras" / name / f"{name}.mp4" for name in clocks}
    views = tuple(
        view.model_copy(update={"clock_offset_s": clocks[view.camera]["clock_offset_s"]})
        for view in plan.cameras
        if view.camera in cameras
    )
    return Film(run, cameras, plan.model_copy(update={"cameras": views}))


def _tell(progress: Progress) -> None:
    if not progress.skipped and progress.done % 400 == 0:
        typer.echo(f"filming {progress.run}: {progress.done} of {progress.total} pictures", err=True)
