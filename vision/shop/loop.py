"""A shop watched: all its cameras and plates, through the networks and the shop's watcher, to events."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from cameras.frame import Frame
from models.people import PersonDetector
from store.errors import UnavailableError
from store.events import Event, PersonMoved
from vision.detections import Detections
from vision.shop.clips import ClipKeeper
from vision.shop.gathering import Gathered, MomentGatherer
from vision.shop.looking import StillLooker
from vision.shop.readings import SideFacts
from vision.shop.sources import Ended, ShopCameras

LEAST: Final = 0.3
"""The confidence from which a box is somebody."""
_WAIT_S: Final = 0.05
_KEPT: Final = 20_000
log = structlog.get_logger(__name__)

Float = NDArray[np.float64]
Image = NDArray[np.uint8]


class Watcher(Protocol):
    """What turns moments of a shop into events; ``vision.shop.watcher.ShopWatcher`` is one."""

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> list[Event]:
        """One moment."""
        ...

    def weigh(self, plate: str, time_s: Float, grams: Float) -> None:
        """What a plate read since the last moment."""
        ...

    def finish(self) -> list[Event]:
        """What is left to tell when nothing more comes."""
        ...


@dataclass(slots=True)
class ShopState:
    """How far a loop is; may be read from other threads.

    ``time_s`` is the newest moment on the shop's clock; ``ended`` has the cameras from which nothing more comes, and
    why; ``spent`` are seconds of work by stage.
    """

    pictures: int = 0
    moments: int = 0
    began_s: float | None = None
    time_s: float = -math.inf
    ended: dict[str, str] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=lambda: {"look": 0.0, "watch": 0.0, "publish": 0.0})


class ShopLoop:
    """Runs a shop until it is stopped or all recordings have ended.

    ``eyes`` find people with their joints, ``watcher`` says what they do, ``publish`` is given the events in order.
    What the bus does not take is kept and given again, the newest 20,000; movements are left out first.
    ``sizes`` are the sizes (width, height) that the cameras were calibrated for: a camera whose pictures have another
    one is left out, and ``refuse`` is told. ``clips`` keeps pictures of what is not sure.
    """

    def __init__(
        self,
        cameras: ShopCameras,
        clock_offset_s: Mapping[str, float],
        sizes: Mapping[str, tuple[int, int]],
        eyes: PersonDetector,
        watcher: Watcher,
        publish: Callable[[Sequence[Event]], object],
        *,
        side: SideFacts | None = None,
        clips: ClipKeeper | None = None,
        refuse: Callable[[str, str], None] = lambda camera, reason: None,
    ) -> None:
        self.state = ShopState()
        self._cameras, self._sizes, self._refuse = cameras, sizes, refuse
        self._looker = StillLooker(lambda _, images: eyes.detect(images, LEAST))
        self._watcher, self._publish = watcher, publish
        self._side, self._clips = side or SideFacts(), clips
        # Of recordings every picture counts, and one that is read slowly is waited for.
        patience = {} if cameras.live else {"patience_s": math.inf}
        self._gatherer: MomentGatherer[Frame] = MomentGatherer(clock_offset_s, **patience)
        self._unsent: list[Event] = []
        self._refused: set[str] = set()
        self._heard_at = 0.0

    def run(self, stop: threading.Event) -> ShopState:
        """Watch until ``stop`` is set or all footage has ended; everybody has left when it returns.

        A camera that fails costs its own coverage only. What the networks or the watcher raise ends the loop.
        """
        try:
            while not stop.is_set() and not self._cameras.over:
                self._step()
            if not stop.is_set():
                self._watch(self._gatherer.finish())
        finally:
            self._weigh(math.inf)
            self._send(self._with_clips(self._watcher.finish()))
        return self.state

    def _step(self) -> None:
        item = self._cameras.next(_WAIT_S)
        if isinstance(item, Ended):
            self.state.ended[item.camera] = item.reason
            if item.reason:
                log.warning("camera ended", camera=item.camera, reason=item.reason)
            self._watch(self._gatherer.end(item.camera))
        elif item is not None and self._fits(item):
            self.state.pictures += 1
            self._heard_at = time.monotonic()
            self._watch(self._gatherer.add(item.camera, item.captured_at, item))
        elif self._cameras.live and math.isfinite(self._gatherer.newest_s):
            self._watch(self._gatherer.due(self._gatherer.newest_s + time.monotonic() - self._heard_at))

    def _fits(self, frame: Frame) -> bool:
        wanted = self._sizes[frame.camera]
        if frame.size == wanted:
            return True
        if frame.camera not in self._refused:
            self._refused.add(frame.camera)
            (width, height), found = wanted, frame.size
            self._refuse(
                frame.camera,
                f"pictures of {found[0]}x{found[1]}, calibrated for {width}x{height}: set the camera back, or "
                "calibrate it anew",
            )
        return False

    def _watch(self, moments: Sequence[Gathered[Frame]]) -> None:
        for moment in moments:
            names = list(moment.looks)
            images = [moment.looks[name].image for name in names]
            began = time.monotonic()
            found = self._looker.find([(name, moment.captured_at[name]) for name in names], images)
            seen = time.monotonic()
            self._weigh(self._gatherer.newest_s)
            people = {
                name: Detections(boxes.xyxy, boxes.confidence, boxes.keypoints)
                for name, boxes in zip(names, found, strict=True)
            }
            captured = {name: (moment.captured_at[name], image) for name, image in zip(names, images, strict=True)}
            if self._clips is not None:
                self._clips.add(captured, people)
            events = self._with_clips(self._watcher.update(captured, moment.time_s, people))
            watched = time.monotonic()
            self._send(events)
            state = self.state
            state.moments += 1
            state.began_s = moment.time_s if state.began_s is None else state.began_s
            state.time_s = moment.time_s
            state.late = dict(self._gatherer.late)
            state.spent["look"] += seen - began
            state.spent["watch"] += watched - seen
            state.spent["publish"] += time.monotonic() - watched

    def _with_clips(self, events: Sequence[Event]) -> Sequence[Event]:
        return events if self._clips is None else self._clips.kept(events)

    def _weigh(self, until_s: float) -> None:
        for plate, (times, grams) in self._side.readings(until_s).items():
            self._watcher.weigh(plate, times, grams)

    def _send(self, events: Sequence[Event]) -> None:
        self._unsent += events
        if not self._unsent:
            return
        try:
            self._publish(self._unsent)
            self._unsent = []
        except UnavailableError as error:
            # Cameras go on while the bus is away; what people did is told when it is back.
            log.warning("events wait for the bus", waiting=len(self._unsent), reason=str(error))
            kept = [event for event in self._unsent if not isinstance(event, PersonMoved)]
            self._unsent = kept[-_KEPT:]
