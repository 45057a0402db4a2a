"""`aisle demo`: simulated shoppers enter by code, take things, put some back and walk out; all of it live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Keeps the film and what is recorded.")] = Path("out/demo"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages afterwards, until Ctrl-C.")] = True,
    port: Annotated[int | None, typer.Option(help="Port of the pages; 8700, 0 takes any free one.")] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page of the shop in the browser, if there is one.")
    ] = True,
) -> None:
    """Play a small shop: films a minute of it once, watches that as it would a live shop's cameras, prints receipts."""
    import signal
    import threading

    from api.demo.screen import Screen
    from api.demo.session import DemoRequest, run_demo
    from api.demo.shoppers import DemoError
    from api.logs import log_to_stderr
    from api.serve import ServeError
    from api.simulate.errors import told_errors
    from models.errors import ModelError
    from store.errors import BusError, RecordsError, UnavailableError
    from store.settings import SettingsError

    mendable: tuple[type[Exception], ...] = (
        *told_errors(), BusError, DemoError, ModelError, RecordsError, ServeError, SettingsError, UnavailableError
    )  # fmt: skip
    log_to_stderr()
    stop = threading.Event()

    def end(number: int, _: object) -> None:
        # The second one interrupts as usual.
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    signal.signal(signal.SIGTERM, end)
    before = signal.signal(signal.SIGINT, end)
    try:
        run_demo(DemoRequest(out, serve, port, open_browser), Screen(), stop)
    except mendable as error:
        typer.echo(f"aisle demo: {error}", err=True)
        raise typer.Exit(2) from None
    finally:
        signal.signal(signal.SIGINT, before)
