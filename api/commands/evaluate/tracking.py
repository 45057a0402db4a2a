"""`aisle evaluate tracking` and `watch`: tracks against truth, in the same numbers for us and for public trackers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.evaluate.shared import JsonOption, progress_bar, show, told

if TYPE_CHECKING:
    from store.plan import Line

TruthOption = Annotated[Path, typer.Option("--truth", help="True boxes, MOT format (gt.txt).")]
SecondHalfOption = Annotated[bool, typer.Option("--second-half", help="Quote only the second half of the frames.")]
LineOption = Annotated[str | None, typer.Option("--line", help="Count over this line: x1,y1,x2,y2 in pixels.")]
CountsOption = Annotated[
    Path | None, typer.Option("--counts", help="True crossings of --line: JSON with crossings: [{frame, dir}].")
]


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
    with told(), progress_bar("Following") as progress:
        from training.evaluate.peers import choose_peers
        from training.evaluate.tracking import evaluate_tracking, read_reference

        peers = choose_peers(peer or [])
        reference = read_reference(
            truth, second_half=second_half, frame_rate=frame_rate, line=_line(line, counts), counts=counts
        )
        report = evaluate_tracking(
            detections, reference, peers=peers, peer_confidence=peer_confidence, repeats=repeats, progress=progress
        )
    show(report, json)


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
    with told(), progress_bar("Watching") as progress:
        from cameras import open_source
        from training.evaluate.watch import WatchQuestion, evaluate_watch
        from vision.pipeline import open_watcher

        question = WatchQuestion(truth, second_half, _line(line, counts), counts)
        with open_source(video, frame_rate=frame_rate) as source:
            report = evaluate_watch(source, question, open_watcher, progress)
    show(report, json)


def _line(line: str | None, counts: Path | None) -> Line | None:
    """The parsed line; a line and its true counts come together or not at all."""
    if (line is None) != (counts is None):
        raise typer.BadParameter("--line and --counts go together: the counts are those of the line")
    if line is None:
        return None
    from store.plan import parse_line

    return parse_line(line)
