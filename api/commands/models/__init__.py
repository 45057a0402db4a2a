"""`aisle models`: the weights that Aisle knows, and which of them are active."""

from __future__ import annotations

import typer

from api.commands.models.candidates import card, diff, show
from api.commands.models.promotions import history, promote, rollback
from api.commands.models.weights import fetch, fetch_with_progress, list_

__all__ = ["app", "fetch_with_progress"]

app = typer.Typer(no_args_is_help=True, help="The weights of the networks: list, fetch, show, promote, roll back.")
app.command("list")(list_)
for command in (fetch, show, card, diff, promote, rollback, history):
    app.command()(command)
