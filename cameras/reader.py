"""One pass over a video file: the header, every frame in order, and the verdict on how the file ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from cameras.clock import in_seconds
from cameras.errors import NotAVideoError, SourceNotFoundError, TruncatedVideoError
from cameras.packets import PacketGate, usable

# ffmpeg draws any text file as a terminal.
_NO_VIDEO = frozenset({"tty"})
# Formats whose header says how long they are; elsewhere ffmpeg guesses from the size of the file.
_STATE_DURATION = ("mov,", "matroska", "flv", "asf")
# In these the count of frames includes those that an edit list cuts away.
_COUNT_IS_LOOSE = ("mov,",)


class Picture(NamedTuple):
    """A decoded frame of PyAV, None for one that was held back; timestamp and duration in seconds where the stream has
    them.
    """

    frame: Any
    pts_s: float | None
    duration_s: float | None


def to_bgr(frame: Any) -> NDArray[np.uint8]:
    """A PyAV frame as uint8 (H, W, 3) BGR, upright: turned as its display matrix says."""
    image: NDArray[np.uint8] = frame.to_ndarray(format="bgr24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def upright_size(frame: Any) -> tuple[int, int]:
    """(width, height) that ``to_bgr`` will give, without converting."""
    turned = round(frame.rotation / 90) % 2
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def seconds(timed: Any) -> float | None:
    """The timestamp of a frame or packet of PyAV in seconds, None where it has none."""
    return None if timed.pts is None else in_seconds(timed.pts, timed.time_base)


def plausible_rate(stream: Any) -> float | None:
    """The frame rate that a PyAV stream states, None where it states none or an impossible one."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0.01 <= rate <= 1000:
            return float(rate)
    return None


class Reader:
    """One pass over the file at ``path``.

    A file is truncated when reading it fails, when its last packet is damaged, or when it is shorter than its header
    says by more than headers are known to be wrong: 2 frames or 1 % of the frames, a quarter of a second or 1 % of the
    duration. Formats that state no length (MPEG-TS, fragmented MP4) show only a cut within a frame. What cannot be
    decoded in the middle of a file is stepped over and counted in ``damaged``. What ``gate`` holds back is not decoded.

    Raises ``SourceNotFoundError``, ``NotAVideoError`` and ``TruncatedVideoError`` (for a file that lost its index).
    """

    def __init__(self, path: Path, gate: PacketGate | None = None) -> None:
        self.path = path
        self.damaged = 0
        self._lock = threading.Lock()
        self._container = _open(path)
        videos = self._container.streams.video
        if not videos or self._container.format.name in _NO_VIDEO or videos[0].codec_context is None:
            self._container.close()
            raise NotAVideoError(f"{path} holds no video that can be decoded")
        self._video = videos[0]
        # Decoding ahead in frame threads loses good frames beside a damaged one, at times without an error.
        self._video.thread_type = "SLICE"
        self._gate = usable(gate, self._video)
        self.frame_rate = plausible_rate(self._video)
        self.frame_count = self._count()
        self.created_at = _creation_time({**self._video.metadata, **self._container.metadata})
        self._packets = 0
        self._began_s, self._ended_s = float("inf"), float("-inf")
        self._cut_short = False
        # A GIF that lacks its end mark was cut off within its last frame.
        self._unmarked = self._container.format.name == "gif" and not _ends_like_a_gif(path)
        self._pictures: Iterator[Picture] | None = self._decode()

    def read(self) -> Picture | None:
        """The next frame, decoded or held back; None at the end of the file and after ``close``.

        Raises ``TruncatedVideoError`` after the last frame of a truncated file.
        """
        with self._lock:
            return None if self._pictures is None else next(self._pictures, None)

    def close(self) -> None:
        """Free the file; waits for a frame that another thread is reading."""
        with self._lock:
            self._pictures = None
            self._container.close()

    def _count(self) -> int | None:
        if self._video.frames:
            return int(self._video.frames)
        duration = self._container.duration
        return round(duration / av.time_base * self.frame_rate) if duration and self.frame_rate else None

    def _decode(self) -> Iterator[Picture]:
        frames = 0
        broken: str | None = None
        try:
            for packet in self._video_packets():
                if packet.size:
                    broken = None
                released = [packet] if self._gate is None else self._gate.take(packet)
                decoded: list[Any] = [] if released else [None]
                for each in released:
                    if each.size:
                        broken = None  # of the packets let go at once the last one tells
                    try:
                        decoded = each.decode()
                    except av.error.FFmpegError as error:
                        self.damaged += 1
                        broken = f"its last packet cannot be decoded ({error.strerror})"
                        decoded = []
                for frame in decoded:
                    frames += 1
                    yield _picture(frame, packet if frame is None else frame)
        except av.error.FFmpegError as error:
            broken = f"reading failed ({error.strerror})"
        broken = broken or self._missing()
        if broken is not None:
            raise TruncatedVideoError(
                f"{self.path} is truncated: it broke at frame {frames}, {broken}; copy it again or repair it", frames
            )

    def _video_packets(self) -> Iterator[Any]:
        """The packets of the video, but not a last one that is cut short: it would give half a picture."""
        damaged: Any = None
        streams = self._container.streams
        for packet in self._container.demux(self._video, *streams.audio, *streams.subtitles):
            if packet.pts is not None and (base := packet.time_base) is not None:
                self._began_s = min(self._began_s, in_seconds(packet.pts, base))
                self._ended_s = max(self._ended_s, in_seconds(packet.pts + (packet.duration or 0), base))
            if packet.stream.index != self._video.index:
                continue
            self._packets += packet.size > 0
            if damaged is not None and packet.size:
                yield damaged
            self._cut_short = damaged is not None and not packet.size
            damaged = packet if packet.size and (packet.is_corrupt or self._unmarked) else None
            if damaged is None:
                yield packet

    def _missing(self) -> str | None:
        """What says that the file ought to go on, None where nothing does."""
        if self._cut_short:
            return "its last packet is cut short"
        name, stated = self._container.format.name, self._video.frames
        if stated and not name.startswith(_COUNT_IS_LOOSE) and self._packets < stated - max(2, stated / 100):
            return f"its header counts {stated} frames"
        if self._container.duration and name.startswith(_STATE_DURATION):
            stated_s = self._container.duration / av.time_base
            if self._ended_s - self._began_s < stated_s - max(0.25, stated_s / 100):
                return f"its header says that it lasts {stated_s:.2f} s"
        return None


def _picture(frame: Any, timed: Any) -> Picture:
    duration = in_seconds(timed.duration, timed.time_base) if timed.duration and timed.time_base else None
    return Picture(frame, seconds(timed), duration)


def _open(path: Path) -> Any:
    if not path.exists():
        raise SourceNotFoundError(f"{path} does not exist")
    try:
        # Absolute, so that no name is taken for a protocol.
        return av.open(str(path.absolute()))
    except av.error.PermissionError:
        raise SourceNotFoundError(f"{path} may not be read; check its permissions") from None
    except (av.error.FFmpegError, ValueError) as error:
        with path.open("rb") as file:
            if file.read(12)[4:8] == b"ftyp":
                raise TruncatedVideoError(
                    f"{path} is truncated: its index, which comes last in the file, is missing, so that no frame can "
                    "be read; copy it again or repair it",
                    0,
                ) from error
        raise NotAVideoError(f"{path} is not a video that can be read ({getattr(error, 'strerror', error)})") from error


def _creation_time(metadata: dict[str, str]) -> float | None:
    try:
        moment = datetime.fromisoformat(metadata.get("creation_time", ""))
    except ValueError:
        return None
    # Recorders without a clock write 1904 or 1970.
    return moment.timestamp() if moment.year >= 1990 else None


def _ends_like_a_gif(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 4096), 2)
        return file.read().rstrip(b"\0").endswith(b";")
