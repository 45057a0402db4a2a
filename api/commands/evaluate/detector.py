"""`aisle evaluate detector` and `aisle evaluate pose`: what networks find of the people of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from models.people import PersonDetector
    from training.evaluate.people_pictures import Question

DatasetArgument = Annotated[Path, typer.Argument(help="A dataset with people: of `aisle simulate`, COCO, YOLO or MOT.")]
CamerasOption = Annotated[str | None, typer.Option("--cameras", metavar="A,B,...", help="Only these cameras.")]
SplitOption = Annotated[str, typer.Option("--split", help="Only this split: train, val or test.")]
WeightsOption = Annotated[
    str,
    typer.Option(
        help="active (what is promoted, else what Aisle ships), efficientdet-lite0, or a .onnx, .xml or .pt file."
    ),
]
AgainstOption = Annotated[
    str | None, typer.Option("--against", metavar="WEIGHTS", help="Another detector: is the first better or worse?")
]
VisibleOption = Annotated[
    float, typer.Option("--min-visible", min=0.0, max=1.0, help="Share of the body that must be seen.")
]
AreaOption = Annotated[float, typer.Option("--min-area", min=0.0, help="Pixels that must be seen.")]
EveryOption = Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture of a camera only.")]
PageOption = Annotated[
    Path | None, typer.Option("--page", metavar="FILE", help="Write the worst mistakes as pictures: one HTML file.")
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

        question = _question(dataset, cameras, split, min_visible, min_area, every)
        report = evaluate_detectors(question, _detectors(weights, against), progress)[0]
        if page is not None:
            report.write_page(page)
    show(report, json)


def pose(
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
    """Find the joints of people: AP by keypoint similarity and PCK, by joint, wrists apart, and by slice."""
    with told(), progress_bar("Finding joints") as progress:
        from training.evaluate.pose import evaluate_poses

        question = _question(dataset, cameras, split, min_visible, min_area, every)
        report = evaluate_poses(question, _detectors(weights, against), progress)[0]
        if page is not None:
            report.write_page(page)
    show(report, json)


def _question(
    dataset: Path, cameras: str | None, split: str, min_visible: float, min_area: float, every: int
) -> Question:
    from training.evaluate.people_pictures import Limits, Question

    chosen = tuple(cameras.split(",")) if cameras else ()
    return Question(dataset, chosen, Limits(min_visible, min_area), every, split)


def _detectors(weights: str, against: str | None) -> dict[str, PersonDetector]:
    from models.people import open_person_detector

    if against == weights:
        raise typer.BadParameter(f"--against {against} is what is measured already; name another")
    return {name: open_person_detector(name) for name in (weights, against) if name is not None}
