"""`aisle evaluate checkout`: from pixels to receipts, suite by suite."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


class SensorsChoice(StrEnum):
    """What a shop has."""

    VISION = "vision"
    VISION_AND_PLATES = "vision+plates"
    BOTH = "both"


def checkout(
    suite: Annotated[
        str, typer.Argument(metavar="SUITE", help="fast, full, a family's name, or a folder of simulated runs.")
    ],
    seeds: Annotated[
        str | None,
        typer.Option(metavar="N|A:B", help="Seeds A to B, B not included; from 9000 on for acceptance alone."),
    ] = None,
    sensors: Annotated[SensorsChoice, typer.Option(help="Cameras alone, with weight plates, or each.")] = (
        SensorsChoice.VISION
    ),
    store: Annotated[str, typer.Option(help="The example that is filmed: nano or shop.")] = "nano",
    families: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="These families of the suite alone.")
    ] = None,
    clips: Annotated[
        Path, typer.Option(metavar="DIR", help="Where films are kept, so that they are made once.")
    ] = Path("out/clips"),
    failures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page for the two worst failures of each family.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the people found in pictures beside the clips; look for them once.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Clips at a time; as many as there are cores.")] = None,
    json: JsonOption = False,
) -> None:
    """Simulated shoppers from pixels through the whole system: receipts, charges, reviews, times and confidences."""
    from api.simulate.errors import told_errors
    from api.simulate.options import EXAMPLES, OptionError, seed_range

    with (
        told(*told_errors()),
        progress_bar("Filming") as filming,
        progress_bar("Playing") as playing,
    ):
        from training.evaluate.checkout import evaluate_checkout
        from training.evaluate.checkout_suite import SENSORS, SuiteRequest, SuiteSettings

        if store not in EXAMPLES:
            raise OptionError(f"--store {store}: expected {' or '.join(EXAMPLES)}")
        request = SuiteRequest(
            suite,
            clips,
            None if seeds is None else seed_range(seeds),
            store,  # type: ignore[arg-type]
            tuple(name.strip() for name in families.split(",")) if families else (),
        )
        chosen = tuple(each for each in SENSORS if sensors in (SensorsChoice.BOTH, each))
        report = evaluate_checkout(
            request,
            chosen,
            SuiteSettings(keep=keep),
            failures=failures,
            workers=workers,
            filming=filming,
            playing=playing,
        )
    show(report, json)
