"""`aisle evaluate products`: how well products are recognised, and unknown ones refused."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


class EnrolFrom(StrEnum):
    """Which photos products are enrolled from."""

    CATALOGUE = "catalogue"
    TRAIN = "train"
    BOTH = "both"


def products(
    dataset: Annotated[Path, typer.Argument(help="A folder of photos by product, or a dataset of `aisle simulate`.")],
    enrol: Annotated[EnrolFrom, typer.Option(help="Photos to enrol products from.")] = EnrolFrom.CATALOGUE,
    split: Annotated[str, typer.Option(help="Photos to recognise.")] = "val",
    sizes: Annotated[bool, typer.Option(help="Tell what a metre measures in a simulated camera's picture.")] = True,
    weights: Annotated[
        str | None, typer.Option(help="Trained embedder: a name in the registry, or a file. [default: the active one]")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Another embedder to compare with.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with the worst mistakes here.")] = None,
    json: JsonOption = False,
) -> None:
    """Recognise products: top-1, top-5, AUROC and FPR95 for unknown ones, calibration, slices."""
    from datasets.simulation.render.gl import RendererError
    from datasets.simulation.scenario import ScenarioError
    from models.errors import ModelError

    with told(ModelError, RendererError, ScenarioError), progress_bar("Looking at products") as progress:
        from models.products.embedder import open_product_embedder
        from training.evaluate.products import evaluate_products

        report = evaluate_products(
            dataset,
            open_product_embedder(weights),
            enrolled=enrol.value,
            split=split,
            sizes=sizes,
            against=open_product_embedder(against) if against else None,
            page=page,
            progress=progress,
        )
    show(report, json)
