"""Decoding beside ``cv2.VideoCapture`` in CPU time; the ring beside ``multiprocessing.Queue`` in frames a second.

The footage is made here: H.264 of 1920x1080 with a moving block on noise, 25 frames a second. Both ways take turns on
it. A frame goes through ring and queue from one process to another.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.measure import Finding, cpu_in_turns, in_turns, milliseconds
from cameras.open import open_source
from cameras.planes import decoded, planes_shape
from cameras.ring import FrameRing, RingPlace
from cameras.stillness import MotionGate

SIZE = (1920, 1080)
_SPAWN = multiprocessing.get_context("spawn")


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


def by_us(path: Path) -> int:
    """Every frame's luma plane."""
    count = 0
    with open_source(str(path)) as source:
        for picture in decoded(source):
            picture.luma()
            count += 1
    return count


def by_decoder(path: Path) -> int:
    """What a worker's decoder does: every frame shown to the motion gate, each fifth one written as into a ring."""
    gate, out, count = MotionGate(), np.zeros(planes_shape(SIZE), np.uint8), 0
    with open_source(str(path)) as source:
        for picture in decoded(source):
            gate.update(picture.luma(), picture.captured_at)
            if count % 5 == 0:
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


def measure(frames: int = 300, turns: int = 5) -> list[Finding]:
    """Decode and luma, decode with gate and copy, and the ring."""
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        path = Path(folder) / "footage.mp4"
        footage(path, frames)
        found = cpu_in_turns(
            {
                "peer": lambda: by_opencv(path),
                "luma": lambda: by_us(path),
                "decoder": lambda: by_decoder(path),
            },
            turns,
        )
    rates = in_turns({"queue": lambda: through_queue(60), "ring": lambda: through_ring(600)}, turns)
    read, made = milliseconds(found["peer"], "a frame"), "1080p H.264 that is made here"
    return [
        Finding(
            "decode + luma, cv2.read beside it",
            milliseconds(found["luma"], "a frame"),
            read,
            found["peer"] / found["luma"],
            1.4,
            note=made,
        ),
        Finding(
            "the same with motion gate, every fifth frame copied",
            milliseconds(found["decoder"], "a frame"),
            read,
            found["peer"] / found["decoder"],
            note=made,
        ),
        Finding(
            "shared ring, multiprocessing.Queue beside it",
            f"{rates['ring']:.0f} frames/s",
            f"{rates['queue']:.0f} frames/s",
            rates["ring"] / rates["queue"],
            20.0,
            note="1080p, by the clock",
        ),
    ]
