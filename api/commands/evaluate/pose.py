"""`aisle evaluate pose`: how well networks place the joints of the people of a dataset."""

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

OWN = "own"
JointsOption = Annotated[
    str,
    typer.Option(
        metavar="NAME", help=f"active, aisle-joints, a .onnx file, or {OWN}: those that the detector itself places."
    ),
]
AgainstOption = Annotated[
    str | None, typer.Option("--against", metavar="NAME", help="Other joints: are the first better or worse?")
]


def pose(
    dataset: DatasetArgument,
    cameras: CamerasOption = None,
    split: SplitOption = "",
    weights: WeightsOption = "active",
    joints: JointsOption = "active",
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

        asked = question(dataset, cameras, split, min_visible, min_area, every)
        report = evaluate_poses(asked, _detectors(weights, joints, against), progress)[0]
        if page is not None:
            report.write_page(page)
    show(report, json)


def _detectors(weights: str, joints: str, against: str | None) -> dict[str, PersonDetector]:
    from models.joints import PosedDetector, open_joint_finder
    from models.people import open_person_detector

    if against == joints:
        raise typer.BadParameter(f"--against {against} is what is measured already; name another")
    people = open_person_detector(weights)
    return {
        f"{weights}, joints {name}": people if name == OWN else PosedDetector(people, open_joint_finder(name))
        for name in (joints, against)
        if name is not None
    }
