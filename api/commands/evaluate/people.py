"""`aisle evaluate people`: what a detector finds in a simulated dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


def people(
    dataset: Annotated[Path, typer.Argument(help="A dataset of `aisle simulate`.")],
    cameras: Annotated[str | None, typer.Option("--cameras", metavar="A,B,...", help="Only these cameras.")] = None,
    weights: Annotated[
        str, typer.Option(help="Detector: efficientdet-lite0, or a path to ultralytics weights.")
    ] = "efficientdet-lite0",
    min_visible: Annotated[
        float, typer.Option("--min-visible", min=0.0, max=1.0, help="Share of the body that must be seen.")
    ] = 0.6,
    min_area: Annotated[float, typer.Option("--min-area", min=0.0, help="Pixels that must be seen.")] = 400.0,
    every: Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture only.")] = 1,
    json: JsonOption = False,
) -> None:
    """Find the people of a simulated dataset: recall and precision at IoU .5."""
    with told(), progress_bar("Finding people") as progress:
        from models.people import open_person_detector
        from training.evaluate.people import Limits, evaluate_people

        report = evaluate_people(
            dataset,
            open_person_detector(weights),
            cameras=tuple(cameras.split(",")) if cameras else (),
            limits=Limits(min_visible, min_area),
            every=every,
            progress=progress,
        )
    show(report, json)
