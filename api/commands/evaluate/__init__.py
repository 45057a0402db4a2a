"""`aisle evaluate`: scores against truth. One module a question; it registers its command here."""

from __future__ import annotations

import typer

from api.commands.evaluate.checkout import checkout
from api.commands.evaluate.detector import detector
from api.commands.evaluate.floor import floor
from api.commands.evaluate.hands import hands
from api.commands.evaluate.persons import persons
from api.commands.evaluate.pose import pose
from api.commands.evaluate.products import products
from api.commands.evaluate.reach import reach
from api.commands.evaluate.receipts import receipts
from api.commands.evaluate.tracking import tracking, watch

app = typer.Typer(no_args_is_help=True)
for command in (tracking, watch, detector, pose, hands, persons, products, reach, receipts, checkout, floor):
    app.command()(command)
