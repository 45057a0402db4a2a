"""Pictures of one camera to disk: as an H.264 video whose frames keep their own times, or as JPEG files."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.truth.shop import utc

TICKS = 90_000  # of a video's clock in a second
_WAITING = 8
_JPEG_QUALITY = 92


class Footage(Protocol):
    """Takes the pictures of one camera in order of time; finished when it is left as a context manager."""

    def write(self, image: NDArray[np.uint8], stamped_s: float) -> str:
        """Take a picture uint8 (H, W, 3) BGR of the moment ``stamped_s``; the name of the file that it goes to."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class VideoFootage:
    """An MP4 at ``path``, encoded in a thread of its own.

    ``start`` is seconds since 1970 in UTC at which ``stamped_s`` is 0: the file's creation time is that of its first
    picture, to the microsecond, so that a reader that adds the frames' timestamps has their times.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate_hz: float, start: float) -> None:
        self._path, self._size, self._rate, self._start = path, size, rate_hz, start
        self._queue: queue.Queue[tuple[NDArray[np.uint8], int] | None] = queue.Queue(_WAITING)
        self._failure: BaseException | None = None
        self._first: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"encoder {path.parent.name}", daemon=True)

    def write(self, image: NDArray[np.uint8], stamped_s: float) -> str:
        """Take a picture; raises what went wrong with those before."""
        if self._first is None:
            self._first = stamped_s
            self._thread.start()
        if self._failure is not None:
            raise self._failure
        self._queue.put((image, round((stamped_s - self._first) * TICKS)))
        return self._path.name

    def _run(self) -> None:
        try:
            self._encode()
        except BaseException as error:
            self._failure = error
            while self._queue.get() is not None:  # so that whoever writes is not held up
                pass

    def _encode(self) -> None:
        assert self._first is not None
        # Only among the "metadata tags" does a creation time keep its fraction of a second.
        with av.open(str(self._path), "w", options={"movflags": "use_metadata_tags+faststart"}) as container:
            container.metadata["creation_time"] = utc(self._start + self._first)
            stream = h264_stream(container, self._size, self._rate)
            while (item := self._queue.get()) is not None:
                container.mux(stream.encode(video_frame(*item)))
            container.mux(stream.encode(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._first is not None:
            self._queue.put(None)
            self._thread.join()
        if error is None and self._failure is not None:
            raise self._failure


def h264_stream(container: Any, size: tuple[int, int], rate_hz: float) -> Any:
    """An H.264 stream in a PyAV container, as shop cameras send it: no frame refers to a later one, a key frame every
    two seconds. One thread, so that the same pictures give the same bytes.
    """
    options = {"preset": "veryfast", "crf": "24", "bf": "0", "g": str(max(round(2 * rate_hz), 1)), "threads": "1"}
    stream = container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000), options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
    return stream


def video_frame(image: NDArray[np.uint8], pts: int) -> Any:
    """A PyAV frame for ``h264_stream`` at ``pts`` ticks."""
    frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
    frame.pts, frame.time_base = pts, Fraction(1, TICKS)
    return frame


class FolderFootage:
    """JPEG files ``frames/000001.jpg`` and on in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        (folder / "frames").mkdir()

    def write(self, image: NDArray[np.uint8], stamped_s: float) -> str:
        """Write a picture; its time is not in the file."""
        self._count += 1
        name = f"frames/{self._count:06d}.jpg"
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        (self._folder / name).write_bytes(data.tobytes())
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def open_footage(
    format: str, folder: Path, size: tuple[int, int], rate_hz: float, start: float
) -> VideoFootage | FolderFootage:
    """The footage of ``format`` ("mp4" or "frames") in a camera's ``folder``; a video is called as the folder."""
    if format == "mp4":
        return VideoFootage(folder / f"{folder.name}.mp4", size, rate_hz, start)
    return FolderFootage(folder)
