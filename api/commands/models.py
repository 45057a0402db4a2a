"""`aisle models`: the weights that Aisle knows, which of them are here, and how to get the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import TaskID

app = typer.Typer(no_args_is_help=True, help="The weights of the networks: list, fetch, show.")


@app.command("list")
def list_() -> None:
    """Show every entry of the registry, and whether its file is cached and is the right one. Uses no network."""
    from models.registry import registry, state_of

    entries = registry().values()
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        typer.echo(f"{entry.name:<{width}}  {state_of(entry):<10}  {entry.licence:<11}  {entry.task}")


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names that `aisle models list` shows.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Fetch every entry.")] = False,
) -> None:
    """Download weights into the cache and verify them; those that are cached already are only verified."""
    from models.errors import ModelError
    from models.registry import registry

    if all_ == bool(names):
        typer.echo("aisle models: name what to fetch, or give --all.", err=True)
        raise typer.Exit(2)
    try:
        paths = fetch_with_progress(names or list(registry()))
    except ModelError as error:
        typer.echo(f"aisle models: {error}", err=True)
        raise typer.Exit(1) from None
    for path in paths:
        typer.echo(str(path))


@app.command()
def show(name: Annotated[str, typer.Argument(help="A name that `aisle models list` shows.")]) -> None:
    """Show all that is known of one entry."""
    from models.errors import UnknownWeightsError
    from models.registry import entry_of, path_of, state_of

    try:
        entry = entry_of(name)
    except UnknownWeightsError as error:
        typer.echo(f"aisle models: {error}", err=True)
        raise typer.Exit(2) from None
    metrics = ", ".join(f"{key} {value:g}" for key, value in entry.metrics.items())
    rows = {
        "name": entry.name,
        "task": entry.task,
        "input": entry.input,
        "trained on": entry.trained_on,
        "licence": entry.licence,
        "metrics": metrics or "none measured",
        "source": str(entry.source),
        "sha256": entry.sha256,
        "file": f"{path_of(entry)} ({state_of(entry)})",
        "notes": entry.notes,
    }
    for key, value in rows.items():
        if value:
            typer.echo(f"{key:<12}{value}")


def fetch_with_progress(names: list[str]) -> list[Path]:
    """Fetch weights with a progress bar for each download on the error stream; silent where all are cached.

    Raises what ``models.registry.fetch`` raises.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from models.registry import fetch_all

    bars: dict[str, TaskID] = {}
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=Console(stderr=True))

    def on_progress(requirement: str, done: int, total: int) -> None:
        if requirement not in bars:
            progress.start()
            bars[requirement] = progress.add_task(f"downloading {requirement}", total=total)
        progress.update(bars[requirement], completed=done)

    try:
        return fetch_all(names, on_progress)
    finally:
        if bars:  # stopped without a bar, it would write an empty line
            progress.stop()
