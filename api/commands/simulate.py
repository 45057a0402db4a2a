"""`aisle simulate`: films a simulated shop, with the truth of all that is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


def simulate(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SCENARIO...", help="A family's name (--list), all, or a YAML file.", show_default=False
        ),
    ] = None,
    store: Annotated[str, typer.Option(metavar="PLAN", help="The shop's plan: a file, nano or shop.")] = "nano",
    seeds: Annotated[str, typer.Option(metavar="N|A:B", help="3 is 0, 1, 2; 10:13 is 10, 11, 12.")] = "1",
    cameras: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Only these cameras of the plan.", show_default=False)
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of the pictures; otherwise the plan's.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(min=0.5, max=60.0, help="Frames a second.")] = 10.0,
    format: Annotated[str, typer.Option(metavar="mp4|frames", help="Videos, or folders of JPEG files.")] = "mp4",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs at a time; otherwise by cores and renderer.", show_default=False)
    ] = None,
    vary: Annotated[
        bool,
        typer.Option("--vary", help="Each seed plays in a variation of the plan: mirrored, exchanged, seen otherwise."),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The dataset's folder; what is whole in it is kept.")] = Path(
        "out/simulated"
    ),
    open_page: Annotated[bool, typer.Option("--open", help="Open the preview in the browser afterwards.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Stream one run in real time, write nothing.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="With --live: begin anew at the end.")] = False,
    rtsp_port: Annotated[int, typer.Option(help="With --live: port of the streams; 0 takes any free one.")] = 8554,
    http_port: Annotated[int, typer.Option(help="With --live: port of the sensors; 0 takes any free one.")] = 8701,
    list_families: Annotated[bool, typer.Option("--list", help="Print the families and end.")] = False,
) -> None:
    """Film a simulated shop: what its cameras see, and the truth of it in standard formats."""
    with _told():
        if list_families:
            from datasets.simulation.scenario import families

            for name in families():
                typer.echo(name)
            return
        from api.simulate.options import SimulateRequest

        request = SimulateRequest(
            scenarios=tuple(scenarios or ()),
            store=store,
            seeds=seeds,
            cameras=cameras,
            resolution=resolution,
            rate=rate,
            format=format,
            workers=workers,
            out=out,
            vary=vary,
        )
        if live:
            _show_live(request, loop, rtsp_port, http_port)
            return
        from api.simulate.write import simulate as write

        page = write(request, typer.echo)
        typer.echo(f"Preview: {page.resolve().as_uri() if open_page else page}")
        if open_page:
            import webbrowser

            webbrowser.open(page.resolve().as_uri())


def _show_live(request: object, loop: bool, rtsp_port: int, http_port: int) -> None:
    import signal
    import threading

    from api.simulate.live import simulate_live

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulate_live(request, typer.echo, loop=loop, rtsp_port=rtsp_port, http_port=http_port, stop=stop)  # type: ignore[arg-type]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and exit code 2; Ctrl-C into 130."""
    from api.simulate.errors import told_errors

    try:
        yield
    except told_errors() as error:
        typer.echo(f"aisle simulate: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("aisle simulate: interrupted; the same command goes on with what is missing", err=True)
        raise typer.Exit(130) from None
