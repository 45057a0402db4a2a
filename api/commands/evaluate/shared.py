"""What the evaluations share: options, a bar, one line for what a user can mend, and how results are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


class Report(Protocol):
    """What an evaluation found, for people and for programs."""

    def as_json(self) -> str:
        """One JSON document."""

    def as_table(self) -> Table:
        """The table for people."""


def show(report: Report, json: bool) -> None:
    """Print the report: a table for people, or JSON and nothing else."""
    if json:
        typer.echo(report.as_json())
        return
    from rich.console import Console

    Console().print(report.as_table())


@contextmanager
def told(*more: type[Exception]) -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and exit code 2: what all evaluations raise, and ``more``."""
    from cameras.errors import CameraError
    from datasets.formats.coco import CocoFileError
    from datasets.formats.mot import MotFileError
    from datasets.manifest import ManifestError
    from datasets.pictures import PictureError
    from datasets.sample import DatasetFileError
    from models.errors import ModelError
    from store.plan import PlanError
    from training.errors import TrainingError
    from training.evaluate.crossings import CountsFileError
    from training.evaluate.extra import MissingExtraError
    from training.evaluate.metrics import DuplicateIdError
    from training.evaluate.peers import UnknownPeerError

    mendable: tuple[type[Exception], ...] = (
        CameraError,
        CocoFileError,
        CountsFileError,
        DatasetFileError,
        DuplicateIdError,
        ManifestError,
        MissingExtraError,
        ModelError,
        MotFileError,
        PictureError,
        PlanError,
        TrainingError,
        UnknownPeerError,
    )
    try:
        yield
    except (*mendable, *more) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, gone when it is done."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:3], TimeRemainingColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None, rate="")

        def step(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.1f}/s" if speed else ""
            bar.update(task, completed=done, total=max(done, total), rate=rate)

        yield step
