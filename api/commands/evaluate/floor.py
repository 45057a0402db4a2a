"""`aisle evaluate floor`: who is where on the floor, in metres, against truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from datasets.floor_scene import FloorScene
    from training.evaluate.floor_pictures import FloorEyes


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
    joints: Annotated[
        str, typer.Option("--joints", metavar="NAME", help="With --detector: find joints too, with this; or none.")
    ] = "aisle-joints",
    keep: Annotated[
        bool, typer.Option("--keep", help="With --detector: keep what it finds beside the films, for the next time.")
    ] = False,
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
        eyes = None if detector is None else _opened(detector, joints, size, keep, noise)
        report = evaluate_floor(scenes, FloorQuestion(noise, part, names, baseline, by_cameras, eyes), progress)
    show(report, json)


def _opened(weights: str, joints: str, size: str | None, keep: bool, noise: int | None) -> FloorEyes:
    if noise is not None:
        raise typer.BadParameter("--noise is for true boxes: give it or --detector")
    from api.watch.options import parse_size
    from models.joints import PosedDetector, open_joint_finder
    from models.people import PersonDetector, open_person_detector
    from models.registry import registry
    from training.evaluate.checkout_kept import kept_name
    from training.evaluate.floor_pictures import LEAST, FloorEyes

    pixels = None if size is None else parse_size(size)
    used = [weights] if joints == "none" else [weights, joints]
    detector: PersonDetector = open_person_detector(weights, size=pixels)
    if joints != "none":
        detector = PosedDetector(detector, open_joint_finder(joints))
    if keep and (unnamed := [each for each in used if each not in registry() and not Path(each).is_file()]):
        raise typer.BadParameter(f"--keep needs networks by name or file, and {', '.join(unnamed)} is neither")
    return FloorEyes(detector, kept_name(used, pixels, LEAST) if keep else None)


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
