"""`aisle models list` and `fetch`: the weights that Aisle knows, which of them are here, and how to get the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.models.shared import told

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import TaskID

    from models.entries import WeightEntry


def list_() -> None:
    """Show every entry of the registry: whether its file is the right one, and whether it is active. Uses no network.

    After the name come: verified, missing or wrong hash; the licence; in a wheel, shipped, or a candidate; active, or
    failed where it was found broken; the task.
    """
    from models.candidates import candidates, registry_dir
    from models.registry import registry, state_of

    with told():
        entries = registry()
        width = max(map(len, entries))
        standing = _standing()
        for name, entry in entries.items():
            where = f"{entry.source.kind} {standing.get(name, '')}".rstrip()
            typer.echo(f"{name:<{width}}  {state_of(entry):<10}  {entry.licence:<13}  {where:<16}  {entry.task}")
        for _ in candidates(registry_dir(), lambda error: typer.echo(f"aisle models: {error}", err=True)):
            pass


def _standing() -> dict[str, str]:
    """Of each entry that is one of them, by name: active or failed."""
    from models.candidates import registry_dir
    from models.facts import ROLES
    from models.promotion import Promotions

    promotions = Promotions(registry_dir())
    found: dict[str, str] = {}
    for role in ROLES:
        found |= dict.fromkeys(promotions.history.failed(role), "failed")
        entry: WeightEntry | None = promotions.active(role)
        if entry is not None:
            found[entry.name] = "active"
    return found


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names that `aisle models list` shows.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Fetch every entry.")] = False,
) -> None:
    """Download weights into the cache and verify them; those that are here already are only verified."""
    from models.registry import registry

    if all_ == bool(names):
        typer.echo("aisle models: name what to fetch, or give --all.", err=True)
        raise typer.Exit(2)
    with told(code=1):
        for path in fetch_with_progress(names or list(registry())):
            typer.echo(str(path))


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
