"""The `aisle` command: one line per command, each in a module of its own."""

from __future__ import annotations

import typer

from api.commands import (
    calibrate,
    datasets,
    demo,
    evaluate,
    gate,
    keys,
    models,
    replay,
    reviews,
    serve,
    simulate,
    store,
    watch,
    worker,
)

app = typer.Typer(
    name="aisle",
    help="Computer vision for shops: anonymous paths, counts, dwell and heatmaps from the shop's own cameras.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(watch.watch)
app.command()(worker.worker)
app.command()(worker.top)
app.command()(serve.serve)
app.command()(gate.gate)
app.command()(replay.replay)
app.command()(simulate.simulate)
app.add_typer(calibrate.app, name="calibrate", help="Lens and pose of cameras: board, points, walk, check.")
app.add_typer(store.app, name="store", help="The plan of a shop: write an example, check it, draw it.")
app.add_typer(datasets.app, name="datasets", help="Datasets: info, convert, split, check, manifest.")
app.add_typer(models.app, name="models", help="The weights: list, fetch, show.")
app.add_typer(evaluate.app, name="evaluate", help="Scores against truth.")
app.add_typer(reviews.app, name="reviews", help="What people answered: export.")
app.add_typer(keys.app, name="keys", help="API keys: create, list, revoke.")


def main() -> None:
    """Run the command; the entry point of the package."""
    app()
