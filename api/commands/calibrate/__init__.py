"""`aisle calibrate`: lens and pose of a camera, by a shop itself. One module a way; it registers its command here."""

from __future__ import annotations

import typer

from api.commands.calibrate.board import board, sheet
from api.commands.calibrate.check import check
from api.commands.calibrate.points import points
from api.commands.calibrate.walk import walk

app = typer.Typer(no_args_is_help=True)
for command in (sheet, board, points, walk, check):
    app.command()(command)
