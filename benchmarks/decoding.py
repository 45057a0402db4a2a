"""Decoding with the motion gate beside ``cv2.VideoCapture`` in CPU time; the ring beside ``multiprocessing.Queue``.

python -m benchmarks.decoding

The footage is made here: H.264 of 1920x1080 with a moving block on noise. Both ways take turns on it, and the median of
the turns counts. A frame goes through ring and queue from one process to another; the time is that of both.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import av
import cv2
import numpy as np
import typer

from cameras.open import open_source
from cameras.planes import decoded, planes_shape
from cameras.ring import FrameRing, RingPlace
from cameras.stillness import MotionGate

SIZE = (1920, 1080)
_SPAWN = multiprocessing.get_context("spawn")


def cpu_s(do: Callable[[], int]) -> float:
    """CPU seconds a frame that ``do`` takes, in this process and its children; it says how many frames there were."""
    before = _spent()
    count = do()
    return (_spent() - before) / count


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def footage(path: Path, frames: int) -> None:
    """A block that wanders over noise, as a camera would send it: 25 frames a second, a key frame every two seconds."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as output:
        options = {"preset": "veryfast", "g": "50", "bf": "0", "crf": "26"}
        stream: Any = output.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        ground = cv2.resize(rng.integers(40, 200, (108, 192, 3), np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
        for number in range(frames):
            picture = cv2.add(ground, rng.integers(0, 6, (SIZE[1], SIZE[0], 1), np.uint8).repeat(3, axis=2))
            x = 20 + 12 * number % 1700
            picture[400:800, x : x + 160] = (60, 90, 160)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def by_opencv(path: Path) -> int:
    """Every frame as BGR."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count


def by_us(path: Path, looks_every: int | None) -> int:
    """Every frame decoded and shown to the motion gate; each ``looks_every``-th one written as into a ring."""
    gate, out, count = MotionGate(), np.zeros(planes_shape(SIZE), np.uint8), 0
    with open_source(str(path)) as source:
        for picture in decoded(source):
            gate.update(picture.luma(), picture.captured_at)
            if looks_every and count % looks_every == 0:
                picture.write(out)
            count += 1
    return count


def _into_ring(place: RingPlace, count: int) -> None:
    picture = np.zeros(planes_shape(SIZE), np.uint8)
    with FrameRing.attach(place) as ring:
        for number in range(count):
            ring.write(picture, number, 0.0)
            while not ring.all_taken:
                time.sleep(0)


def _into_queue(queue: Any, count: int) -> None:
    picture = np.zeros(planes_shape(SIZE), np.uint8)
    for _ in range(count):
        queue.put(picture)


def through_ring(count: int) -> float:
    """Frames a second through a ring, each taken by the reader."""
    with FrameRing.create("bench", SIZE) as ring:
        process = _SPAWN.Process(target=_into_ring, args=(ring.place, count))
        process.start()
        taken = 0
        began = 0.0
        while taken < count:
            found = ring.take()
            if found is None:
                time.sleep(0)
                continue
            began = began or time.perf_counter()
            taken += 1
            int(found.frame.planes[::64, ::64].sum())
        elapsed = time.perf_counter() - began
        del found
        process.join()
    return (count - 1) / elapsed


def through_queue(count: int) -> float:
    """Frames a second through a queue."""
    queue = _SPAWN.Queue(maxsize=4)
    process = _SPAWN.Process(target=_into_queue, args=(queue, count))
    process.start()
    int(queue.get()[::64, ::64].sum())
    began = time.perf_counter()
    for _ in range(count - 1):
        int(queue.get()[::64, ::64].sum())
    elapsed = time.perf_counter() - began
    process.join()
    return (count - 1) / elapsed


def main(
    frames: Annotated[int, typer.Option(min=10, help="Frames of footage.")] = 120,
    turns: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 5,
) -> None:
    """Print frames for each CPU second, or for each second, and how many times the peer's that is."""
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        path = Path(folder) / "footage.mp4"
        footage(path, frames)
        ways = {
            "cv2.VideoCapture.read": lambda: by_opencv(path),
            "decode and motion gate": lambda: by_us(path, None),
            "decode, gate, every fifth into a ring": lambda: by_us(path, 5),
        }
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(turns):
            for name, way in ways.items():
                spent[name].append(cpu_s(way))
        peer = statistics.median(spent["cv2.VideoCapture.read"])
        for name, each in spent.items():
            median = statistics.median(each)
            typer.echo(f"{name}: {1 / median:.0f} frames of 1080p a CPU second, {peer / median:.2f} times the peer")
    rates: dict[str, list[float]] = {"queue": [], "ring": []}
    for _ in range(turns):
        rates["queue"].append(through_queue(frames // 2))
        rates["ring"].append(through_ring(frames * 5))
    queue, ring = (statistics.median(rates[name]) for name in ("queue", "ring"))
    typer.echo(f"multiprocessing.Queue: {queue:.0f} frames of 1080p a second")
    typer.echo(f"shared ring: {ring:.0f} a second, {ring / queue:.1f} times the peer")


if __name__ == "__main__":
    typer.run(main)
