"""All cameras of a shop at once: a thread reads each, one place gives their pictures in order of time."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from cameras.errors import CameraError, UnsupportedSourceError
from cameras.frame import Frame, FrameSource
from cameras.live import CameraState, backoff_s
from cameras.open import open_source
from cameras.uri import LIVE, kind_of

_AHEAD: Final = 2  # pictures of a recording that are read before they are asked for
_JOIN_S: Final = 5.0

OnState = Callable[[CameraState], None]
Open = Callable[[str, str, OnState], FrameSource]
"""Opens a camera's address under its name; live ones tell their states."""


def open_camera(address: str, camera: str, on_state: OnState) -> FrameSource:
    """Open an address as a camera of that name. Raises ``CameraError``."""
    return open_source(address, camera=camera, on_state=on_state if kind_of(address) in LIVE else None)


@dataclass(slots=True)
class _Camera:
    """``waiting`` are its pictures with their times on the shop's clock; ``reason`` is why it ended early."""

    address: str
    offset_s: float
    waiting: deque[tuple[float, Frame]] = field(default_factory=deque)
    ended: bool = False
    told: bool = False
    reason: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more comes from ``camera``; ``reason`` is empty where its footage was over."""

    camera: str
    reason: str


class ShopCameras:
    """Pictures of the cameras at ``addresses``, by name; use it as a context manager.

    Of live cameras the newest picture counts, and older ones are dropped and counted. What cannot be reached is tried
    again, after ever longer waits, for as long as it takes. Recordings never drop: their pictures come in the order of
    the shop's time over all of them, as fast as they are taken, or with ``paced`` at their own pace. ``clock_offset_s``
    says how far each camera's clock is ahead of the shop's. ``on_state`` is told, from other threads, what becomes of
    cameras.

    Raises ``UnsupportedSourceError`` where recordings and live cameras are mixed: their times have nothing in common.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        clock_offset_s: Mapping[str, float],
        *,
        paced: bool = False,
        on_state: OnState = lambda state: None,
        opens: Open = open_camera,
    ) -> None:
        live = {name: kind_of(address) in LIVE for name, address in addresses.items()}
        if len(set(live.values())) > 1:
            some = ", ".join(name for name, is_live in live.items() if not is_live)
            raise UnsupportedSourceError(f"{some}: a recording cannot be watched together with live cameras")
        self.live = any(live.values())
        self._paced = paced and not self.live
        self._on_state, self._open = on_state, opens
        self._cameras = {name: _Camera(address, clock_offset_s[name]) for name, address in addresses.items()}
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._began: tuple[float, float] | None = None
        self._threads = [
            threading.Thread(target=self._read, args=(name,), name=f"aisle-reads {name}", daemon=True)
            for name in self._cameras
        ]

    @property
    def dropped(self) -> dict[str, int]:
        """By camera, the pictures that nobody took because newer ones came."""
        return {name: camera.dropped for name, camera in self._cameras.items()}

    @property
    def over(self) -> bool:
        """Whether all footage has ended and been taken."""
        with self._changed:
            return all(camera.told for camera in self._cameras.values())

    def next(self, timeout_s: float) -> Frame | Ended | None:
        """The next picture, or the end of a camera; None when there is none within ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._stop.is_set():
                for name, camera in self._cameras.items():
                    if camera.ended and not camera.waiting and not camera.told:
                        camera.told = True
                        return Ended(name, camera.reason)
                chosen, wait_s = self._choose()
                if chosen is not None and wait_s <= 0:
                    _, frame = self._cameras[chosen].waiting.popleft()
                    self._changed.notify_all()
                    return frame
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left if chosen is None else min(left, wait_s))
        return None

    def close(self) -> None:
        """End reading. Safe to call twice."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_JOIN_S)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choose(self) -> tuple[str | None, float]:
        """The camera whose picture is next, and the seconds until it is due."""
        reading = [name for name, camera in self._cameras.items() if camera.waiting or not camera.ended]
        ready = [name for name in reading if self._cameras[name].waiting]
        if not ready or (not self.live and len(ready) < len(reading)):
            return None, 0.0
        name = min(ready, key=lambda each: self._cameras[each].waiting[0][0])
        if not self._paced:
            return name, 0.0
        time_s, now = self._cameras[name].waiting[0][0], time.monotonic()
        if self._began is None:
            self._began = now, time_s
        began, first_s = self._began
        return name, began + time_s - first_s - now

    def _read(self, name: str) -> None:
        camera, attempt = self._cameras[name], 0
        while not self._stop.is_set():
            came = False
            try:
                with self._open(camera.address, name, self._on_state) as source:
                    for frame in source:
                        if not self._put(camera, frame):
                            return
                        came = True
                reason = "" if not self.live else "the camera ended"
            except CameraError as error:
                reason = str(error)
                self._on_state(CameraState(name, "degraded", time.time(), reason))
            if not self.live:
                self._end(camera, reason)
                return
            attempt = 0 if came else attempt + 1
            self._stop.wait(backoff_s(attempt, random.uniform(0.5, 1.0)))

    def _put(self, camera: _Camera, frame: Frame) -> bool:
        """Leave a picture to be taken; False when nobody takes any more."""
        time_s = frame.captured_at - camera.offset_s
        with self._changed:
            if self.live:
                camera.dropped += len(camera.waiting)
                camera.waiting.clear()
            while len(camera.waiting) >= _AHEAD and not self._stop.is_set():
                self._changed.wait(0.5)
            camera.waiting.append((time_s, frame))
            self._changed.notify_all()
        return not self._stop.is_set()

    def _end(self, camera: _Camera, reason: str) -> None:
        with self._changed:
            camera.ended, camera.reason = True, reason
            self._changed.notify_all()
