"""Looks after one camera's decoder process: starts it, owns its ring, and starts it again when it dies or hangs."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Semaphore
from types import TracebackType
from typing import Final, Self

from cameras.decoder import DecoderJob, Ended, Opened, run_decoder
from cameras.live import CameraState, backoff_s
from cameras.ring import FrameRing
from cameras.uri import LIVE, kind_of

_SPAWN: Final = multiprocessing.get_context("spawn")
HUNG_S: Final = 10.0
"""A decoder that does not say for so long that it is alive is killed."""
_STARTING_S: Final = 60.0  # to import, connect and see the first frame, on a busy machine
_STEADY_S: Final = 60.0  # after so long without a fault the next one is a first one again


class CameraDecoder:
    """One camera's decoder, from another process' point of view. Use it as a context manager; call ``poll`` often.

    ``ring`` has its pictures, None until the source was opened; it is the same ring after a restart. ``bell`` is rung
    for each picture. ``ended`` says that recorded footage came to its end, or broke: then ``error`` says how. A live
    camera never ends.
    """

    def __init__(self, job: DecoderJob, bell: Semaphore) -> None:
        self.job = job
        self.opened: Opened | None = None
        self.ring: FrameRing | None = None
        self.ended = False
        self.error = ""
        self.restarts = 0
        self._bell = bell
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._attempt = 0
        self._started_at = self._again_at = 0.0
        self._faulty = self._placed = False
        self._start()

    @property
    def pid(self) -> int | None:
        """The process that decodes now."""
        return None if self._process is None else self._process.pid

    def poll(self) -> list[CameraState]:
        """What happened to the camera since the last call; a decoder that died or hangs is started again, after a wait
        that doubles from half a second to 30 s.
        """
        told: list[CameraState] = []
        if self.ended:
            return told
        if self._process is None:
            if time.monotonic() >= self._again_at:
                self.restarts += 1
                self._start()
            return told
        # Asked before the pipe is emptied: what it said last is in there.
        process = self._process
        exit_code = process.exitcode
        self._listen(told)
        if self._process is not process:
            return told
        if exit_code is not None:
            self._fault(told, f"its decoder ended with exit code {exit_code}")
        elif self._is_hung():
            process.kill()
            self._fault(told, f"its decoder gave no sign of life for {HUNG_S:g} s")
        elif self._attempt and time.monotonic() - self._started_at > _STEADY_S:
            self._attempt = 0
        return told

    def close(self) -> None:
        """Stop the decoder and remove the ring."""
        self._stop()
        if self.ring is not None:
            self.ring.close()
            self.ring = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=run_decoder,
            args=(self.job, theirs, self._bell),
            name=f"aisle-decoder-{self.job.camera}",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._started_at = time.monotonic()
        self._placed = False

    def _listen(self, told: list[CameraState]) -> None:
        pipe = self._pipe
        while pipe is not None and self._pipe is pipe:
            try:
                if not pipe.poll():
                    return
                what = pipe.recv()
            except (EOFError, OSError):
                return
            if isinstance(what, Opened):
                self._place(what, told)
            elif isinstance(what, Ended):
                self._end(what, told)
            else:
                told.append(what)
                self._faulty = what.status != "live"

    def _place(self, opened: Opened, told: list[CameraState]) -> None:
        if self.opened is not None and opened.size != self.opened.size:
            # Whatever is measured in pixels holds no more.
            self._fault(
                told,
                f"its pictures changed from {self.opened.size[0]}x{self.opened.size[1]} to {opened.size[0]}x"
                f"{opened.size[1]}; set the camera back, or draw its lines and zones anew",
            )
            return
        self.opened = opened
        if self.ring is None:
            self.ring = FrameRing.create(self.job.camera, opened.size)
        self.ring.beat(time.time())
        assert self._pipe is not None
        self._pipe.send(self.ring.place)
        self._placed = True
        if self._faulty and not opened.live:
            self._faulty = False
            told.append(CameraState(self.job.camera, "live", time.time()))

    def _end(self, ended: Ended, told: list[CameraState]) -> None:
        if kind_of(self.job.uri) in LIVE:
            self._fault(told, ended.error or "the stream ended")
            return
        self.ended, self.error = True, ended.error
        self._stop()

    def _is_hung(self) -> bool:
        if not self._placed or self.ring is None:
            return time.monotonic() - self._started_at > _STARTING_S
        return time.time() - self.ring.beat_at > HUNG_S

    def _fault(self, told: list[CameraState], reason: str) -> None:
        self._stop()
        self._again_at = time.monotonic() + backoff_s(self._attempt, random.uniform(0.5, 1.0))
        self._attempt += 1
        self._faulty = True
        told.append(CameraState(self.job.camera, "degraded", time.time(), reason))

    def _stop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(2.0)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = None
