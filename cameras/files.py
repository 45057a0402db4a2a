"""Video files and GIFs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from cameras.clock import FootageClock
from cameras.errors import NoFramesError, ResolutionChangedError
from cameras.frame import Frame
from cameras.packets import PacketGate
from cameras.planes import Decoded
from cameras.reader import Reader, upright_size

_log = logging.getLogger(__name__)
_FALLBACK_RATE = 25.0


class VideoFile:
    """Every frame of a video file or GIF, in order; iterating again begins again.

    ``captured_at`` is ``start`` + the frame's timestamp from the first frame on. ``start`` (seconds since 1970 in UTC)
    defaults to the creation time that the file states, else to the moment of opening. ``frame_rate`` overrides a
    header that lies: then it is ``start`` + index / ``frame_rate``. ``loop`` repeats the file for ever, with index and
    times going on.

    Raises ``SourceNotFoundError``, ``NotAVideoError``, ``NoFramesError`` and ``TruncatedVideoError`` when it is opened,
    and while iterating, after the last good frame, ``TruncatedVideoError`` and ``ResolutionChangedError``.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        path: Path,
        *,
        camera: str,
        frame_rate: float | None = None,
        start: float | None = None,
        loop: bool = False,
        gate: PacketGate | None = None,
    ) -> None:
        self.camera = camera
        self._path = path
        self._gate = gate
        self._loop = loop
        self._closed = threading.Event()
        self._reader: Reader | None = None
        with closing(Reader(path)) as reader:
            first = reader.read()
            if first is None:
                raise NoFramesError(f"{path} holds no frames")
            self._size = upright_size(first.frame)
            self._by_index = frame_rate is not None
            self._frame_rate = frame_rate or reader.frame_rate or _FALLBACK_RATE
            self._frame_count = None if loop else reader.frame_count
            created_at = reader.created_at
        self._start = next(moment for moment in (start, created_at, time.time()) if moment is not None)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second, as the header states it or as it was overridden."""
        return self._frame_rate

    @property
    def frame_count(self) -> int | None:
        """How many frames the header states or implies; a header can be wrong. None for a loop."""
        return self._frame_count

    def __iter__(self) -> Iterator[Frame]:
        return (each.frame() for each in self.decoded())

    def decoded(self) -> Iterator[Decoded]:
        """As iterating, without converting the pictures; what the gate holds back comes without any."""
        clock = FootageClock(self._start, self._frame_rate, by_index=self._by_index)
        index = 0
        while not self._closed.is_set():
            with closing(Reader(self._path, self._gate)) as reader:
                self._reader = reader
                duration_s: float | None = None
                while not self._closed.is_set() and (picture := reader.read()) is not None:
                    size = self._size if picture.frame is None else upright_size(picture.frame)
                    if size != self._size:
                        raise ResolutionChangedError(
                            f"camera {self.camera}: frame {index} is {size[0]}x{size[1]}, those before it "
                            f"{self._size[0]}x{self._size[1]}; cut the file there and read the parts as two cameras"
                        )
                    yield Decoded(self.camera, index, clock.captured_at(index, picture.pts_s), picture.frame)
                    index += 1
                    duration_s = picture.duration_s
                if reader.damaged:
                    _log.warning("camera %s: %d damaged places were stepped over", self.camera, reader.damaged)
            if not self._loop:
                return
            clock.rewind(duration_s)

    def close(self) -> None:
        """Stop and free the file; iterating ends. Safe to call twice and from another thread."""
        self._closed.set()
        if self._reader is not None:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
