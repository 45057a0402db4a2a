"""One run of `aisle watch` from its options to its last line: servers, progress, report, pages."""

from __future__ import annotations

import enum
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.app import create_app
from api.commands.models import fetch_with_progress
from api.live import LiveFrames
from api.logs import log_to_stderr
from api.serve import PageServer, ServeError
from api.upkeep import keep_tidy
from api.watch.options import OptionError, WatchOptions, check_options, is_live, parse_size, parse_start, unplanned
from api.watch.progress import show_progress
from api.watch.run import Watch
from api.watch.summary import summarise, write_reports
from cameras.errors import CameraError
from models.errors import ModelError
from store.bus import Bus, BusError
from store.errors import UnavailableError
from store.plan import PlanError, load_homography, load_plan, parse_line, parse_zone
from store.records import Records, RecordsError
from store.settings import Settings, SettingsError, load_settings
from vision.pipeline import DEFAULT_WEIGHTS
from vision.recording import VideoWriterError

Say = Callable[[str], None]
_FOR_BLUR: Final = ("face-full-range",)
_RECORDS: Final = "records"


class Outcome(enum.Enum):
    """How a run ended: all footage was watched, or a camera failed on the way."""

    COMPLETE = enum.auto()
    CUT_SHORT = enum.auto()


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """The options of the command, as they were typed."""

    sources: tuple[str, ...]
    lines: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    staff_zones: tuple[str, ...] = ()
    homography: Path | None = None
    plan: Path | None = None
    report: Path | None = None
    serve: bool = False
    frame_rate: float | None = None
    start: str | None = None
    loop: bool = False
    weights: str = DEFAULT_WEIGHTS
    size: str | None = None
    device: str = "cpu"
    min_visitors: int | None = None
    port: int | None = None
    open_browser: bool = True


def told_errors() -> tuple[type[Exception], ...]:
    """The errors whose message tells the user what to mend."""
    return (
        OSError,
        BusError,
        CameraError,
        ModelError,
        OptionError,
        PlanError,
        RecordsError,
        ServeError,
        SettingsError,
        UnavailableError,
        VideoWriterError,
    )


def watch_session(request: WatchRequest, say: Say, complain: Say) -> Outcome:
    """Watch, report and serve as asked. Raises one of ``told_errors``.

    ``say`` gets each line of the result, ``complain`` what the user should know of what went wrong.
    """
    log_to_stderr()
    options = _options(request)
    check_options(options)
    if left_out := unplanned(options):
        complain(f"not in the plan, and watched without its lines and zones: {', '.join(left_out)}")
    recorded = not any(is_live(source) for source in options.sources)
    with ExitStack() as stack:
        settings = _settings(request, recorded, stack)
        records = stack.enter_context(Records.open(settings))
        bus = stack.enter_context(Bus.open(settings))
        live = LiveFrames() if request.serve else None
        watch = stack.enter_context(Watch(options, settings, bus, records, folder=request.report, live=live))
        fetch_with_progress([*_FOR_BLUR, *([options.weights] if options.weights == DEFAULT_WEIGHTS else [])])
        watch.prepare()
        server = None
        if live is not None:
            server = stack.enter_context(
                PageServer(create_app(settings, bus=bus, records=records, live=live), settings)
            )
            if not recorded:
                # The footage's own clock counts there: what an old recording shows would be deleted at once.
                stack.enter_context(keep_tidy(records, settings))
            say(f"Pages: {server.link()}")
            _open_browser(server.link(), request.open_browser)
        with _ctrl_c(watch.stop), show_progress() as on_progress:
            watch.run(on_progress)
        for text in summarise(watch, records, settings):
            say(text)
        failed = [camera for camera in watch.cameras if camera.state.error is not None]
        for camera in failed:
            complain(f"camera {camera.view.camera} ended early: {camera.state.error}")
        if request.report is not None and (page := write_reports(request.report, watch, records, settings)):
            say(f"Report: {page}")
        # Whoever pressed Ctrl-C already wants to be gone.
        if server is not None and not watch.stop.is_set():
            ended = threading.Event()
            with _ctrl_c(ended):
                say(f"Pages: {server.link()}  (Ctrl-C ends them)")
                ended.wait()
    return Outcome.CUT_SHORT if failed else Outcome.COMPLETE


def _options(request: WatchRequest) -> WatchOptions:
    if request.report is not None and request.report.exists() and not request.report.is_dir():
        raise OptionError(f"--report {request.report} is a file: give a folder")
    zones = [parse_zone(text) for text in request.zones]
    zones += [parse_zone(text).model_copy(update={"staff": True}) for text in request.staff_zones]
    lines = [
        parse_line(text, "line" if len(request.lines) == 1 else f"line-{number}")
        for number, text in enumerate(request.lines, 1)
    ]
    return WatchOptions(
        sources=request.sources,
        lines=tuple(lines),
        zones=tuple(zones),
        homography=load_homography(request.homography) if request.homography else None,
        plan=load_plan(request.plan) if request.plan else None,
        frame_rate=request.frame_rate,
        start=parse_start(request.start) if request.start else None,
        weights=request.weights,
        size=parse_size(request.size) if request.size else None,
        device=request.device,
        loop=request.loop,
    )


def _settings(request: WatchRequest, recorded: bool, stack: ExitStack) -> Settings:
    """The settings of this run; what recordings show is kept apart from the shop's own data, unless a server is named.

    With a report the data lies in its folder and is made anew, so that watching a clip twice does not count it twice.
    """
    asked = load_settings(port=request.port, min_visitors=request.min_visitors)
    changes: dict[str, object] = {}
    if recorded and request.min_visitors is None and "min_visitors" not in asked.model_fields_set:
        # Who has the clip can see the people in it: there is nobody to hide them from.
        changes["min_visitors"] = 1
    if recorded and asked.database_url is None and "data_dir" not in asked.model_fields_set:
        if request.report is not None:
            folder = request.report / _RECORDS
            _empty(folder)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aisle-")))
        changes["data_dir"] = folder
    return asked.model_copy(update=changes)


def _empty(folder: Path) -> None:
    """Delete the records and pictures of an earlier run, and nothing else that may lie there."""
    for path in [*folder.glob("aisle.sqlite3*"), *folder.glob("previews/*.jpg")]:
        path.unlink()


def _open_browser(link: str, wanted: bool) -> None:
    import os
    import webbrowser

    if wanted and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(link)


@contextmanager
def _ctrl_c(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` at the first Ctrl-C or SIGTERM; the second one interrupts as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
