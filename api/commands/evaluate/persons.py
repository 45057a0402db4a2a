"""`aisle evaluate persons`: how well visitors are known again in other cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


def persons(
    dataset: Annotated[Path, typer.Argument(help="A dataset of `aisle simulate`, two cameras or more.")],
    weights: Annotated[
        str | None, typer.Option(help="Embedder: a name in the registry, or a file. [default: the active one]")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Another embedder to compare with.")] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Beside it: colour histograms, EfficientNet-Lite0 and MobileNetV2 features.")
    ] = False,
    visible: Annotated[float, typer.Option(min=0.1, max=1.0, help="Share of the body that must be seen.")] = 0.5,
    every: Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture only.")] = 1,
    seed: Annotated[int, typer.Option(help="Draws the boxes' errors.")] = 0,
    page: Annotated[Path | None, typer.Option(help="Write a page with the worst mistakes here.")] = None,
    json: JsonOption = False,
) -> None:
    """Look for each visitor of a simulated dataset in the other cameras: rank-1, mAP, AUROC, calibration."""
    from models.errors import ModelError

    with told(ModelError), progress_bar("Looking for visitors") as progress:
        from models.persons import open_person_embedder
        from training.evaluate.person_pictures import Embedder
        from training.evaluate.persons import evaluate_persons
        from training.evaluate.plain_features import PlainFeatures
        from vision.appearance import colour_embedding

        class Colours:
            embed = staticmethod(colour_embedding)

        others: dict[str, Embedder] = {}
        if peers:
            others = {"colour histograms": Colours()}
            others |= {name: PlainFeatures(name) for name in ("efficientnet-lite0", "mobilenetv2-bottleneck")}
        report = evaluate_persons(
            dataset,
            open_person_embedder(weights),
            against=open_person_embedder(against) if against else None,
            peers=others,
            visible=visible,
            every=every,
            seed=seed,
            page=page,
            progress=progress,
        )
    show(report, json)
