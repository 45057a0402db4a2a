"""The newest picture of every camera, handed from the pipeline's thread to those who look, inside one process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field


class TooManyViewersError(RuntimeError):
    """A camera has as many viewers as it may have."""


class NotLiveError(LookupError):
    """The process has no live pictures of this camera."""


@dataclass(slots=True, eq=False)
class _Viewer:
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class _Slot:
    jpeg: bytes | None = None
    count: int = 0
    handled: int = 0
    ended: bool = False
    wanted_until: float = 0.0
    viewers: set[_Viewer] = field(default_factory=set)


class LiveFrames:
    """Keeps one JPEG a camera, the newest; a slow viewer misses pictures and never holds the pipeline up.

    The pipeline calls ``put`` and asks ``watched`` first, so that a picture nobody looks at is never encoded. Pictures
    must be blurred before they come here. All methods but ``follow`` and ``snapshot`` may be called from any thread.
    """

    def __init__(self, cameras: Iterable[str] = (), *, max_viewers: int = 8, interest_s: float = 3.0) -> None:
        self._lock = threading.Lock()
        self._slots = {camera: _Slot() for camera in cameras}
        self._max_viewers = max_viewers
        self._interest_s = interest_s
        self._closed = False

    def announce(self, camera: str) -> None:
        """Say that pictures of this camera will come, before the first one is there."""
        with self._lock:
            self._slots.setdefault(camera, _Slot()).ended = False

    def cameras(self) -> tuple[str, ...]:
        """The cameras whose pictures are made in this process."""
        with self._lock:
            return tuple(self._slots)

    def put(self, camera: str, jpeg: bytes) -> None:
        """Make this the newest picture of the camera. Returns at once."""
        with self._lock:
            slot = self._slots.setdefault(camera, _Slot())
            slot.jpeg, slot.ended = jpeg, False
            slot.count += 1
            self._wake(slot)

    def watched(self, camera: str) -> bool:
        """Whether somebody looks, or asked for a snapshot just now."""
        with self._lock:
            slot = self._slots.get(camera)
            return slot is not None and (bool(slot.viewers) or time.monotonic() < slot.wanted_until)

    def viewers(self) -> dict[str, int]:
        """How many streams of each camera are open."""
        with self._lock:
            return {camera: len(slot.viewers) for camera, slot in self._slots.items()}

    def full(self, camera: str) -> bool:
        """Whether the camera has as many viewers as it may have."""
        return self.viewers().get(camera, 0) >= self._max_viewers

    def frames(self) -> dict[str, int]:
        """How many pictures of each camera were put here."""
        with self._lock:
            return {camera: slot.count for camera, slot in self._slots.items()}

    def latest(self, camera: str) -> bytes | None:
        """The newest picture, however old, or None."""
        with self._lock:
            slot = self._slots.get(camera)
            return slot.jpeg if slot else None

    def handled(self, camera: str, frames: int = 1) -> None:
        """Count frames that the pipeline has worked on, shown or not."""
        with self._lock:
            self._slots.setdefault(camera, _Slot()).handled += frames

    def handled_frames(self) -> dict[str, int]:
        """How many frames of each camera the pipeline has worked on."""
        with self._lock:
            return {camera: slot.handled for camera, slot in self._slots.items()}

    def end(self, camera: str) -> None:
        """Say that no more pictures of this camera come; its streams end, its last picture stays."""
        with self._lock:
            slot = self._slots.get(camera)
            if slot:
                slot.ended = True
                self._wake(slot)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        with self._lock:
            self._closed = True
            for slot in self._slots.values():
                slot.ended = True
                self._wake(slot)

    async def follow(self, camera: str) -> AsyncIterator[bytes]:
        """Yield the newest picture each time there is a newer one, until the camera ends.

        Raises ``NotLiveError`` for a camera that is not made in this process, ``TooManyViewersError`` when full.
        """
        viewer = _Viewer(asyncio.get_running_loop())
        with self._lock:
            slot = self._slots.get(camera)
            if slot is None or self._closed:
                raise NotLiveError(camera)
            if len(slot.viewers) >= self._max_viewers:
                raise TooManyViewersError(camera)
            slot.viewers.add(viewer)
        try:
            shown = 0
            while True:
                viewer.wake.clear()
                with self._lock:
                    jpeg, count, ended = slot.jpeg, slot.count, slot.ended
                if jpeg is not None and count > shown:
                    shown = count
                    yield jpeg
                elif ended:
                    return
                else:
                    await viewer.wake.wait()
        finally:
            with self._lock:
                slot.viewers.discard(viewer)

    async def snapshot(self, camera: str, timeout_s: float = 2.0) -> bytes | None:
        """A picture made after this call, or the last one there was when none comes within ``timeout_s``, or None."""
        with self._lock:
            slot = self._slots.get(camera)
            if slot is None:
                return None
            if slot.ended:
                return slot.jpeg
            before = slot.count
            slot.wanted_until = time.monotonic() + max(timeout_s, self._interest_s)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with self._lock:
                if slot.count > before or slot.ended:
                    break
            await asyncio.sleep(0.02)
        return self.latest(camera)

    @staticmethod
    def _wake(slot: _Slot) -> None:
        for viewer in slot.viewers:
            if not viewer.loop.is_closed():
                viewer.loop.call_soon_threadsafe(viewer.wake.set)
