"""What a recipe has filmed: runs of the simulated store, made where they are missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from datasets.manifest import NAME as MANIFEST
from datasets.manifest import read_manifest, sha256
from datasets.simulation.filming.dataset import Progress, write_dataset
from datasets.simulation.filming.recipes import Filming, Recipe
from models.facts import DataUsed
from store.plan import example_plan

ACCEPTANCE: Final = 9000
"""Simulator seeds from here on are for acceptance alone: recipes with them are refused."""


def _film(film: Film, folder: Path) -> None:
    def tell(progress: Progress) -> None:
        if not progress.skipped and progress.done in (progress.total, progress.total // 2):
            sys.stderr.write(f"filming {film.name}: {progress.run}, {progress.done} of {progress.total} pictures\n")

    write_dataset(folder / film.name, film.recipes(), command=f"training.films: {film.name}", listener=tell)


class Film(BaseModel):
    """Scenarios, each with every seed from ``first`` up to ``end`` (which is not played), in an example shop.

    With ``vary`` each seed has a shop of its own; without ``cameras`` all film; ``size`` None is the plan's; ``rate``
    is in frames a second. With ``near_reaches_s`` only what is so near to a hand's contact with a shelf is filmed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    scenarios: tuple[str, ...]
    store: Literal["nano", "shop"] = "nano"
    first: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(le=ACCEPTANCE)]
    cameras: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    rate: Annotated[float, Field(gt=0)] = 0.5
    vary: bool = True
    near_reaches_s: Annotated[float, Field(gt=0)] | None = None

    def recipes(self) -> list[Recipe]:
        """Every run."""
        filming = Filming(self.cameras, self.size, self.rate, "frames", near_reaches_s=self.near_reaches_s)
        return [
            Recipe(scenario, seed, example_plan(self.store), filming, vary=self.vary)
            for scenario in self.scenarios
            for seed in range(self.first, self.end)
        ]

    def made(self, folder: Path) -> Path:
        """The film's dataset, ``folder/NAME``; runs that are missing are played and filmed, which stderr tells of.

        Raises what ``datasets.simulation.filming.dataset.write_dataset`` raises.
        """
        _film(self, folder)
        return folder / self.name

    def used(self, folder: Path) -> DataUsed:
        """The film's dataset as a candidate's facts name it."""
        manifest = read_manifest(folder / self.name)
        seeds = f"{self.first}:{self.end}"
        return DataUsed(self.name, sha256(folder / self.name / MANIFEST), manifest.licence, manifest.counts, seeds)
