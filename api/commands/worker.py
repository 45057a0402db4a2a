"""`aisle worker` and `aisle top`: the cameras of a shop watched for days, and a look at how that goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[Path | None, typer.Option(help="YAML file with settings.", show_default=False)]


def worker(
    cameras: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CAMERA=ADDRESS]...", help="rtsp://..., webcam:0 or a file; default: the settings'."),
    ] = None,
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML file with the cameras' views.")] = None,
    config: ConfigOption = None,
    weights: Annotated[
        str, typer.Option(help="Detector: efficientdet-lite0, active (what is promoted), or a path.")
    ] = "efficientdet-lite0",
    joints: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Find joints: active, aisle-joints, an .onnx file, none, or auto: where people are followed over a "
            "floor.",
        ),
    ] = "auto",
    size: Annotated[str | None, typer.Option(metavar="WxH", help="The detector's input; 640x384 by default.")] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda for networks that can.")] = "cpu",
    batch: Annotated[int, typer.Option(min=1, help="Pictures that go through the network together, at most.")] = 2,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Pictures a second of a camera that are looked at, at most.")
    ] = None,
    every_picture: Annotated[
        bool, typer.Option("--every-picture", help="Look at all: also where nothing moves, or nobody is near a shelf.")
    ] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat recordings until Ctrl-C.")] = False,
    paced: Annotated[bool, typer.Option("--paced", help="Play recordings at their own pace, as a camera's.")] = False,
) -> None:
    """Watch the cameras of a shop until Ctrl-C: facts go onto the bus, `aisle top` shows how it goes."""
    import signal
    import threading
    from contextlib import ExitStack

    from rich.console import Console
    from rich.live import Live

    from api.logs import log_to_stderr
    from api.watch.options import OptionError, parse_size
    from api.worker.run import ShopWorker, WorkerOptions, addresses
    from api.worker.table import table_of
    from cameras.errors import CameraError
    from store.bus import Bus
    from store.errors import BusError, UnavailableError
    from store.plan import PlanError, load_plan
    from store.settings import SettingsError, load_settings
    from vision.worker.attention import KeyFrames
    from vision.worker.looking import LookingJob
    from vision.worker.worker import WorkerError

    log_to_stderr()
    stop = threading.Event()
    try:
        with ExitStack() as stack:
            settings = load_settings(config)
            looking = LookingJob(
                weights,
                parse_size(size) if size else None,
                device,
                None if joints == "none" else joints,
                batch,
                rest_s=1 / rate if rate else 0.0,
            )
            options = WorkerOptions(
                addresses(cameras or (), settings),
                looking,
                load_plan(plan) if plan else None,
                loop=loop,
                paced=paced,
                gated=not every_picture,
                key_frames=None if every_picture else KeyFrames(),
            )
            bus = stack.enter_context(Bus.open(settings))
            shop = ShopWorker(options, settings, bus)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            console = Console()
            if console.is_terminal:
                live = stack.enter_context(Live(console=console, refresh_per_second=2))
                shop.run(stop, lambda report: live.update(table_of("worker", report)))
            else:
                shop.run(stop)
                console.print(table_of("worker", shop.report()))
    except (
        BusError, CameraError, OptionError, PlanError, SettingsError, UnavailableError, WorkerError
    ) as error:  # fmt: skip
        typer.echo(f"aisle worker: {error}", err=True)
        raise typer.Exit(2) from None


def top(
    config: ConfigOption = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
) -> None:
    """Show what the workers of this shop do, by camera and stage, until Ctrl-C. Needs REDIS_URL."""
    import time

    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    from api.worker.run import EVERY_S, reports
    from api.worker.table import table_of
    from store.bus import Bus
    from store.errors import BusError, UnavailableError
    from store.settings import SettingsError, load_settings

    try:
        settings = load_settings(config)
        if settings.redis_url is None:
            raise SettingsError("the workers report on the bus: name the server that they share with REDIS_URL")
        with Bus.open(settings) as bus:

            def shown() -> Group | Text:
                found = reports(bus)
                if not found:
                    return Text(f"no worker of the shop {settings.store} reports; `aisle worker` starts one")
                return Group(*(table_of(name, report) for name, report in found.items()))

            console = Console()
            if once:
                console.print(shown())
                return
            with Live(shown(), console=console, auto_refresh=False) as live:
                while True:
                    time.sleep(EVERY_S)
                    live.update(shown(), refresh=True)
    except KeyboardInterrupt:
        return
    except (BusError, SettingsError, UnavailableError) as error:
        typer.echo(f"aisle top: {error}", err=True)
        raise typer.Exit(2) from None
