"""`aisle evaluate`: scores against truth. One module a question; it registers its command here."""

from __future__ import annotations

import typer

from api.commands.evaluate.people import people
from api.commands.evaluate.reach import reach
from api.commands.evaluate.tracking import tracking, watch

app = typer.Typer(no_args_is_help=True)
for command in (tracking, watch, people, reach):
    app.command()(command)
