"""Live sources: a thread decodes and keeps the newest frame, and reconnects when the stream is lost."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import av

from cameras.clock import LiveClock
from cameras.errors import CameraError, NoFramesError, ResolutionChangedError, UnreachableError
from cameras.frame import Frame
from cameras.newest import Newest
from cameras.packets import PacketGate, usable
from cameras.planes import Decoded
from cameras.reader import plausible_rate, seconds, upright_size

_log = logging.getLogger(__name__)

MAX_AGE_S = 1.0
_FALLBACK_RATE = 25.0
_BACKOFF_S = (0.5, 30.0)


@dataclass(frozen=True, slots=True)
class CameraState:
    """How a live source is doing since ``since`` (seconds since 1970 in UTC), and why; never holds a credential."""

    camera: str
    status: Literal["live", "degraded", "closed"]
    since: float
    reason: str = ""


class _Waiting(NamedTuple):
    number: int
    captured_at: float
    frame: Any


def backoff_s(attempt: int, jitter: float) -> float:
    """How long to wait before reconnection ``attempt`` (from 0): doubling from 0.5 s to 30 s, times ``jitter``.

    ``jitter`` is in [0.5, 1), so that the cameras of a shop do not all come back at the same moment.
    """
    first, longest = _BACKOFF_S
    return min(longest, first * 2.0 ** min(attempt, 16)) * jitter


class LiveSource:
    """The newest frame of a live stream, reconnecting until it is closed.

    ``connect`` opens the stream and returns a PyAV container, or raises a ``CameraError``; it is called from the
    decoder thread, which alone touches the container. The first connection must succeed: its error is raised here, and
    ``NoFramesError`` where no frame comes within ``timeout_s``. Later a stream that ends, fails, or gives no
    fresh frame for ``timeout_s`` is opened again after a growing wait.

    A frame older than ``MAX_AGE_S`` is never handed out. Frames are converted to BGR when they are handed out, so that
    those skipped cost no conversion; ``dropped`` counts these, and ``Frame.index`` has gaps there. ``on_state`` is
    called from the decoder thread at the first frame, when the stream is lost, and at the first frame after that;
    ``state`` holds the newest. What it raises ends the source and is raised by iterating. What ``gate`` holds back is
    neither decoded nor handed out.

    Iterating raises ``ResolutionChangedError`` when the pictures change their size, since nothing that is measured in
    pixels holds any more.
    """

    live = True

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        camera: str,
        frame_rate: float | None = None,
        timeout_s: float = 5.0,
        on_state: Callable[[CameraState], None] | None = None,
        gate: PacketGate | None = None,
    ) -> None:
        self.camera = camera
        self._gate = gate
        self.state = CameraState(camera, "degraded", time.time(), "not connected yet")
        self._connect = connect
        self._timeout_s = timeout_s
        self._on_state = on_state
        self._stated_rate = frame_rate
        self._rate = frame_rate or _FALLBACK_RATE
        self._clock = LiveClock()
        self._newest: Newest[_Waiting] = Newest()
        self._index = 0
        self._size: tuple[int, int] | None = None
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._opened = threading.Event()
        # A daemon, since it may sit in a read for timeout_s after close().
        self._thread = threading.Thread(target=self._run, name=f"camera {camera}", daemon=True)
        self._thread.start()
        try:
            self._opened.wait()
        except BaseException:
            self.close()
            raise
        if self._failure is not None:
            raise self._failure

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        assert self._size is not None
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second, as the stream states it or as it was overridden; 25 where it states none."""
        return self._rate

    @property
    def frame_count(self) -> int | None:
        """None: a live stream has no end."""
        return None

    @property
    def dropped(self) -> int:
        """How many frames came and were not handed out."""
        return self._newest.dropped

    def __iter__(self) -> Iterator[Frame]:
        return (each.frame() for each in self.decoded())

    def decoded(self) -> Iterator[Decoded]:
        """As iterating, without converting the pictures."""
        while (waiting := self._newest.take()) is not None:
            if self._is_old(waiting.captured_at):
                self._newest.drop()
                continue
            yield Decoded(self.camera, waiting.number, waiting.captured_at, waiting.frame)
        if self._failure is not None and not self._stop.is_set():
            raise self._failure

    def close(self) -> None:
        """Stop and free the source; iterating ends. Safe to call twice and from another thread.

        Does not wait for a camera that has stopped answering: its thread ends at the next timeout.
        """
        self._stop.set()
        self._newest.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_old(self, captured_at: float) -> bool:
        return self._clock.now() - captured_at > MAX_AGE_S

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._stop.is_set():
                before = self._index
                lost = self._follow()
                if lost is None:
                    break
                if not self._opened.is_set():
                    self._failure = lost
                    break
                attempt = 0 if self._index > before else attempt + 1
                wait_s = backoff_s(attempt, random.uniform(0.5, 1.0))
                self._become("degraded", str(lost))
                _log.warning("camera %s: %s; trying again in %.1f s", self.camera, lost, wait_s)
                self._stop.wait(wait_s)
        except CameraError as error:
            # Its traceback would keep PyAV's objects alive, to be freed by whatever thread comes along.
            self._failure = error.with_traceback(None)
        except BaseException as error:
            self._failure = error
        finally:
            self._become("closed", "" if self._failure is None else str(self._failure))
            self._newest.close()
            self._opened.set()

    def _follow(self) -> CameraError | None:
        """Connect once and decode until the stream is lost: why it was. None when the source was closed."""
        try:
            container = self._connect()
        except CameraError as error:
            return error
        try:
            return self._decode(container)
        finally:
            container.close()

    def _decode(self, container: Any) -> CameraError | None:
        stream = container.streams.video[0]
        self._rate = self._stated_rate or plausible_rate(stream) or _FALLBACK_RATE
        self._clock.restart()
        gate = usable(self._gate, stream)
        fresh_at = self._clock.monotonic()
        reason = "the stream ended"
        try:
            for packet in container.demux(stream):
                arrived = self._clock.monotonic()
                if self._stop.is_set():
                    return None
                released = [packet] if gate is None else gate.take(packet)
                frames: list[Any] = []
                for each in released:
                    try:
                        frames = each.decode()
                    except av.error.InvalidDataError:
                        frames = []
                if not released:
                    self._when(seconds(packet), arrived)
                    fresh_at = arrived
                for frame in frames:
                    if self._accept(frame, arrived):
                        fresh_at = self._clock.monotonic()
                if self._clock.monotonic() - fresh_at > self._timeout_s:
                    reason = f"no fresh frame for {self._timeout_s:g} s"
                    break
        except av.error.ExitError:
            reason = f"nothing came for {self._timeout_s:g} s"
        except av.error.FFmpegError as error:
            reason = f"the stream broke ({error.strerror})"
        if self._stop.is_set():
            return None
        if not self._opened.is_set():
            return NoFramesError(f"camera {self.camera} connected, and no fresh frame came: {reason}")
        return UnreachableError(reason)

    def _accept(self, frame: Any, arrived: float) -> bool:
        """Take a decoded frame in; whether it is fresh enough to be handed out."""
        size = upright_size(frame)
        if self._size is not None and size != self._size:
            raise ResolutionChangedError(
                f"camera {self.camera}: the pictures changed from {self._size[0]}x{self._size[1]} to "
                f"{size[0]}x{size[1]}; set the camera back, or draw its lines and zones anew"
            )
        index, captured_at = self._when(seconds(frame), arrived)
        if not self._clock.settled or self._is_old(captured_at):
            self._newest.drop()
            return False
        self._size = size
        self._newest.put(_Waiting(index, captured_at, frame))
        self._become("live", "")
        self._opened.set()
        return True

    def _when(self, pts_s: float | None, arrived: float) -> tuple[int, float]:
        """The number of the next picture, and when it was captured."""
        index, self._index = self._index, self._index + 1
        return index, self._clock.captured_at(pts_s, arrived)

    def _become(self, status: Literal["live", "degraded", "closed"], reason: str) -> None:
        changed = status != self.state.status
        self.state = CameraState(self.camera, status, time.time() if changed else self.state.since, reason)
        if changed and status != "closed" and self._on_state is not None:
            self._on_state(self.state)
