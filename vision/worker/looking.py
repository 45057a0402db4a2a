"""The process that owns the networks: it takes the newest pictures out of the rings and tells what they show."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Semaphore
from typing import Final, NamedTuple

import numpy as np

from cameras.ring import FrameRing, RingPlace
from models.joints import PosedDetector, open_joint_finder
from models.people import PersonDetector, open_person_detector
from vision.batching import BatchPlanner
from vision.detections import Detections
from vision.floor.looks import described
from vision.floor.staff import Rgb

BEAT_S: Final = 1.0
LONGEST_S: Final = 2.0
"""By the clock a picture waits no longer than that for the next one of its camera."""


@dataclass(frozen=True, slots=True)
class LookingJob:
    """What to look with: see ``models.people.open_person_detector``; with ``joints`` those are found too, with ``vest``
    (red, green, blue of 0 to 255) how much of that colour each torso is.

    ``most``, ``patience_s`` and ``rest_s`` are the batches': ``vision.batching.BatchPlanner``. What is less sure than
    ``weak`` is not told.
    """

    weights: str
    size: tuple[int, int] | None = None
    device: str = "cpu"
    joints: str | None = None
    most: int = 2
    patience_s: float = 0.02
    rest_s: float = 0.0
    weak: float = 0.1
    vest: Rgb | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a picture shows: ``missed`` pictures of the camera were passed over before it.

    ``age_s`` is how old it was when this was known; ``network_s`` its share of the batch's time in the networks,
    ``other_s`` the time of taking, converting and describing it; ``batch`` how many were looked at together.
    """

    camera: str
    index: int
    captured_at: float
    detections: Detections
    missed: int
    age_s: float
    network_s: float
    other_s: float
    batch: int


class Pace(NamedTuple):
    """What the process is told of a ring's pictures: one of ``every`` is worth a look, but one in ``longest_s``; and
    none that was captured less than ``least_s`` after the last one; seconds of the cameras' own clocks.
    """

    camera: str
    every: int
    longest_s: float
    least_s: float = 0.0


class Failed(NamedTuple):
    """The networks cannot be used: why. The process ends."""

    reason: str


class Alive(NamedTuple):
    """The networks are open, whether or not there is anything to look at: a sign of life."""


Said = Look | Failed | Alive


def run_looking(job: LookingJob, pipe: Connection, bell: Semaphore) -> None:
    """The main function of the process. It is given ``RingPlace``s and ``Pace``s on ``pipe``, tells what it ``Said``,
    and stops when the other end is closed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        detector: PersonDetector = open_person_detector(job.weights, size=job.size, device=job.device)
        if job.joints is not None:
            detector = PosedDetector(detector, open_joint_finder(job.joints, device=job.device))
        for count in sorted({1, job.most}):  # a runtime makes itself ready when it first sees so many
            detector.detect([np.zeros((128, 128, 3), np.uint8)] * count)
    except Exception as error:
        # Whatever it is: whoever started this process must be told why it cannot work.
        pipe.send(Failed(f"{type(error).__name__}: {error}"))
        return
    try:
        with _Eyes(job, detector, pipe) as eyes:
            while eyes.step(bell):
                pass
    except (BrokenPipeError, ConnectionResetError):
        return  # whoever listened is gone


class _Eyes:
    def __init__(self, job: LookingJob, detector: PersonDetector, pipe: Connection) -> None:
        self._job, self._detector, self._pipe = job, detector, pipe
        self._rings: dict[str, FrameRing] = {}
        self._planner = BatchPlanner(job.most, job.patience_s, job.rest_s)
        self._since: dict[str, float] = {}
        self._pace: dict[str, Pace] = {}
        # By camera: the ticket of its last picture, when that was looked at, and when it was captured.
        self._looked: dict[str, tuple[int, float, float]] = {}
        self._told_at = 0.0

    def __enter__(self) -> _Eyes:
        return self

    def __exit__(self, *_: object) -> None:
        for ring in self._rings.values():
            ring.close()

    def step(self, bell: Semaphore) -> bool:
        """Look at a batch, or wait for one; False when nobody listens any more."""
        while self._pipe.poll():
            try:
                place: RingPlace | Pace = self._pipe.recv()
            except EOFError:
                return False
            if isinstance(place, Pace):
                self._pace[place.camera] = place
                continue
            if (before := self._rings.pop(place.camera, None)) is not None:
                before.close()
            self._rings[place.camera] = FrameRing.attach(place)
        now = time.monotonic()
        if now - self._told_at >= BEAT_S:
            self._pipe.send(Alive())
            self._told_at = now
        for camera, ring in self._rings.items():
            captured_at = ring.peek()
            if captured_at is None or self._may_wait(camera, ring.written, captured_at, now):
                self._since.pop(camera, None)
            else:
                self._since.setdefault(camera, now)
        batch = self._planner.next(self._since, len(self._rings), now)
        if batch.cameras:
            self._look(batch.cameras)
        else:
            # The bell may have rung for pictures that were looked at already: then this comes back at once.
            bell.acquire(timeout=max(batch.wait_s, 0.0005))
        return True

    def _may_wait(self, camera: str, written: int, captured_at: float, now: float) -> bool:
        pace = self._pace.get(camera)
        if pace is None or camera not in self._looked:
            return False
        ticket, at, before = self._looked[camera]
        if now - at >= max(pace.longest_s, LONGEST_S):
            return False  # perhaps the camera's last one: none comes after it
        if 0 <= captured_at - before < pace.least_s:
            return True
        return written - ticket < pace.every and captured_at - before < pace.longest_s

    def _look(self, cameras: Sequence[str]) -> None:
        began = time.perf_counter()
        taken = [(self._rings[name], found) for name in cameras if (found := self._rings[name].take()) is not None]
        for name in cameras:
            self._since.pop(name, None)
        for ring, found in taken:
            self._looked[ring.place.camera] = found.ticket, time.monotonic(), found.frame.captured_at
        images = [found.frame.bgr() for _, found in taken]
        # A picture that its writer came upon meanwhile is not looked at: the next one is on its way.
        sound = [(found, image) for (ring, found), image in zip(taken, images, strict=True) if ring.whole(found)]
        if not sound:
            return
        ready = time.perf_counter()
        answers = self._detector.detect([image for _, image in sound], self._job.weak)
        looked = time.perf_counter()
        for (found, image), boxes in zip(sound, answers, strict=True):
            begun = time.perf_counter()
            people = described(image, Detections(boxes.xyxy, boxes.confidence, boxes.keypoints), self._job.vest)
            frame = found.frame
            self._pipe.send(
                Look(
                    frame.camera,
                    frame.index,
                    frame.captured_at,
                    people,
                    found.missed,
                    time.time() - frame.captured_at,
                    (looked - ready) / len(sound),
                    (ready - began) / len(sound) + time.perf_counter() - begun,
                    len(sound),
                )
            )
