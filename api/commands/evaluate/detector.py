"""`aisle evaluate detector`: what networks find of the people of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.pictures import (
    AreaOption,
    CamerasOption,
    DatasetArgument,
    EveryOption,
    PageOption,
    SplitOption,
    VisibleOption,
    WeightsOption,
    question,
)
from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from models.people import PersonDetector

AgainstOption = Annotated[
    str | None, typer.Option("--against", metavar="WEIGHTS", help="Another detector: is the first better or worse?")
]


def detector(
    dataset: DatasetArgument,
    cameras: CamerasOption = None,
    split: SplitOption = "",
    weights: WeightsOption = "active",
    against: AgainstOption = None,
    min_visible: VisibleOption = 0.6,
    min_area: AreaOption = 400.0,
    every: EveryOption = 1,
    page: PageOption = None,
    json: JsonOption = False,
) -> None:
    """Find the people of a dataset: AP, AR, recall, precision, by camera, angle, height, crowding and light."""
    with told(), progress_bar("Finding people") as progress:
        from training.evaluate.detector import evaluate_detectors

        asked = question(dataset, cameras, split, min_visible, min_area, every)
        report = evaluate_detectors(asked, _detectors(weights, against), progress)[0]
        if page is not None:
            report.write_page(page)
    show(report, json)


def _detectors(weights: str, against: str | None) -> dict[str, PersonDetector]:
    from models.people import open_person_detector

    if against == weights:
        raise typer.BadParameter(f"--against {against} is what is measured already; name another")
    return {name: open_person_detector(name) for name in (weights, against) if name is not None}
