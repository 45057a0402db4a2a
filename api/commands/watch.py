"""`aisle watch`: point it at footage and see paths, counts, dwell and heatmaps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def watch(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Video file, GIF, folder of pictures, rtsp://..., or webcam:0.",
            show_default=False,
        ),
    ],
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]X1,Y1,X2,Y2", help="Count who crosses this line (pixels). May be repeated."),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=X1,Y1,X2,Y2,X3,Y3,...", help="Measure dwell in this polygon. May be repeated."),
    ] = None,
    staff_zone: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=POLYGON", help="Leave out whoever stands in this polygon. May be repeated."),
    ] = None,
    homography: Annotated[
        Path | None, typer.Option(metavar="FILE", help="3x3 matrix from pixels to metres on the floor (JSON or text).")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file with lines and zones per camera.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the video, tracks, heatmap.png, footfall.csv and report.html here."),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the pages meanwhile, and afterwards until Ctrl-C.")
    ] = False,
    frame_rate: Annotated[
        float | None, typer.Option(min=0.01, help="Frames a second, where the file's header is wrong.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the recording began, ISO 8601; otherwise the file's or now."),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat recordings until Ctrl-C.")] = False,
    weights: Annotated[
        str, typer.Option(help="Detector: efficientdet-lite0, active (what is promoted), or a path.")
    ] = "efficientdet-lite0",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="The detector's input; otherwise after the picture's shape.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or for ultralytics weights cuda.")] = "cpu",
    min_visitors: Annotated[
        int | None,
        typer.Option(min=1, help="Hide heatmap cells with fewer visitors; 1 for recordings, 3 for live cameras."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages; 8700, 0 takes any free one.")] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="With --serve: open the pages in the browser, if there is one.")
    ] = True,
) -> None:
    """Watch footage: follow people anonymously, count, measure dwell, draw heatmaps. Needs no configuration."""
    from api.watch.session import Outcome, WatchRequest, told_errors, watch_session

    request = WatchRequest(
        sources=tuple(sources),
        lines=tuple(line or ()),
        zones=tuple(zone or ()),
        staff_zones=tuple(staff_zone or ()),
        homography=homography,
        plan=plan,
        report=report,
        serve=serve,
        frame_rate=frame_rate,
        start=start,
        loop=loop,
        weights=weights,
        size=size,
        device=device,
        min_visitors=min_visitors,
        port=port,
        open_browser=open_browser,
    )

    def complain(text: str) -> None:
        typer.echo(f"aisle watch: {' '.join(text.split())}", err=True)

    try:
        outcome = watch_session(request, typer.echo, complain)
    except told_errors() as error:
        complain(str(error))
        raise typer.Exit(1) from None
    if outcome is Outcome.CUT_SHORT:
        raise typer.Exit(1)
