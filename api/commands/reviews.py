"""`aisle reviews`: what people answered, for the retraining loop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What people answered about doubtful lines.")


@app.callback()
def group() -> None:
    """What people answered about doubtful lines."""


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to add to; made where it is missing.")],
    start: Annotated[str, typer.Option("--from", help="Answered from this time on (ISO 8601); default: all.")] = "0",
    end: Annotated[str | None, typer.Option("--to", help="Answered before this time; default: all.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.", show_default=False)] = None,
) -> None:
    """Add answered reviews and their blurred pictures to DIR/products and DIR/reaches, datasets of reviewed evidence.

    What is there already is not written again. Pictures are kept for `evidence_hours`: run it more often than that.
    """
    from api.ranges import BadInstantError, parse_instant
    from api.review_export import export_reviews
    from datasets.sample import DatasetFileError
    from store.errors import UnavailableError
    from store.records import Records, RecordsError
    from store.settings import SettingsError, load_settings

    try:
        first, last = parse_instant(start), parse_instant(end) if end is not None else float("inf")
        settings = load_settings(config)
        with Records.open(settings) as records:
            found = export_reviews(records, settings, out, first, last)
    except (BadInstantError, DatasetFileError, RecordsError, SettingsError, UnavailableError) as error:
        typer.echo(f"aisle reviews: {error}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"aisle reviews: {f'{error.filename}: ' if error.filename else ''}{error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"{out}: {found.lines} new lines from {found.reviews} answered reviews, "
        f"{found.without_pictures} of them without pictures"
    )
