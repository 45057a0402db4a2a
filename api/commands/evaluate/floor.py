"""`aisle evaluate floor`: who is where on the floor, in metres, against truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told


def floor(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="WILDTRACK-style JSON or its folder, or a simulated dataset.")
    ],
    noise: Annotated[
        int | None, typer.Option("--noise", metavar="SEED", help="Give the boxes a detector's errors, by this seed.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option("--frames", metavar="A:B", help="Frames A to B of each scene, B not included.")
    ] = None,
    cameras: Annotated[
        str | None, typer.Option("--cameras", metavar="NAME,NAME", help="With these cameras only.")
    ] = None,
    by_cameras: Annotated[bool, typer.Option("--by-cameras", help="Also with 2, 3, ... cameras.")] = False,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Also greedy clusters of foot points, followed by SORT.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Follow people over the floor from boxes of many cameras: IDF1, HOTA, MODA, whole visits, counts, centimetres."""
    question_frames = None if frames is None else _frames(frames)
    with told(), progress_bar("Following") as progress:
        from training.evaluate.floor import FloorQuestion, evaluate_floor, read_scenes

        names = tuple(name.strip() for name in cameras.split(",")) if cameras else ()
        question = FloorQuestion(noise, question_frames, names, baseline, by_cameras)
        report = evaluate_floor(read_scenes(dataset), question, progress)
    show(report, json)


def _frames(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    try:
        if not colon or not 0 <= int(first) < int(last):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(f"--frames {text}: expected A:B with A < B, as in 0:100") from None
    return int(first), int(last)
