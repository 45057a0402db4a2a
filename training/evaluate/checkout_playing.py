"""A clip through the whole system, in the time of its stream: from pictures to receipts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from training.evaluate.checkout_clip import Clip, Weighed
from training.evaluate.checkout_judging import RunOutcome, judge
from training.evaluate.checkout_kept import KeptPeople, kept_file
from training.evaluate.checkout_seeing import Cost, Image, seen_moments
from training.evaluate.checkout_stream import CheckoutStream
from training.evaluate.checkout_suite import Sensors, SuiteSettings
from vision.detections import Detections
from vision.shop.looking import StillLooker
from vision.shop.loop import Watcher
from vision.shop.networks import Networks
from vision.shop.perception import Perceived, ShopPerception
from vision.shop.watcher import ShopWatcher

Float = NDArray[np.float64]


IsStaff = Callable[[str], bool]
OpenWatcher = Callable[[Clip, Networks, IsStaff], Watcher]


class OnePerception(ShopPerception):
    """What cameras show, looked at once for all watchers that are given the same moment one after the other."""

    _last: Perceived | None = None

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> Perceived:
        """As of ``ShopPerception``; at the same time again what was perceived then."""
        if self._last is None or time_s != self._last.time_s:
            self._last = super().update(captured, time_s, detections)
        return self._last

    def finish(self) -> Perceived:
        """As of ``ShopPerception``; again what was perceived at the end."""
        if self._last is None or math.isfinite(self._last.time_s):
            self._last = super().finish()
        return self._last


def shop_watchers(clip: Clip, networks: Networks) -> OpenWatcher:
    """Watchers for the clip's shop and cameras, which all look with the same eyes."""
    perception = OnePerception(clip.plan, clip.catalogue, clip.cameras, reader=networks.hands)

    def opened(clip: Clip, networks: Networks, is_staff: IsStaff) -> Watcher:
        return ShopWatcher(clip.plan, clip.catalogue, perception, is_staff=is_staff)

    return opened


def play(
    clip: Clip,
    networks: Networks,
    settings: SuiteSettings,
    sensors: Sequence[Sensors],
    open_watcher: OpenWatcher | None = None,
    on_moment: Callable[[], None] = lambda: None,
) -> dict[Sensors, RunOutcome]:
    """The outcome of a clip with each choice of ``sensors``; what is seen is seen once for all of them.

    ``open_watcher`` makes the watcher for a choice, which is told by ``is_staff`` whose sessions are staff's; without,
    it is the shop's own.
    """
    open_watcher = open_watcher or shop_watchers(clip, networks)
    cost = Cost()
    wall, cpu = time.monotonic(), time.process_time()
    openings = clip.openings()
    shops: dict[Sensors, _Played] = {}
    for name in sensors:
        stream = CheckoutStream(clip.plan, clip.catalogue, settings.policy, openings)
        plates = _Plates(clip.weights() if name == "vision+plates" else iter(()))
        shops[name] = _Played(open_watcher(clip, networks, stream.is_staff), stream, plates)
    first_s = last_s = None
    kept = KeptPeople(networks.eyes, settings.least, kept_file(clip.folder, settings)) if settings.keep else None

    def find(keys: Sequence[tuple[str, float]], images: Sequence[Image]) -> list[Boxes]:
        return kept.find(keys, images) if kept else networks.eyes.detect(images, settings.least)

    for moment in seen_moments(clip, StillLooker(find).find, settings, cost):
        first_s, last_s = (moment.time_s if first_s is None else first_s), moment.time_s
        for name, shop in shops.items():
            with cost.timed(f"watch, {name}"):
                shop.plates.pass_on(moment.now_s, shop.watcher)
                events = shop.watcher.update(moment.captured, moment.time_s, moment.detections)
            with cost.timed("checkout"):
                shop.stream.take(moment.now_s, events)
        on_moment()
    if kept:
        kept.keep()
    outcomes = {}
    for name, shop in shops.items():
        with cost.timed("checkout"):
            shop.stream.take(shop.stream.now_s, shop.watcher.finish())
            shop.stream.finish()
        outcomes[name] = judge(clip.name, clip.family, name, clip.truth, shop.stream)
    spent = dict(cost.spent, all=time.process_time() - cpu)
    stream_s = last_s - first_s if first_s is not None and last_s is not None else 0.0
    wall_s = time.monotonic() - wall
    return {name: replace(outcome, stream_s=stream_s, wall_s=wall_s, cpu_s=spent) for name, outcome in outcomes.items()}


@dataclass
class _Played:
    watcher: Watcher
    stream: CheckoutStream
    plates: _Plates


@dataclass
class _Plates:
    """Readings on their way to a watcher."""

    readings: Iterator[Weighed]
    _next: Weighed | None = field(default=None)

    def pass_on(self, now_s: float, watcher: Watcher) -> None:
        """Give what was read by ``now_s``, plate by plate."""
        due: dict[str, list[tuple[float, float]]] = {}
        while (reading := self._next or next(self.readings, None)) is not None:
            self._next = reading
            if reading.time_s > now_s:
                break
            due.setdefault(reading.plate, []).append((reading.time_s, reading.grams))
            self._next = None
        for plate, rows in due.items():
            times, grams = np.array(rows, np.float64).T
            watcher.weigh(plate, times, grams)
