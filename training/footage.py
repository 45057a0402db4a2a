"""What a script learns from and is evaluated on: the recipe's films, or a shop's own datasets in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import typer

from datasets.formats.registry import open_dataset
from models.facts import DataUsed
from training.faults import check_data
from training.films import Film
from training.script import told, used

FilmsOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the recipe's films; those that are missing are made.")
]
DatasetsOption = Annotated[list[Path] | None, typer.Option("--dataset", help="Learn from this in place of the films.")]
TuneOption = Annotated[list[Path] | None, typer.Option("--tune", help="With --dataset: evaluate on this.")]


@dataclass(frozen=True, slots=True)
class Footage:
    """What is learned from and what is evaluated on; ``used`` is what the candidate's facts say of it."""

    learn: tuple[Path, ...]
    tune: tuple[Path, ...]
    used: tuple[DataUsed, ...]

    @classmethod
    def asked(
        cls,
        films: Sequence[Film],
        tune_films: Sequence[Film],
        folder: Path | None,
        datasets: Sequence[Path] | None,
        tune: Sequence[Path] | None,
    ) -> Self:
        """The films in ``folder``, made where they are missing; or ``datasets``, every picture and label checked.

        Raises ``typer.BadParameter`` unless one of both is given, and what ``training.faults.check_data`` raises.
        """
        if (folder is None) == (not datasets) or bool(datasets) != bool(tune):
            raise typer.BadParameter("give --data, or both --dataset and --tune")
        if folder is not None:
            learn, judged = ([film.made(folder) for film in each] for each in (films, tune_films))
            return cls(tuple(learn), tuple(judged), tuple(film.used(folder) for film in films))
        own, judged = list(datasets or ()), list(tune or ())
        for path in (*own, *judged):
            check_data(open_dataset(path), classes=1, backgrounds=True, progress=told(f"checking {path.name}"))
        return cls(tuple(own), tuple(judged), tuple(used(path) for path in own))

    @property
    def said(self) -> list[str]:
        """What a run's recipe says that it learned from."""
        return [str(path) for path in self.learn]
