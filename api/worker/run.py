"""Runs a worker over a shop's cameras: facts onto the bus, and a report there for `aisle top` and /metrics."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from api.watch.options import OptionError, check_size
from cameras.decoder import DecoderJob, Opened
from cameras.live import CameraState
from cameras.stillness import StillnessSettings
from cameras.uri import LIVE, kind_of
from store.bus import Bus
from store.errors import BusError, UnavailableError
from store.events import Event
from store.layout import Plan
from store.settings import Settings
from store.views import CameraView
from vision.states import CameraStates
from vision.worker.account import CameraAccount, bottleneck
from vision.worker.attention import KeyFrames
from vision.worker.floor import FloorCamera, FloorFollower, FloorFollowing, calibrated
from vision.worker.following import CameraFollower
from vision.worker.looking import LookingJob
from vision.worker.worker import Worker

Report = dict[str, Any]
_PREFIX: Final = "worker:"
AUTO: Final = "auto"
JOINTS: Final = "aisle-joints"
EVERY_S: Final = 1.0
LASTS_S: Final = 10.0
_AUDITED: Final = {
    "time", "period_s", "entries", "exits", "inside", "sigma", "begun_away", "ended_away", "doubled", "fails"
}  # fmt: skip
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """``cameras`` are addresses by name, which may hold passwords; ``plan`` has their views. ``loop`` and ``paced`` are
    for recordings: for ever, at their own pace. ``gated`` skips pictures in which nothing moves. ``key_frames`` is for
    cameras that are live or paced; None looks at all pictures. ``looking`` with the joints ``AUTO`` finds them where
    cameras follow people over one floor: there joints place people much better than boxes.
    """

    cameras: Mapping[str, str]
    looking: LookingJob
    plan: Plan | None = None
    loop: bool = False
    paced: bool = False
    gated: bool = True
    key_frames: KeyFrames | None = field(default_factory=KeyFrames)


def looking_for(looking: LookingJob, plan: Plan | None, cameras: Sequence[str]) -> LookingJob:
    """What to look with where joints are left open: with those that Aisle ships where one floor is followed. There the
    vest of the plan's staff is looked for.
    """
    one_floor = calibrated(plan, cameras)
    if plan is not None and one_floor:
        looking = replace(looking, vest=plan.staff_vest)
    if looking.joints != AUTO:
        return looking
    return replace(looking, joints=JOINTS if one_floor else None)


class ShopWorker:
    """A worker whose cameras are followed and reported. Use ``run``.

    Cameras with lens and pose in the plan follow people together, over the floor; the others each in its own picture.
    Raises ``OptionError`` where there is no camera, or one that the plan does not have.
    """

    def __init__(self, options: WorkerOptions, settings: Settings, bus: Bus) -> None:
        self._options, self._settings, self._bus = options, settings, bus
        self._views = _views(options)
        self._states = CameraStates(settings.store, bus)
        self._followers: dict[str, CameraFollower | FloorCamera] = {}
        gate = StillnessSettings() if options.gated else None
        jobs = [
            DecoderJob(address, name, loop=options.loop, paced=options.paced, gate=gate)
            for name, address in options.cameras.items()
        ]
        looking = looking_for(options.looking, options.plan, tuple(options.cameras))
        self._worker = Worker(jobs, looking, self._follow, on_state=self._say, on_end=self._end)
        self._floor = self._open_floor()
        self._name = f"{_PREFIX}{socket.gethostname()}:{os.getpid()}"
        self._reported_at = 0.0
        self.wall_s = 0.0

    def run(self, stop: threading.Event, on_report: Callable[[Report], None] = lambda report: None) -> None:
        """Watch until ``stop`` is set, or all recordings have ended; ``on_report`` gets a report a second.

        Raises ``vision.worker.worker.WorkerError``.
        """
        began = time.monotonic()

        def progress() -> None:
            self.wall_s = time.monotonic() - began
            if self._floor is not None:
                self._floor.tick()
            if time.monotonic() - self._reported_at >= EVERY_S:
                self._reported_at = time.monotonic()
                on_report(self._put_up())

        with self._worker as worker:
            worker.run(stop, progress)
            self.wall_s = time.monotonic() - began
            on_report(self._put_up())

    def report(self) -> Report:
        """How the worker is doing, as JSON: what `aisle top` shows."""
        account = self._worker.account()
        stage, share = bottleneck(account)
        return {
            "at": time.time(),
            "wall_s": round(self.wall_s, 3),
            "restarts": self._worker.restarts,
            "bottleneck": {"stage": stage, "share": round(share, 4)},
            "cameras": {name: self._camera(name, each) for name, each in account.items()},
            "floor": None if self._floor is None else _floor_report(self._floor),
        }

    def _camera(self, name: str, account: CameraAccount) -> dict[str, Any]:
        follower = self._followers.get(name)
        median, late = (None if age != age else round(age, 4) for age in account.age_s)
        return {
            "state": account.state,
            "came": account.came,
            "still": account.still,
            "held": account.held,
            "missed": account.missed,
            "looked": account.looked,
            "restarts": account.restarts,
            "seconds": {stage: round(spent, 4) for stage, spent in account.seconds.items()},
            "age_s": {"median": median, "p99": late},
            "rate_hz": round(account.rate_hz, 2),
            "now": follower.now if follower else 0,
            "entered": follower.entered if follower else 0,
        }

    def _put_up(self) -> Report:
        report = self.report()
        try:
            self._bus.report(self._name, report, LASTS_S)
        except (BusError, UnavailableError) as error:
            # A report is not worth the cameras.
            log.warning("the worker's report could not be put up", reason=str(error))
        return report

    def _open_floor(self) -> FloorFollower | None:
        options = self._options
        views = calibrated(options.plan, tuple(options.cameras))
        if options.plan is None or not views:
            return None
        live = options.paced or any(kind_of(options.cameras[view.camera]) in LIVE for view in views)
        # Of a recording no picture is passed over, and one that is read slowly is waited for.
        following = FloorFollowing(key_frames=options.key_frames) if live else FloorFollowing(patience_s=math.inf)
        return FloorFollower(
            options.plan,
            views,
            lambda events: self._publish(events, live),
            store=self._settings.store,
            tell=self._states.pass_on,
            pace=self._worker.pace,
            rest=self._worker.rest,
            following=following,
        )

    def _publish(self, events: Sequence[Event], live: bool) -> None:
        self._bus.publish(events, live=live)

    def _follow(self, camera: str, opened: Opened) -> CameraFollower | FloorCamera:
        view = self._views.get(camera) or CameraView(camera=camera, size=opened.size)
        check_size(view, opened.size)
        if self._floor is not None and camera in self._floor.cameras:
            self._followers[camera] = FloorCamera(self._floor, camera)
        else:
            live = opened.live or self._options.paced
            self._followers[camera] = CameraFollower(
                self._settings.store, view, opened.frame_rate, lambda events: self._publish(events, live)
            )
        return self._followers[camera]

    def _end(self, camera: str) -> None:
        if self._floor is not None:
            self._floor.end(camera)

    def _say(self, state: CameraState) -> None:
        log.warning("camera", camera=state.camera, state=state.status, reason=state.reason)
        self._states.tell(state)


def _floor_report(floor: FloorFollower) -> dict[str, Any]:
    audit = floor.audit.newest
    return {
        "cameras": list(floor.cameras),
        "now": len(floor.now),
        "entered": floor.facts.entered,
        "moments": floor.moments,
        "late": dict(floor.late),
        "bumped": list(floor.bumped),
        "audits": {"told": floor.audit.told, "failed": dict(floor.audit.failed)},
        "audit": None if audit is None else audit.model_dump(mode="json", include=_AUDITED),
    }


@contextmanager
def watching(options: WorkerOptions, settings: Settings, bus: Bus) -> Iterator[ShopWorker]:
    """A worker in a thread of its own, for as long as the block lasts. What ends it early is logged."""
    shop, stop = ShopWorker(options, settings, bus), threading.Event()

    def run() -> None:
        try:
            shop.run(stop)
        except Exception as error:
            # The pages must go on, and say what is recorded.
            log.error("the worker has ended", reason=str(error))

    thread = threading.Thread(target=run, name="aisle-worker", daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        stop.set()
        thread.join(timeout=60)


def reports(bus: Bus) -> dict[str, Report]:
    """What the workers of this shop report on the bus, by their names. Raises ``BusUnavailableError``."""
    found = bus.reports().items()
    return {name.removeprefix(_PREFIX): report for name, report in found if name.startswith(_PREFIX)}


def addresses(given: Sequence[str], settings: Settings) -> dict[str, str]:
    """The cameras by name: those given as ``NAME=ADDRESS``, else those of the settings. Raises ``OptionError``."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, address = text.partition("=")
        if not (name and equals and address):
            raise OptionError("expected CAMERA=ADDRESS, such as till=rtsp://camera/stream")
        if name in found:
            raise OptionError(f"camera {name} is given twice")
        found[name] = address
    return found or {name: address.get_secret_value() for name, address in settings.cameras.items()}


def _views(options: WorkerOptions) -> dict[str, CameraView]:
    if not options.cameras:
        raise OptionError("no cameras: give CAMERA=ADDRESS, or `cameras` in the settings")
    if options.plan is None:
        return {}
    views = {view.camera: view for view in options.plan.cameras}
    if unknown := sorted(set(options.cameras) - set(views)):
        raise OptionError(f"not in the plan: {', '.join(unknown)}; it has {', '.join(views) or 'no cameras'}")
    return views
