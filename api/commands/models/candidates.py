"""`aisle models show`, `card` and `diff`: all that is known of a network, and what sets two apart."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.models.shared import told

Name = Annotated[str, typer.Argument(help="A name that `aisle models list` shows.")]


def show(name: Name) -> None:
    """Show all that is known of one entry."""
    from models.candidates import facts_of
    from models.entries import InWheel
    from models.registry import entry_of, path_of, state_of

    with told():
        entry = entry_of(name)
        rows = {
            "name": entry.name,
            "task": entry.task,
            "role": entry.role or "",
            "input": entry.input,
            "trained on": entry.trained_on,
            "licence": entry.licence,
            "metrics": ", ".join(f"{key} {value:g}" for key, value in entry.metrics.items()) or "none measured",
            "source": str(entry.source),
            "sha256": entry.sha256,
            "file": f"{path_of(entry)} ({state_of(entry)})",
            "notes": entry.notes,
        }
        if not isinstance(entry.source, InWheel):
            facts = facts_of(entry)
            rows["created"] = f"{facts.created:%Y-%m-%d %H:%M} UTC"
            rows["size"] = f"{facts.bytes / 1e6:.2f} MB"
            for form, parity in facts.parity.items():
                rows[f"{form} and torch"] = (
                    f"differ by {parity.absolute:.2g}, {parity.relative:.2g} of the largest number, on "
                    f"{parity.inputs} inputs; {parity.absolute_limit:g} or {parity.relative_limit:g} is accepted"
                    f"{f'; {parity.note}' if parity.note else ''}"
                )
            for number, data in enumerate(facts.data, 1):
                rows[f"data {number}"] = f"{data.name}, manifest {data.sha256}"
    width = max(map(len, rows)) + 2
    for key, value in rows.items():
        if value:
            typer.echo(f"{key:<{width}}{value}")


def card(name: Name) -> None:
    """Print the card of a shipped network or a candidate: what for, trained on what, where it fails."""
    from models.candidates import card_of
    from models.registry import entry_of

    with told(OSError):
        text = card_of(entry_of(name)).read_text(encoding="utf-8")
    typer.echo(text, nl=False)


def diff(
    a: Annotated[str, typer.Argument(help="A candidate or a shipped network.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
) -> None:
    """Show what sets two networks apart: metrics, recipe, data, size. Not which is better: `aisle evaluate` tells."""
    from models.candidates import facts_of
    from models.differences import differences
    from models.registry import entry_of

    with told():
        rows = differences(facts_of(entry_of(a)), facts_of(entry_of(b)))
    table = [("", a, b), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    for row in table:
        typer.echo(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip())
