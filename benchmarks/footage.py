"""Detectors of people on real footage with truth, on the same pictures: is what was trained on simulated shops worse?

python -m benchmarks.footage DIR --weights aisle-people --weights efficientdet-lite0

``DIR`` holds ``vtest/vtest.avi`` with ``gt.txt`` (PETS2009 S2.L1, MOT format) and ``store_aisle/store_aisle.gif`` with
``counts.json`` (how many people are in view, by ranges of frames). The first is scored by COCO's AP; for the second the
mean difference of the number of people found from the number there, at the confidence at which it is smallest, since
detectors differ in what a confidence means.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cameras import open_source
from models.people import PersonDetector, open_person_detector
from training.evaluate.detector import evaluate_detectors
from training.evaluate.people_pictures import Limits, Question

CONFIDENCES = np.arange(0.1, 0.91, 0.05).round(2)


def outdoors(folder: Path, detectors: dict[str, PersonDetector], every: int) -> None:
    """Print AP and AP50 of each detector on every ``every``-th frame of vtest, and how the first compares."""
    with tempfile.TemporaryDirectory(prefix="aisle-footage-") as name:
        sequence = Path(name) / "vtest"
        (sequence / "gt").mkdir(parents=True)
        (sequence / "gt" / "gt.txt").symlink_to((folder / "gt.txt").resolve())
        (sequence / "vtest.avi").symlink_to((folder / "vtest.avi").resolve())
        reports = evaluate_detectors(Question(Path(name), limits=Limits(0.0, 0.0), every=every), detectors)
    for report in reports:
        scores = report.matches.scores()
        typer.echo(f"vtest, {report.pictures} pictures: {report.detector}: AP50 {scores.ap50:.3f}, AP {scores.ap:.3f}")
    for what, comparison in reports[0].against.items():
        typer.echo(f"vtest: {reports[0].detector} against {reports[1].detector}, {what}: {comparison}")


def in_an_aisle(folder: Path, detectors: dict[str, PersonDetector]) -> None:
    """Print how far each detector's number of people is from the number there, in store_aisle."""
    there: dict[int, int] = {}
    for frames, count in json.loads((folder / "counts.json").read_text(encoding="utf-8"))["persons"].items():
        first, last = map(int, frames.split("-"))
        there |= dict.fromkeys(range(first, last + 1), count)
    with open_source(str(folder / "store_aisle.gif")) as source:
        frames = [(frame.index, frame.image) for frame in source if frame.index in there]
    for name, detector in detectors.items():
        found = [detector.detect([image], float(CONFIDENCES[0]))[0].confidence for _, image in frames]
        off = [
            np.mean([abs(int((each >= limit).sum()) - there[n]) for each, (n, _) in zip(found, frames, strict=True)])
            for limit in CONFIDENCES
        ]
        best = int(np.argmin(off))
        typer.echo(
            f"store_aisle, {len(frames)} pictures: {name}: {off[best]:.2f} people off at confidence "
            f"{CONFIDENCES[best]:.2f}, of {np.mean(list(there.values())):.2f}"
        )


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with vtest/ and store_aisle/.")],
    weights: Annotated[list[str] | None, typer.Option(help="A detector, as `aisle watch --weights` takes it.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Look at each n-th frame of vtest.")] = 5,
) -> None:
    """Compare detectors of people on real footage."""
    detectors = {name: open_person_detector(name) for name in weights or ["aisle-people", "efficientdet-lite0"]}
    outdoors(folder / "vtest", detectors, every)
    in_an_aisle(folder / "store_aisle", detectors)


if __name__ == "__main__":
    typer.run(main)
