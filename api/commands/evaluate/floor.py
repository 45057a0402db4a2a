"""`aisle evaluate floor`: who is where on the floor, in metres, against truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from datasets.floor_scene import FloorScene
    from models.people import PersonDetector


def floor(
    dataset: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET...",
            help="WILDTRACK-style JSON or its folder, a simulated dataset, or families of scenarios to play undrawn.",
        ),
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
    detector: Annotated[
        str | None,
        typer.Option("--detector", metavar="WEIGHTS", help="For films: find the people in their pictures with this."),
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="The detector's input; 640x384 by default.")
    ] = None,
    store: Annotated[str, typer.Option(metavar="PLAN", help="For families: a plan's file, nano or shop.")] = "nano",
    seeds: Annotated[str, typer.Option(metavar="N|A:B", help="For families: which to play, each as a scene.")] = "1",
    rate: Annotated[float, typer.Option(min=0.5, max=60.0, help="For families: moments a second.")] = 5.0,
    json: JsonOption = False,
) -> None:
    """Follow people over the floor from boxes of many cameras: IDF1, HOTA, MODA, whole visits, counts, centimetres."""
    part = None if frames is None else _frames(frames)
    from api.simulate.errors import told_errors

    with told(*told_errors()), progress_bar("Following") as progress:
        from training.evaluate.floor import FloorQuestion, evaluate_floor, read_scenes

        names = tuple(name.strip() for name in cameras.split(",")) if cameras else ()
        if any(Path(each).exists() for each in dataset):
            scenes = [scene for each in dataset for scene in read_scenes(Path(each))]
        else:
            scenes = _played(tuple(dataset), store, seeds, rate, cameras)
        finder = None if detector is None else _opened(detector, size, noise)
        report = evaluate_floor(scenes, FloorQuestion(noise, part, names, baseline, by_cameras, finder), progress)
    show(report, json)


def _opened(weights: str, size: str | None, noise: int | None) -> PersonDetector:
    if noise is not None:
        raise typer.BadParameter("--noise is for true boxes: give it or --detector")
    from api.watch.options import parse_size
    from models.people import open_person_detector

    return open_person_detector(weights, size=None if size is None else parse_size(size))


def _played(families: tuple[str, ...], store: str, seeds: str, rate: float, cameras: str | None) -> list[FloorScene]:
    from api.simulate.options import SimulateRequest, recipes_of
    from datasets.simulation.floor import play_floor

    request = SimulateRequest(families, store, seeds, cameras, rate=rate)
    return [play_floor(recipe) for recipe in recipes_of(request)]


def _frames(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    try:
        if not colon or not 0 <= int(first) < int(last):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(f"--frames {text}: expected A:B with A < B, as in 0:100") from None
    return int(first), int(last)
