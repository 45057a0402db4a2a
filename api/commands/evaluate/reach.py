"""`aisle evaluate reach`: takes and returns in a simulated dataset, a folder of clips, or one video with slots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from models.reach import ReachModel
    from vision.reach_spotter import Classifier

WEIGHTS = (
    "The model's ONNX file, or a name that `aisle models list` shows. Without it the active one; for a video, the "
    "slots' pictures before and after alone."
)


def reach(
    data: Annotated[str, typer.Argument(help="A dataset of `aisle simulate`, a folder of reach clips, or a video.")],
    slots: Annotated[
        Path | None,
        typer.Option("--slots", help="For a video: JSON with slots_xyxy, boxes by name, or slots, polygons (pixels)."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="For a video: JSON with events (slot, type, contact_frame).")
    ] = None,
    cameras: Annotated[str | None, typer.Option("--cameras", metavar="A,B,...", help="Only these cameras.")] = None,
    by_slot: Annotated[
        bool, typer.Option("--by-slot", help="For clips: look at the slots, as where no wrist is known.")
    ] = False,
    weights: Annotated[str | None, typer.Option("--weights", help=WEIGHTS, show_default=False)] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="Also by these weights: better, worse or not known.")
    ] = None,
    rule: Annotated[
        Path | None,
        typer.Option("--rule", help="Against a plain rule on the place before and after, fitted on these clips."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="For clips: write the worst mistakes as pictures to this HTML file.")
    ] = None,
    frame_rate: Annotated[
        float | None, typer.Option("--frame-rate", min=0.1, help="For a video: frames a second; else what it says.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Spot what hands take and put back: event precision, recall and F1 at +-0.5 s, confusion, calibration."""
    from datasets.reach_clips import ReachClipError
    from models.errors import ModelError
    from training.evaluate.reach_video import ReachFileError

    with told(ReachClipError, ModelError, ReachFileError), progress_bar("Watching hands") as progress:
        if slots is not None or truth is not None:
            if slots is None or truth is None:
                raise ReachFileError("--slots and --truth go together: boxes by name, and what happens in them")
            from training.evaluate.reach_video import evaluate_video, read_slots, read_truth

            marked, (events, tolerance) = read_slots(slots), read_truth(truth)
            model = None if weights is None else _opened(weights)
            report = evaluate_video(
                data, marked, events, model=model, tolerance=tolerance, frame_rate=frame_rate, progress=progress
            )
            show(report, json)
            return
        from training.evaluate.reach import evaluate_reach

        if rule is not None and against is not None:
            raise ReachFileError("--against and --rule are both what to compare with: give one")
        other: Classifier | None = None if against is None else _opened(against)
        if rule is not None:
            from training.evaluate.reach_rule import DifferenceRule

            other = DifferenceRule.of_folder(rule)
        found = evaluate_reach(
            Path(data),
            _opened(weights),
            against=other,
            cameras=tuple(cameras.split(",")) if cameras else (),
            by_slot=by_slot,
            progress=progress,
        )
        if page is not None:
            from training.evaluate.reach_page import write_page

            write_page(page, Path(data), found)
    show(found, json)


def _opened(weights: str | None) -> ReachModel:
    """The model of a file, of a name in the registry, or the active one."""
    from models.reach import ReachModel
    from models.registry import active, fetch, path_of

    if weights is None:
        return ReachModel.open(path_of(active("reach")))
    if weights.endswith((".onnx", ".xml")):
        from models.errors import UnknownWeightsError

        if not Path(weights).is_file():
            raise UnknownWeightsError(f"{weights} is no file")
        return ReachModel.open(Path(weights))
    return ReachModel.open(fetch(weights))
