"""`aisle serve`: the pages and the interface on what is recorded already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    plan: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="YAML file with the shop, its cameras, lines and zones.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.", show_default=False)] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default 8700, 0 takes any free one.")] = None,
    cameras: Annotated[
        list[str] | None,
        typer.Option("--camera", metavar="NAME=ADDRESS", help="Watch this camera too; default: the settings' cameras."),
    ] = None,
    catalogue: Annotated[Path | None, typer.Option(help="YAML file with products; default: the plan's.")] = None,
    insights: Annotated[bool, typer.Option(help="Also count and bill what happens, and keep it.")] = True,
    checkout: Annotated[
        bool | None,
        typer.Option(
            "--checkout/--no-checkout",
            help="Watch hands and shelves too; default: where the plan has shelves and there is a catalogue.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the pages and the interface until Ctrl-C; prints a link that opens the pages.

    With cameras it watches them meanwhile: people, hands and shelves where the plan has shelves, else as `aisle worker`
    does.
    """
    import signal
    import threading
    from contextlib import ExitStack

    from api.app import create_app
    from api.logs import log_to_stderr
    from api.rates import BadRateError
    from api.serve import PageServer, ServeError
    from api.shop_watch import lacking_for_shelves, shop_case, watching_shop
    from api.upkeep import keep_tidy, run_services
    from api.watch.options import OptionError
    from api.worker.run import AUTO, WorkerOptions, addresses, watching
    from cameras.errors import CameraError
    from models.errors import ModelError
    from store.bus import Bus, BusError
    from store.catalogue import load_catalogue
    from store.errors import UnavailableError
    from store.plan import PlanError, PlanFile
    from store.records import Records, RecordsError
    from store.settings import SettingsError, load_settings
    from vision.pipeline import DEFAULT_WEIGHTS
    from vision.worker.looking import LookingJob

    log_to_stderr()
    stop = threading.Event()
    try:
        with ExitStack() as stack:
            settings = load_settings(config, host=host, port=port)
            file = PlanFile.read(plan) if plan else None
            known = file.plan if file else None
            goods = catalogue or (file.catalogue_path if file else None)
            products = load_catalogue(goods) if goods else None
            records = stack.enter_context(Records.open(settings))
            bus = stack.enter_context(Bus.open(settings))
            stack.enter_context(keep_tidy(records, settings))
            if insights:
                stack.enter_context(run_services(bus, records, settings, known, products))
            watched = addresses(cameras or (), settings)
            lacking = lacking_for_shelves(known, products, tuple(watched))
            if checkout and lacking:
                raise OptionError(f"--checkout: {lacking}")
            if watched and not lacking and checkout is not False:
                assert known, "or the plan would be lacking"
                assert products, "or the catalogue would be lacking"
                stack.enter_context(watching_shop(shop_case(known, products, watched), settings, bus))
            elif watched:
                stack.enter_context(
                    watching(WorkerOptions(watched, LookingJob(DEFAULT_WEIGHTS, joints=AUTO), known), settings, bus)
                )
            app = create_app(settings, bus=bus, records=records, plan=known, catalogue=products, plan_file=plan)
            server = stack.enter_context(PageServer(app, settings))
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            typer.echo(f"Pages: {server.link()}")
            typer.echo(f"Interface: {server.url}/openapi.json (needs a key: `aisle keys create LABEL`)")
            typer.echo("Ctrl-C ends it.")
            stop.wait()
    except (
        BadRateError,
        BusError,
        CameraError,
        ModelError,
        OptionError,
        PlanError,
        RecordsError,
        ServeError,
        SettingsError,
        UnavailableError,
    ) as error:
        typer.echo(f"aisle serve: {error}", err=True)
        raise typer.Exit(1) from None
