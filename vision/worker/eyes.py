"""Looks after the process that owns the networks: starts it, gives it rings, starts it again when it dies or hangs."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Semaphore
from typing import Final

import structlog

from cameras.live import backoff_s
from cameras.ring import RingPlace
from vision.worker.looking import Failed, Look, LookingJob, Pace, run_looking

_SPAWN: Final = multiprocessing.get_context("spawn")
HUNG_S: Final = 30.0
"""A process that tells nothing for so long is killed: the first batch of a size may take its time."""
_OPENING_S: Final = 300.0  # on a slow machine, with a cold cache of compiled networks
log = structlog.get_logger(__name__)


class Eyes:
    """The networks' process, from the worker's point of view; call ``poll`` often.

    ``failure`` says why it cannot work at all; then it is not started again.
    """

    def __init__(self, job: LookingJob, bell: Semaphore) -> None:
        self.failure: str | None = None
        self.restarts = 0
        self._job, self._bell = job, bell
        self._places: dict[str, RingPlace] = {}
        self._paces: dict[str, Pace] = {}
        self._attempt = 0
        self._again_at: float | None = None
        self._start()

    @property
    def pid(self) -> int | None:
        """The process that looks now."""
        return self._process.pid if self._again_at is None else None

    def add(self, place: RingPlace) -> None:
        """Look at this ring's pictures too, from now on and after every restart."""
        self._places[place.camera] = place
        if self._again_at is None:
            self._send(place)

    def pace(self, pace: Pace) -> None:
        """Look at a camera's pictures so often, from now on and after every restart."""
        if self._paces.get(pace.camera) == pace:
            return
        self._paces[pace.camera] = pace
        if self._again_at is None:
            self._send(pace)

    def poll(self, timeout_s: float) -> list[Look]:
        """What was seen, waiting for it no longer than ``timeout_s``."""
        if self._again_at is not None:
            if time.monotonic() < self._again_at:
                time.sleep(min(timeout_s, self._again_at - time.monotonic() + 0.001))
                return []
            self.restarts += 1
            self._start()
        found: list[Look] = []
        try:
            while self._pipe.poll(timeout_s if not found else 0):
                what = self._pipe.recv()
                self._heard_at, self._heard = time.monotonic(), True
                if isinstance(what, Look):
                    self._attempt = 0
                    found.append(what)
                elif isinstance(what, Failed):
                    self.failure = what.reason
        except (EOFError, OSError):
            if self.failure is None:
                self._process.join(5.0)
                self._fault(f"it ended with exit code {self._process.exitcode}")
            return found
        silent_s = time.monotonic() - self._heard_at
        if silent_s > (HUNG_S if self._heard else _OPENING_S):
            self._fault(f"it told nothing for {silent_s:.0f} s")
        return found

    def close(self) -> None:
        """Stop the process."""
        if self._again_at is not None:
            return
        self._pipe.close()
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._again_at = float("inf")

    def _start(self) -> None:
        self._pipe: Connection
        self._pipe, theirs = _SPAWN.Pipe()
        self._process: SpawnProcess = _SPAWN.Process(
            target=run_looking, args=(self._job, theirs, self._bell), name="aisle-networks", daemon=True
        )
        self._process.start()
        theirs.close()
        self._heard_at, self._heard, self._again_at = time.monotonic(), False, None
        for place in self._places.values():
            self._send(place)
        for pace in self._paces.values():
            self._send(pace)

    def _send(self, told: RingPlace | Pace) -> None:
        try:
            self._pipe.send(told)
        except OSError:
            return  # it died just now: the next poll starts it again, with all that it was told

    def _fault(self, reason: str) -> None:
        wait_s = backoff_s(self._attempt, 0.75)
        log.error("the networks' process is started again", reason=reason, in_s=round(wait_s, 1))
        self._attempt += 1
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._process.close()
        self._again_at = time.monotonic() + wait_s
