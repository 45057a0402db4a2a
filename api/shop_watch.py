"""Watches a shop's shelves beside the pages, in a thread of this process: networks, watcher, bus."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from api.watch.options import OptionError
from cameras.geometry import CameraModel
from cameras.live import CameraState
from models.errors import ModelError
from models.faces import open_face_detector
from store.bus import Bus
from store.catalogue import Catalogue
from store.events import Event
from store.evidence import EvidenceStore
from store.layout import Plan
from store.settings import Settings
from vision.evidence import EvidenceWriter
from vision.shop.clips import ClipKeeper
from vision.shop.loop import ShopLoop, Watcher
from vision.shop.networks import Networks, open_networks
from vision.shop.perception import ShopPerception
from vision.shop.readings import SideFacts, listening
from vision.shop.sources import Open, ShopCameras, open_camera
from vision.shop.watcher import ShopWatcher
from vision.states import CameraStates

LEAST_CAMERAS: Final = 2
"""Hands are placed in space by two cameras or more."""
_SMALL: Final = 640  # pictures up to so many pixels wide are looked at in a smaller size
_STOP_S: Final = 60.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShopCase:
    """What is watched: ``cameras`` are addresses by name, ``models`` their lenses and poses, ``clock_offset_s`` how far
    their clocks are ahead of the shop's.
    """

    plan: Plan
    catalogue: Catalogue
    cameras: Mapping[str, str]
    models: tuple[CameraModel, ...]
    clock_offset_s: Mapping[str, float]
    paced: bool = False


@dataclass(slots=True)
class Watching:
    """A shop that is watched in another thread; ``failure`` is what ended it early."""

    loop: ShopLoop
    ended: threading.Event = field(default_factory=threading.Event)
    failure: Exception | None = None


def lacking_for_shelves(plan: Plan | None, catalogue: Catalogue | None, cameras: Sequence[str]) -> str:
    """Why a shop's shelves cannot be watched by all these ``cameras``; empty where they can."""
    if plan is None or not plan.slots():
        return "the plan has no shelves with slots"
    if catalogue is None:
        return "there is no catalogue: give --catalogue FILE"
    calibrated = {view.camera for view in plan.cameras if view.lens is not None and view.pose is not None}
    if unknown := sorted(set(cameras) - calibrated):
        return f"without lens and pose in the plan: {', '.join(unknown)}; `aisle calibrate` finds them"
    return "" if len(cameras) >= LEAST_CAMERAS else "hands are placed by two cameras or more: give more"


def shop_case(plan: Plan, catalogue: Catalogue, cameras: Mapping[str, str], *, paced: bool = False) -> ShopCase:
    """The case of a plan's own calibrated cameras. Raises ``OptionError`` where they cannot do it."""
    if lacking := lacking_for_shelves(plan, catalogue, tuple(cameras)):
        raise OptionError(lacking)
    views = {name: plan.view(name) for name in cameras}
    return ShopCase(
        plan,
        catalogue,
        cameras,
        tuple(CameraModel.of(views[name]) for name in cameras),
        {name: views[name].clock_offset_s for name in cameras},
        paced,
    )


def networks_for(case: ShopCase, threads: int | None = None) -> Networks:
    """The networks for a shop. Raises ``models.errors.ModelError`` and what opening them raises."""
    widest = max(model.size[0] for model in case.models)
    return open_networks(size=(384, 256) if widest <= _SMALL else None, threads=threads or os.cpu_count() or 1)


def open_watcher(case: ShopCase, networks: Networks, store: str, side: SideFacts) -> Watcher:
    """The watcher of a shop, whose events are of ``store`` whatever the plan calls it."""
    perception = ShopPerception(case.plan, case.catalogue, case.models, reader=networks.hands, store=store)
    return ShopWatcher(case.plan, case.catalogue, perception, store=store, is_staff=side.is_staff)


def _clips(case: ShopCase, settings: Settings) -> ClipKeeper | None:
    """What keeps clips for reviews; None, with a warning, where faces cannot be blurred."""
    try:
        writer = EvidenceWriter(EvidenceStore(settings.evidence_dir), open_face_detector())
    except ModelError as error:
        log.warning("reviews get no pictures: nothing finds faces to blur", reason=str(error))
        return None
    return ClipKeeper(case.plan, case.models, writer)


@contextmanager
def watching_shop(
    case: ShopCase,
    settings: Settings,
    bus: Bus,
    *,
    networks: Networks | None = None,
    watcher: Watcher | None = None,
    opens: Open = open_camera,
) -> Iterator[Watching]:
    """Watch in a thread of its own, for as long as the block lasts. What ends it early is logged.

    Raises what opening networks raises.
    """
    states = CameraStates(settings.store, bus)
    stop = threading.Event()
    with ExitStack() as stack:
        side = stack.enter_context(listening(bus, settings.store))
        used = networks or networks_for(case)
        cameras = stack.enter_context(
            ShopCameras(case.cameras, case.clock_offset_s, paced=case.paced, on_state=states.tell, opens=opens)
        )

        def publish(events: Sequence[Event]) -> None:
            at_once = cameras.live or case.paced
            bus.publish(events, live=at_once, timeout_s=5.0 if at_once else 60.0)

        def refuse(camera: str, reason: str) -> None:
            states.tell(CameraState(camera, "degraded", time.time(), reason))

        loop = ShopLoop(
            cameras,
            case.clock_offset_s,
            {model.camera: model.size for model in case.models},
            used.eyes,
            watcher or open_watcher(case, used, settings.store, side),
            publish,
            side=side,
            clips=_clips(case, settings),
            refuse=refuse,
        )

        watching = Watching(loop)

        def run() -> None:
            try:
                loop.run(stop)
            except Exception as error:
                # The pages must go on, and say what is recorded.
                watching.failure = error
                log.exception("watching the shop has ended", reason=str(error))
            finally:
                watching.ended.set()

        thread = threading.Thread(target=run, name="aisle-shop", daemon=True)
        thread.start()
        try:
            yield watching
        finally:
            stop.set()
            thread.join(timeout=_STOP_S)
