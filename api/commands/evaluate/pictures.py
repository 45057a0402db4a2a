"""Options of the evaluations that look for people in pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
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
VisibleOption = Annotated[
    float, typer.Option("--min-visible", min=0.0, max=1.0, help="Share of the body that must be seen.")
]
AreaOption = Annotated[float, typer.Option("--min-area", min=0.0, help="Pixels that must be seen.")]
EveryOption = Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture of a camera only.")]
PageOption = Annotated[
    Path | None, typer.Option("--page", metavar="FILE", help="Write the worst mistakes as pictures: one HTML file.")
]


def question(
    dataset: Path, cameras: str | None, split: str, min_visible: float, min_area: float, every: int
) -> Question:
    """What the options ask for; cameras are parted by commas."""
    from training.evaluate.people_pictures import Limits, Question

    chosen = tuple(cameras.split(",")) if cameras else ()
    return Question(dataset, chosen, Limits(min_visible, min_area), every, split)
