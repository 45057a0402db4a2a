"""`aisle evaluate receipts`: takes and returns in, receipts out, compared with the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, show, told


def receipts(
    events: Annotated[
        Path,
        typer.Option("--events", help="JSON Lines: event_id, at, person, action (take, return), gtin, quantity, slot."),
    ],
    truth: Annotated[
        Path, typer.Option("--truth", help='JSON: {"receipts": [{"target_id", "products": [{"barcode", "quantity"}]}]}')
    ],
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="YAML with prices: also tells the value that is charged wrongly.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Receipts from a stream of takes and returns: item precision, recall and F1, and how many are exact."""
    from store.catalogue import load_catalogue
    from training.evaluate.receipts import evaluate_receipts

    with told():
        report = evaluate_receipts(events, truth, None if catalogue is None else load_catalogue(catalogue))
    show(report, json)
