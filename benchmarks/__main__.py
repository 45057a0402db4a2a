"""What Aisle costs beside the usual way of doing the same, in one table.

python -m benchmarks                       everything, on a machine that does nothing else
python -m benchmarks --only decoding       one part
python -m benchmarks --json                as JSON

Peers have their own defaults; ours and theirs take turns in one run, and medians of CPU time of all processes count,
where nothing else is said. Films are simulated, drawn once and kept in out/bench.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Finding

PARTS: Final = ("decoding", "detecting", "floor", "pipelines", "idle", "overload")
WIDTH: Final = 130


def main(
    only: Annotated[str, typer.Option(metavar="PART,...", help=f"Of {', '.join(PARTS)}; otherwise all.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Measure, and print a row for each comparison; ends with code 0 whether or not all is as asked,
    with 1 when a part could not be measured.
    """
    parts = tuple(only.split(",")) if only else PARTS
    if unknown := sorted(set(parts) - set(PARTS)):
        typer.echo(f"bench: no part {unknown[0]!r}; there are {', '.join(PARTS)}", err=True)
        raise typer.Exit(2)
    found: dict[str, list[Finding]] = {}
    failed: list[str] = []
    for name in parts:
        typer.echo(f"measuring {name}", err=True)
        try:
            found[name] = import_module(f"benchmarks.{name}").measure()
        except Exception as error:  # what the other parts measured is not lost
            failed.append(name)
            typer.echo(f"bench: {name} could not be measured: {type(error).__name__}: {error}", err=True)
    if as_json:
        document = {name: [each.as_dict() for each in rows] for name, rows in found.items()}
        typer.echo(json.dumps(document, indent=2))
    else:
        console = Console()
        console.width = max(console.width, WIDTH)  # what is not a terminal has 80 columns otherwise
        console.print(table(found))
    if failed:
        raise typer.Exit(1)


def table(found: dict[str, list[Finding]]) -> Table:
    """A row for each finding, with what must be known to believe it."""
    shown = Table("what", "ours", "beside it", "ratio", "asked", "met", title="Aisle beside the usual ways")
    for rows in found.values():
        for each in rows:
            sign = "<=" if each.at_most else ">="
            asked = "" if each.asked is None else f"{sign} {each.asked:g}"
            met = {True: "yes", False: "[bold]NO[/bold]", None: ""}[each.met]
            shown.add_row(f"{each.what}\n[dim]{each.note}[/dim]", each.ours, each.peer, f"{each.ratio:.3g}", asked, met)
        shown.add_section()
    return shown


if __name__ == "__main__":
    typer.run(main)
