"""`aisle evaluate hands`: how well hands that hold a product are told from empty ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


def hands(
    dataset: Annotated[Path, typer.Argument(help="A dataset of `aisle simulate`: only it says what hands hold.")],
    weights: Annotated[str, typer.Option(metavar="NAME", help="active, aisle-hands, or a .onnx file.")] = "active",
    against: Annotated[
        str | None, typer.Option("--against", metavar="NAME", help="Another network: is the first better or worse?")
    ] = None,
    joints: Annotated[str, typer.Option(metavar="NAME", help="The joints network that finds wrists and elbows.")] = (
        "active"
    ),
    every: Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture only.")] = 1,
    json: JsonOption = False,
) -> None:
    """Tell hands that hold a product from empty ones, one look at a time: AUROC, accuracy, log loss."""
    with told(), progress_bar("Looking at hands") as progress:
        from models.hands import open_hand_reader
        from models.joints import open_joint_finder
        from training.evaluate.hands import evaluate_hands

        report = evaluate_hands(
            dataset,
            open_hand_reader(weights),
            open_joint_finder(joints),
            against=open_hand_reader(against) if against else None,
            every=every,
            progress=progress,
        )
    show(report, json)
