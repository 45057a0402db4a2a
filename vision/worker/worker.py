"""The process that holds it all together: decoders, the networks' process, and who is followed."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

import structlog

from cameras.decoder import DecoderJob, Opened
from cameras.decoding import CameraDecoder
from cameras.live import CameraState
from vision.worker.account import CameraAccount, Counting
from vision.worker.eyes import Eyes
from vision.worker.looking import Look, LookingJob, Pace

_SPAWN: Final = multiprocessing.get_context("spawn")
_POLL_S: Final = 0.1
_LOST_S: Final = 20.0
log = structlog.get_logger(__name__)


class WorkerError(RuntimeError):
    """A worker that cannot work: why."""


class Follower(Protocol):
    """Follows one camera's people: what ``look`` shows goes in, in order of time."""

    def take(self, look: Look) -> None:
        """The next picture."""
        ...

    def finish(self) -> None:
        """No more pictures come: everybody leaves."""
        ...


@dataclass(slots=True)
class _Camera:
    decoder: CameraDecoder
    state: str = "starting"
    follower: Follower | None = None
    counting: Counting = field(default_factory=Counting)
    newest_at: float = float("-inf")
    told: int = 0
    told_at: float = 0.0
    done: bool = False


class Worker:
    """Watches ``cameras`` until all recordings have ended or it is stopped. Use it as a context manager.

    ``follow`` makes a camera's follower when its source is open. ``on_state`` is told what happens to a camera,
    ``on_end`` once that nothing more comes from it, opened or not, after its follower has finished. Where a decoder or
    the networks die or hang they are started again alone; followers, and so the identities of people in view, live here
    and go on. What a camera showed meanwhile is passed over.
    """

    def __init__(
        self,
        cameras: Sequence[DecoderJob],
        looking: LookingJob,
        follow: Callable[[str, Opened], Follower],
        *,
        on_state: Callable[[CameraState], None] = lambda state: None,
        on_end: Callable[[str], None] = lambda camera: None,
    ) -> None:
        names = [job.camera for job in cameras]
        if len(set(names)) < len(names):
            raise WorkerError(f"cameras must have different names, got {', '.join(names)}")
        self._jobs, self._looking = cameras, looking
        self._follow, self._on_state, self._on_end = follow, on_state, on_end
        self._bell = _SPAWN.Semaphore(0)
        self._cameras: dict[str, _Camera] = {}
        self._eyes: Eyes | None = None

    def __enter__(self) -> Self:
        self._eyes = Eyes(self._looking, self._bell)
        self._cameras = {job.camera: _Camera(CameraDecoder(job, self._bell)) for job in self._jobs}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._eyes is not None:
            self._eyes.close()
        for camera in self._cameras.values():
            camera.decoder.close()

    def run(self, stop: threading.Event, on_progress: Callable[[], None] = lambda: None) -> None:
        """Watch. Raises ``WorkerError`` where the networks cannot be opened, or no source can."""
        try:
            while not stop.is_set() and not self._step():
                on_progress()
        finally:
            for camera in self._cameras.values():
                self._end(camera)
        errors = {name: each.decoder.error for name, each in self._cameras.items() if each.decoder.error}
        if errors and len(errors) == len(self._cameras):
            raise WorkerError("; ".join(f"camera {name}: {reason}" for name, reason in errors.items()))

    def pace(self, pace: Pace) -> None:
        """Look at a camera's pictures so often from now on."""
        if self._eyes is not None:
            self._eyes.pace(pace)

    def rest(self, camera: str, rest: bool) -> None:
        """Where pictures that are still are passed over, let this camera's not even be decoded, or have them be."""
        known = self._cameras.get(camera)
        if known is not None and known.decoder.ring is not None:
            known.decoder.ring.let_rest(rest)

    def account(self) -> dict[str, CameraAccount]:
        """What each camera cost so far; may be asked from another thread."""
        return {name: _account(name, camera) for name, camera in self._cameras.items()}

    @property
    def restarts(self) -> int:
        """How often the networks were started again."""
        return self._eyes.restarts if self._eyes is not None else 0

    @property
    def pids(self) -> Mapping[str, int | None]:
        """The processes: "networks", and each camera's decoder by its name."""
        found = {name: camera.decoder.pid for name, camera in self._cameras.items()}
        return found | {"networks": self._eyes.pid if self._eyes is not None else None}

    def _step(self) -> bool:
        """Look after all processes, and take in what was seen; whether everything is over."""
        assert self._eyes is not None
        for camera in self._cameras.values():
            self._look_after(camera)
        for look in self._eyes.poll(_POLL_S):
            self._take(look)
        if (reason := self._eyes.failure) is not None:
            raise WorkerError(f"the networks cannot be opened: {reason}")
        over = [camera for camera in self._cameras.values() if camera.decoder.ended and self._drained(camera)]
        for camera in over:
            self._end(camera)
        return len(over) == len(self._cameras)

    def _look_after(self, camera: _Camera) -> None:
        assert self._eyes is not None
        decoder = camera.decoder
        for state in decoder.poll():
            camera.state = state.status
            self._on_state(state)
        if camera.follower is None and decoder.ring is not None and decoder.opened is not None:
            camera.follower = self._follow(decoder.job.camera, decoder.opened)
            camera.state = "live"
            self._eyes.add(decoder.ring.place)

    def _take(self, look: Look) -> None:
        camera = self._cameras[look.camera]
        camera.counting.missed += look.missed
        camera.told += 1 + look.missed
        camera.told_at = time.monotonic()
        # A decoder that was started again reads a recording from its beginning.
        if camera.follower is None or look.captured_at <= camera.newest_at:
            return
        camera.newest_at = look.captured_at
        began = time.perf_counter()
        camera.follower.take(look)
        counting = camera.counting
        counting.follow_s += time.perf_counter() - began
        counting.looked += 1
        counting.network_s += look.network_s
        counting.describe_s += look.other_s
        counting.ages.append(look.age_s)
        counting.times.append(time.monotonic())

    def _drained(self, camera: _Camera) -> bool:
        """Whether it was told of all that its decoder wrote; what died with the networks is not waited for."""
        ring = camera.decoder.ring
        if ring is None or camera.told >= ring.written:
            return True
        return ring.all_taken and time.monotonic() - camera.told_at > _LOST_S

    def _end(self, camera: _Camera) -> None:
        if not camera.done:
            camera.done = True
            if camera.follower is not None:
                camera.follower.finish()
            self._on_end(camera.decoder.job.camera)
        if camera.decoder.ended:
            camera.state = "ended"


def _account(name: str, camera: _Camera) -> CameraAccount:
    counting, decoder = camera.counting, camera.decoder
    ring = decoder.ring
    spent = None if ring is None else ring.spent
    return CameraAccount(
        camera=name,
        state=camera.state,
        came=0 if ring is None or spent is None else ring.written + spent.still,
        still=0 if spent is None else spent.still,
        held=0 if spent is None else spent.held,
        missed=counting.missed,
        looked=counting.looked,
        restarts=decoder.restarts,
        seconds={
            "decode": 0.0 if spent is None else spent.decode_s,
            "copy": 0.0 if spent is None else spent.write_s,
            "network": counting.network_s,
            "describe": counting.describe_s,
            "follow": counting.follow_s,
        },
        age_s=counting.age_s(),
        rate_hz=counting.rate_hz(),
    )
