"""One run of `aisle demo`: film, serve, play, compare."""

from __future__ import annotations

import os
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.app import create_app
from api.demo.film import Film, film, later, recipes
from api.demo.screen import Screen
from api.demo.shoppers import SCOPES, DemoError, Shoppers
from api.demo.telling import Bill, Teller, bill_table, bills, clock, telling
from api.keys import create_key
from api.serve import PageServer
from api.shop_watch import networks_for, watching_shop
from api.upkeep import run_services
from checkout.prices import PriceBook
from store.bus import Bus
from store.records import Records
from store.settings import Settings, load_settings
from vision.shop.loop import Watcher
from vision.shop.networks import Networks

SETTLE_S: Final = 20.0
"""A demo does not wait two minutes for a receipt."""
_KEY_S: Final = 24 * 3600.0
_BEGIN_S: Final = 1.0
_EVERY_S: Final = 0.2
_GRACE_S: Final = 10.0
_LONGEST_WAIT_S: Final = 120.0


@dataclass(frozen=True)
class DemoRequest:
    """``folder`` keeps the film and what is recorded; with ``serve`` the pages stay until Ctrl-C.

    ``shot`` is a film that is there already; ``networks`` and ``watcher`` take the place of the real ones.
    """

    folder: Path
    serve: bool = True
    port: int | None = None
    open_browser: bool = True
    shot: Film | None = None
    networks: Networks | None = None
    watcher: Callable[[Film, float], Watcher] | None = None


class FilmClock:
    """Seconds that pass as the film is played, however slowly; when it is over they pass as ours do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Callable[[], float] = lambda: 0.0
        self._over = threading.Event()
        self._newest = 0.0
        self._ended_at: float | None = None

    def follow(self, now: Callable[[], float], over: threading.Event) -> None:
        """Take the time from ``now`` (seconds since the film began) until ``over`` is set."""
        with self._lock:
            self._now, self._over = now, over

    def __call__(self) -> float:
        """The time in seconds; never steps back."""
        with self._lock:
            self._newest = max(self._newest, self._now())
            if not self._over.is_set():
                return self._newest
            if self._ended_at is None:
                self._ended_at = time.monotonic()
            return self._newest + time.monotonic() - self._ended_at


def run_demo(request: DemoRequest, screen: Screen, stop: threading.Event) -> list[Bill]:
    """Play the demo until it is over or ``stop`` is set; the receipts beside the truth.

    Raises ``DemoError`` and what filming, opening networks, the bus, the records and the server raise.
    """
    shot = request.shot or _film(request.folder / "film", screen, stop)
    with ExitStack() as stack:
        settings = _settings(request)
        records = stack.enter_context(Records.open(settings))
        bus = stack.enter_context(Bus.open(settings))
        plan, catalogue = shot.plan, shot.catalogue
        clock = FilmClock()
        stack.enter_context(run_services(bus, records, settings, plan, catalogue, clock=clock))
        app = create_app(settings, bus=bus, records=records, plan=plan, catalogue=catalogue)
        server = stack.enter_context(PageServer(app, settings))
        screen.say(f"The shop live: {server.link('/shop')}")
        _open_browser(server.link("/shop"), request.open_browser)
        found = _play(request, shot, settings, records, bus, server, clock, screen, stop)
        if request.serve and not stop.is_set():
            screen.say(f"The pages go on: {server.link('/shop')}  (Ctrl-C ends them)")
            stop.wait()
    return found


def _film(folder: Path, screen: Screen, stop: threading.Event) -> Film:
    with screen.stage("Filming a simulated shop (once)") as step:
        step(0, 1, "making people and products")

        def filmed(done: int, total: int) -> None:
            if stop.is_set():
                raise DemoError("stopped while it was filming; nothing is left half made")
            step(done, total, f"{done} of {total} pictures")

        return film(folder, recipes(), filmed)


def _play(
    request: DemoRequest,
    shot: Film,
    settings: Settings,
    records: Records,
    bus: Bus,
    server: PageServer,
    film_clock: FilmClock,
    screen: Screen,
    stop: threading.Event,
) -> list[Bill]:
    case = shot.case()
    with screen.stage("Opening the networks"):
        networks = request.networks or networks_for(case)
    _, key = create_key(records, "demo", SCOPES, now=time.time(), expires_at=time.time() + _KEY_S)
    names = {person.session: person.name for person in shot.truth.people if person.session is not None}
    began_s = time.time() + _BEGIN_S
    shift_s = began_s - shot.began_s
    shoppers = Shoppers(server.url, key, shot.openings, shot.weights(), names, shift_s, screen.say)

    def name(session: str) -> str:
        return names.get(shoppers.visits.get(session, ""), "somebody")

    teller = Teller(PriceBook(shot.catalogue), name, began_s, screen.say)
    watcher = request.watcher(shot, shift_s) if request.watcher else None
    failures: list[Exception] = []
    with ExitStack() as stack:
        stack.enter_context(telling(bus, teller))
        watching = stack.enter_context(
            watching_shop(case, settings, bus, networks=networks, watcher=watcher, opens=later(shift_s))
        )
        state, over = watching.loop.state, threading.Event()
        film_clock.follow(lambda: state.time_s - began_s, watching.ended)

        def shop() -> None:
            try:
                shoppers.run(lambda: state.time_s, over)
            except DemoError as error:
                failures.append(error)

        playing = threading.Thread(target=shop, name="aisle-demo-shoppers", daemon=True)
        playing.start()
        stack.callback(playing.join, 10)
        stack.callback(over.set)
        length_s = max((person.left_s for person in shot.truth.people if len(person.time_s)), default=0.0)
        length_s -= shot.began_s
        with screen.stage("Playing it as a live shop") as step:
            while not (stop.is_set() or watching.ended.wait(_EVERY_S) or failures):
                played = max(state.time_s - began_s, 0.0)
                step(min(played, length_s), length_s, f"{clock(played)} of {clock(length_s)}, {state.moments} moments")
        if failure := watching.failure or next(iter(failures), None):
            raise DemoError(f"the demo ended early: {failure}") from failure
        with screen.stage("Waiting for the last receipts") as step:
            deadline = time.monotonic() + min(settings.settle_s + _GRACE_S, _LONGEST_WAIT_S)
            while not stop.wait(_EVERY_S) and time.monotonic() < deadline:
                issued = sum(map(teller.is_issued, shoppers.visits))
                step(issued, len(shoppers.visits), f"{issued} of {len(shoppers.visits)}")
                if issued == len(shoppers.visits):
                    break
    if teller.first_at is not None:
        screen.say(f"The first receipt came {teller.first_at - screen.began:.0f} s after the demo was started.")
    found = bills(teller.receipts, shoppers.visits, shot.truth.receipts, names)
    screen.show(bill_table(found, teller.items))
    return found


def _settings(request: DemoRequest) -> Settings:
    """The demo has a bus and records of its own, made anew, whatever servers the environment names."""
    folder = request.folder / "records"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("aisle.sqlite3*"):
        path.unlink()
    changes = {
        "data_dir": folder,
        "redis_url": None,
        "database_url": None,
        "settle_s": SETTLE_S,
        # Who has the film can see the people in it.
        "min_visitors": 1,
    }
    return load_settings(port=request.port).model_copy(update=changes)


def _open_browser(link: str, wanted: bool) -> None:
    if wanted and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(link)
