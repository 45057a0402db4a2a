"""`aisle evaluate`: scores against truth, in the same numbers for us and for public trackers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from store.plan import Line
    from training.evaluate.report import Report

app = typer.Typer(no_args_is_help=True)

TruthOption = Annotated[Path, typer.Option("--truth", help="True boxes, MOT format (gt.txt).")]
SecondHalfOption = Annotated[bool, typer.Option("--second-half", help="Quote only the second half of the frames.")]
LineOption = Annotated[str | None, typer.Option("--line", help="Count over this line: x1,y1,x2,y2 in pixels.")]
CountsOption = Annotated[
    Path | None, typer.Option("--counts", help="True crossings of --line: JSON with crossings: [{frame, dir}].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command()
def tracking(
    detections: Annotated[Path, typer.Option("--detections", help="Detected boxes, MOT format (det.txt).")],
    truth: TruthOption,
    second_half: SecondHalfOption = False,
    frame_rate: Annotated[
        float | None,
        typer.Option("--frame-rate", min=0.1, help="Frames a second; else seqinfo.ini beside the truth, else 30."),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option("--peer", help="Also run a public tracker: sort, bytetrack, ocsort, botsort or all."),
    ] = None,
    peer_confidence: Annotated[
        float | None,
        typer.Option("--peer-confidence", min=0.0, max=1.0, help="Show peers only detections of this confidence."),
    ] = None,
    line: LineOption = None,
    counts: CountsOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Runs, for the median of the speed.")] = 3,
    json: JsonOption = False,
) -> None:
    """Follow given detections and score the tracks: HOTA, IDF1, MOTA, ids, counts, speed."""
    with _told(), _progress("Following") as progress:
        from training.evaluate.peers import choose_peers
        from training.evaluate.tracking import evaluate_tracking, read_reference

        peers = choose_peers(peer or [])
        reference = read_reference(
            truth, second_half=second_half, frame_rate=frame_rate, line=_line(line, counts), counts=counts
        )
        report = evaluate_tracking(
            detections, reference, peers=peers, peer_confidence=peer_confidence, repeats=repeats, progress=progress
        )
    _show(report, json)


@app.command()
def watch(
    video: Annotated[str, typer.Argument(help="A video file, a folder of pictures or a GIF.")],
    truth: TruthOption,
    frame_rate: Annotated[
        float | None, typer.Option("--frame-rate", min=0.1, help="Frames a second; else what the video says.")
    ] = None,
    second_half: SecondHalfOption = False,
    line: LineOption = None,
    counts: CountsOption = None,
    json: JsonOption = False,
) -> None:
    """Watch a video as cameras are watched and score the tracks."""
    with _told(), _progress("Watching") as progress:
        from cameras import open_source
        from training.evaluate.watch import WatchQuestion, evaluate_watch
        from vision.pipeline import open_watcher

        question = WatchQuestion(truth, second_half, _line(line, counts), counts)
        with open_source(video, frame_rate=frame_rate) as source:
            report = evaluate_watch(source, question, open_watcher, progress)
    _show(report, json)


@app.command()
def people(
    dataset: Annotated[Path, typer.Argument(help="A dataset of `aisle simulate`.")],
    cameras: Annotated[str | None, typer.Option("--cameras", metavar="A,B,...", help="Only these cameras.")] = None,
    weights: Annotated[
        str, typer.Option(help="Detector: efficientdet-lite0, or a path to ultralytics weights.")
    ] = "efficientdet-lite0",
    min_visible: Annotated[
        float, typer.Option("--min-visible", min=0.0, max=1.0, help="Share of the body that must be seen.")
    ] = 0.6,
    min_area: Annotated[float, typer.Option("--min-area", min=0.0, help="Pixels that must be seen.")] = 400.0,
    every: Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture only.")] = 1,
    json: JsonOption = False,
) -> None:
    """Find the people of a simulated dataset: recall and precision at IoU .5."""
    with _told(), _progress("Finding people") as progress:
        from models.people import open_person_detector
        from training.evaluate.people import Limits, evaluate_people

        report = evaluate_people(
            dataset,
            open_person_detector(weights),
            cameras=tuple(cameras.split(",")) if cameras else (),
            limits=Limits(min_visible, min_area),
            every=every,
            progress=progress,
        )
    if json:
        typer.echo(report.as_json())
        return
    from rich.console import Console

    Console().print(report.as_table())


def _line(line: str | None, counts: Path | None) -> Line | None:
    """The parsed line; a line and its true counts come together or not at all."""
    if (line is None) != (counts is None):
        raise typer.BadParameter("--line and --counts go together: the counts are those of the line")
    if line is None:
        return None
    from store.plan import parse_line

    return parse_line(line)


def _show(report: Report, json: bool) -> None:
    if json:
        typer.echo(report.as_json())
        return
    from rich.console import Console

    Console().print(report.as_table())


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and exit code 2."""
    from cameras.errors import CameraError
    from datasets.formats.coco import CocoFileError
    from datasets.formats.mot import MotFileError
    from store.plan import PlanError
    from training.evaluate.crossings import CountsFileError
    from training.evaluate.extra import MissingExtraError
    from training.evaluate.metrics import DuplicateIdError
    from training.evaluate.peers import UnknownPeerError

    try:
        yield
    except (
        CameraError,
        CocoFileError,
        CountsFileError,
        DuplicateIdError,
        MissingExtraError,
        MotFileError,
        PlanError,
        UnknownPeerError,
    ) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, gone when it is done."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:3], TimeRemainingColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None, rate="")

        def step(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.1f}/s" if speed else ""
            bar.update(task, completed=done, total=max(done, total), rate=rate)

        yield step
