"""Whole pipelines over some cameras' films: the worker, with all its processes, and the usual way in one process.

CPU time is that of all processes, between the first moment at which every camera has shown ``warm`` pictures and the
moment at which they have shown as many more as are asked for: what starting takes is left out on both sides.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2

from benchmarks.films import Film
from benchmarks.measure import spent_by_s, spent_s
from cameras.decoder import DecoderJob, Opened
from cameras.stillness import StillnessSettings
from models.ultralytics_home import import_ultralytics
from store.event import Event
from store.views import CameraView
from vision.worker.account import CameraAccount
from vision.worker.attention import KeyFrames
from vision.worker.floor import FloorCamera, FloorFollower, FloorFollowing
from vision.worker.following import CameraFollower
from vision.worker.looking import Look, LookingJob
from vision.worker.worker import Follower, Worker

WARM: Final = 5
STORE: Final = "bench"


@dataclass(frozen=True, slots=True)
class Watched:
    """``cpu_s`` of all processes and ``wall_s`` for ``came`` pictures of all cameras together, of which ``looked``
    went through the network. ``looks`` are all that were told, ``events`` all that was published, from the beginning.
    """

    cpu_s: float
    wall_s: float
    came: int
    looked: int
    looks: tuple[Look, ...]
    events: tuple[Event, ...]

    @property
    def cpu_per_picture_s(self) -> float:
        """CPU seconds for each picture that a camera showed, whether or not it was looked at."""
        return self.cpu_s / self.came


@dataclass(slots=True)
class _Kept:
    """A follower whose looks are kept too, without their detections' arrays being copied."""

    follower: Follower
    looks: list[Look]

    def take(self, look: Look) -> None:
        self.looks.append(look)
        self.follower.take(look)

    def finish(self) -> None:
        self.follower.finish()


@dataclass(slots=True)
class _Window:
    """Where the measurement begins and ends, by what each camera has shown; asked ten times a second, for it costs."""

    worker: Worker
    warm: int
    upto: float
    again_at: float = 0.0
    began: tuple[float, float, int, int] | None = None
    ended: tuple[float, float, int, int] | None = None

    def look(self, stop: threading.Event) -> None:
        if time.perf_counter() < self.again_at:
            return
        self.again_at = time.perf_counter() + 0.1
        account = self.worker.account()
        shown = min((each.came for each in account.values()), default=0)
        if self.began is None and shown >= self.warm:
            self.began = self._now(account)
        if self.began is not None and shown >= self.upto:
            self.ended = self._now(account)
            stop.set()

    def _now(self, account: Mapping[str, CameraAccount]) -> tuple[float, float, int, int]:
        came = sum(each.came for each in account.values())
        looked = sum(each.looked for each in account.values())
        return spent_s() + spent_by_s(self.worker.pids.values()), time.perf_counter(), came, looked

    def close(self) -> None:
        """The films ended, and the processes that watched them with them."""
        if self.began is not None and self.ended is None:
            self.ended = self._now(self.worker.account())


def watch(
    cameras: Mapping[str, Path],
    looking: LookingJob,
    *,
    floor: Film | None = None,
    pictures: float = math.inf,
    warm: int = WARM,
    gated: bool = False,
    key_frames: bool = False,
    paced: bool = False,
    loop: bool = False,
    frame_rate: float | None = None,
) -> Watched:
    """Watch ``cameras`` with the worker until each has shown ``pictures`` after the first ``warm``, or to the end.

    With ``floor`` they follow people together over its floor, else each in its own picture. ``paced`` films play at
    their own pace or at ``frame_rate``, else every picture is waited for; ``key_frames`` needs a floor and ``paced``.
    """
    gate = StillnessSettings() if gated else None
    jobs = [
        DecoderJob(str(path), name, frame_rate=frame_rate, loop=loop, paced=paced, gate=gate)
        for name, path in cameras.items()
    ]
    looks: list[Look] = []
    events: list[Event] = []
    followed: FloorFollower | None = None

    def follow(name: str, opened: Opened) -> Follower:
        if followed is not None:
            return _Kept(FloorCamera(followed, name), looks)
        view = CameraView(camera=name, size=opened.size)
        return _Kept(CameraFollower(STORE, view, opened.frame_rate, events.extend), looks)

    def end(name: str) -> None:
        if followed is not None:
            followed.end(name)

    worker = Worker(jobs, looking, follow, on_end=end)
    if floor is not None:
        views = [view for view in floor.plan.cameras if view.camera in cameras]
        # Films do not begin at one moment, as the pictures of cameras do.
        following = FloorFollowing(patience_s=1.0, key_frames=KeyFrames() if key_frames else None)
        if not paced:
            following = FloorFollowing(patience_s=math.inf)
        followed = FloorFollower(
            floor.plan, views, events.extend, store=STORE, pace=worker.pace, rest=worker.rest, following=following
        )
    stop = threading.Event()
    window = _Window(worker, warm, pictures + warm)

    def progress() -> None:
        if followed is not None and paced:
            followed.tick()
        window.look(stop)

    with worker:
        worker.run(stop, progress)
        window.close()
    assert window.began is not None
    assert window.ended is not None
    cpu_s, wall_s, came, looked = (end - begin for begin, end in zip(window.began, window.ended, strict=True))
    return Watched(cpu_s, wall_s, round(came), round(looked), tuple(looks), tuple(events))


def by_threads(cameras: Sequence[Path], weights: Path, pictures: int) -> Callable[[], float]:
    """The usual way: a thread for each camera, with ``cv2.VideoCapture`` and ultralytics' ``model.track`` of its own.

    What is returned plays ``pictures`` more of each camera, and says how many CPU seconds each took.
    """
    ultralytics = import_ultralytics()
    captures = [cv2.VideoCapture(str(path)) for path in cameras]
    models: list[Any] = [ultralytics.YOLO(str(weights)) for _ in cameras]

    def follow(number: int, count: int) -> None:
        for _ in range(count):
            there, picture = captures[number].read()
            if not there:
                captures[number].set(cv2.CAP_PROP_POS_FRAMES, 0)
                picture = captures[number].read()[1]
            models[number].track(picture, persist=True, verbose=False)

    for number in range(len(cameras)):
        follow(number, WARM)

    def play() -> float:
        threads = [threading.Thread(target=follow, args=(number, pictures)) for number in range(len(cameras))]
        before = time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.process_time() - before) / (pictures * len(cameras))

    return play
