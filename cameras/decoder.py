"""One camera decoded in a process of its own, into a ring: what a process is given, tells, and does."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Semaphore
from typing import Final, NamedTuple

from cameras.errors import CameraError
from cameras.frame import FrameSource
from cameras.live import CameraState
from cameras.open import open_source
from cameras.packets import PacketGate
from cameras.planes import Decoded, decoded
from cameras.ring import FrameRing
from cameras.stillness import MotionGate, StillnessSettings

BEAT_S: Final = 0.5
_LATE_S: Final = 0.2
_WAIT_S: Final = 0.002  # between two looks whether the reader has taken a picture that must not be skipped


@dataclass(frozen=True, slots=True)
class DecoderJob:
    """What to decode; see ``cameras.open.open_source``. ``uri`` may hold a password and is shown nowhere.

    ``gate`` None lets every picture pass; with one, and where the ring says so, what is still is not decoded either.
    With ``paced`` recorded footage comes at its own pace and skips, as a live camera's does, from when its first
    picture is taken.
    """

    uri: str = field(repr=False)
    camera: str
    frame_rate: float | None = None
    start: float | None = None
    loop: bool = False
    paced: bool = False
    gate: StillnessSettings | None = None


class Opened(NamedTuple):
    """A source was opened: ``size`` (width, height) of its pictures, frames a second, and whether it is live."""

    size: tuple[int, int]
    frame_rate: float
    live: bool
    frame_count: int | None


class Ended(NamedTuple):
    """A source ended; ``error`` says why where that was not the end of the footage."""

    error: str = ""


Told = Opened | CameraState | Ended


def run_decoder(job: DecoderJob, pipe: Connection, bell: Semaphore) -> None:
    """The main function of a decoder's process.

    It tells ``Opened`` on ``pipe``, is given the ring's place there, tells every ``CameraState``, and ``Ended``; it
    rings ``bell`` for each picture, and stops when the other end of the pipe is closed.
    """
    # Ctrl-C is for the one who started this process, who then stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sending = threading.Lock()

    def tell(what: Told) -> None:
        with sending:
            pipe.send(what)

    packets = None if job.gate is None else PacketGate()
    try:
        source = open_source(
            job.uri,
            camera=job.camera,
            frame_rate=job.frame_rate,
            start=job.start,
            loop=job.loop,
            on_state=tell,
            gate=packets,
        )
    except CameraError as error:
        tell(Ended(str(error)))
        return
    with source:
        tell(Opened(source.size, source.frame_rate, source.live, source.frame_count))
        try:
            place = pipe.recv()
        except EOFError:
            return
        stop = threading.Event()
        with FrameRing.attach(place) as ring:
            watch = threading.Thread(target=_beat, args=(ring, pipe, source, stop), name="beat", daemon=True)
            watch.start()
            try:
                _pour(source, job, ring, bell, stop, packets)
                tell(Ended())
            except CameraError as error:
                tell(Ended(str(error)))
            except OSError:  # whoever reads is gone
                pass
            finally:
                stop.set()
                watch.join(2 * BEAT_S)


def _pour(
    source: FrameSource,
    job: DecoderJob,
    ring: FrameRing,
    bell: Semaphore,
    stop: threading.Event,
    packets: PacketGate | None,
) -> None:
    """Every picture of ``source`` that is worth a look, into the ring."""
    gate = None if job.gate is None else MotionGate(job.gate)
    counted = shown = 0
    # Of the process' time, not the clock's: most of that is waiting for the camera.
    began = time.process_time()
    for picture in _paced(decoded(source)) if job.paced else decoded(source):
        if stop.is_set():
            return
        looks = picture.picture is not None and (gate is None or gate.update(picture.luma(), picture.captured_at))
        still, held = int(picture.picture is not None and not looks), 0
        if packets is not None and gate is not None:
            packets.allowed = ring.may_rest
            if picture.picture is not None:
                packets.see(gate.still)
            held, counted = packets.held - counted, packets.held
        ready = time.process_time()
        if looks:
            if not source.live and not job.paced:
                _wait_for_reader(ring, stop)  # while it looked, the next one was decoded
            picture.write(ring.next())
            ring.publish(picture.index, picture.captured_at)
            bell.release()
            shown += 1
        ring.count(still=still + held, held=held, decode_s=ready - began, write_s=time.process_time() - ready)
        if shown == 1 and looks and job.paced:
            _wait_for_reader(ring, stop)  # the footage's time begins when somebody looks
        began = time.process_time()


def _wait_for_reader(ring: FrameRing, stop: threading.Event) -> None:
    while not ring.all_taken and not stop.is_set():
        time.sleep(_WAIT_S)


def _paced(pictures: Iterator[Decoded]) -> Iterator[Decoded]:
    """Each picture when as much time has passed since the first was done with as lies between them; what is late is
    passed over.
    """
    began: tuple[float, float] | None = None
    for picture in pictures:
        if began is None:
            yield picture
            began = time.monotonic(), picture.captured_at
            continue
        ahead = (picture.captured_at - began[1]) - (time.monotonic() - began[0])
        if ahead > 0:
            time.sleep(ahead)
        if ahead > -_LATE_S:
            yield picture


def _beat(ring: FrameRing, pipe: Connection, source: FrameSource, stop: threading.Event) -> None:
    """Say that this process is alive, until its pipe is closed: then close the source, which may wait for a frame."""
    while not stop.is_set():
        ring.beat(time.time())
        try:
            ended = pipe.poll(BEAT_S)  # nothing more is ever sent
        except OSError:
            ended = True
        if ended:
            stop.set()
            source.close()
