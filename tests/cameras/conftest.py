from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

BITS, BLOCK = 8, 16


def stamped(number: int, size: tuple[int, int] = (160, 64)) -> NDArray[np.uint8]:
    """A picture that says its number: a row of blocks, white for each set bit, over a slope with a noisy corner."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.linspace(60, 180, width).astype(np.uint8)[None, :, None]
    noise = np.random.default_rng(number).integers(0, 256, (height // 2, width // 2), np.uint8)
    image[height // 2 :, width // 2 :] = noise[..., None]
    for bit in range(BITS):
        image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return image


def number_of(image: NDArray[np.uint8]) -> int:
    """The number that ``stamped`` wrote, after any lossy codec."""
    blocks = image[2 : BLOCK - 2, : BITS * BLOCK].reshape(BLOCK - 4, BITS, BLOCK, 3).mean(axis=(0, 2, 3))
    return sum(int(level > 127) << bit for bit, level in enumerate(blocks))


@pytest.fixture
def stamp() -> Callable[..., NDArray[np.uint8]]:
    return stamped


@pytest.fixture
def read_stamp() -> Callable[[NDArray[np.uint8]], int]:
    return number_of


def write_video(
    path: Path,
    frames: int = 25,
    *,
    size: tuple[int, int] = (160, 64),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rate: int = 25,
    pts: list[int] | None = None,
    time_base: Fraction | None = None,
    container: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    with av.open(str(path), "w", options=container or {}) as output:
        output.metadata.update(metadata or {})
        stream: Any = output.add_stream(codec, rate=rate, options=encoder or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        if time_base is not None:
            stream.codec_context.time_base = time_base
        output.start_encoding()
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(stamped(number, size), format="bgr24").reformat(format=pixels)
            if pts is not None:
                frame.pts, frame.time_base = pts[number], time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """Write a video of ``frames`` stamped pictures under a name in the test's folder."""

    def write(name: str, frames: int = 25, **options: Any) -> Path:
        return write_video(tmp_path / name, frames, **options)

    return write


class RtspServer:
    """A real RTSP server in a process of its own, which can be killed, stopped and started again on its port."""

    def __init__(self, folder: Path, *credentials: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = [sys.executable, str(Path(__file__).with_name("rtsp_server.py")), str(folder), str(self.port)]
        self._command += credentials
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str, user: str = "") -> str:
        """The endless loop of a video."""
        return f"rtsp://{user}127.0.0.1:{self.port}/{name}?play_count=0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the RTSP server did not start")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def rtsp_server(tmp_path: Path) -> Iterator[Callable[..., RtspServer]]:
    """Start a server that loops ``clip.mp4``, 4 s at 25 frames/s."""
    servers: list[RtspServer] = []
    folder = tmp_path / "served"
    folder.mkdir()
    # The server sends in the order of decoding, so there must be no B-frames.
    encoder = {"bf": "0", "g": "10", "preset": "ultrafast"}
    write_video(folder / "clip.mp4", 100, encoder=encoder)

    def serve(*credentials: str) -> RtspServer:
        server = RtspServer(folder, *credentials)
        servers.append(server)
        server.start()
        return server

    yield serve
    for server in servers:
        server.kill()
