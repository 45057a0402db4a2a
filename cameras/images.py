"""Folders of pictures, and single pictures."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.clock import FootageClock
from cameras.errors import NoFramesError, NotAVideoError, ResolutionChangedError, SourceNotFoundError
from cameras.frame import Frame
from cameras.planes import Decoded
from cameras.uri import PICTURE_SUFFIXES

_DEFAULT_RATE = 25.0


class PictureFolder:
    """The pictures of a folder in the order of their names, numbers by value (``2.jpg`` before ``10.jpg``).

    ``captured_at`` is ``start`` + index / ``frame_rate``; pictures state no rate, so it is 25 unless given.
    A path to one picture is a folder of one.

    Raises ``SourceNotFoundError``, ``NoFramesError`` and ``NotAVideoError`` (the first picture cannot be decoded)
    when it is opened, ``NotAVideoError`` and ``ResolutionChangedError`` while iterating.
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
    ) -> None:
        self.camera = camera
        self._loop = loop
        self._closed = threading.Event()
        self._paths = _pictures(path)
        self._frame_rate = frame_rate or _DEFAULT_RATE
        self._start = time.time() if start is None else start
        first = _read(self._paths[0])
        self._size = (first.shape[1], first.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second, as given."""
        return self._frame_rate

    @property
    def frame_count(self) -> int | None:
        """How many pictures there are; None for a loop."""
        return None if self._loop else len(self._paths)

    def __iter__(self) -> Iterator[Frame]:
        return (each.frame() for each in self.decoded())

    def decoded(self) -> Iterator[Decoded]:
        """As iterating."""
        clock = FootageClock(self._start, self._frame_rate, by_index=True)
        index = 0
        while not self._closed.is_set():
            for path in self._paths:
                image = _read(path)
                size = (image.shape[1], image.shape[0])
                if size != self._size:
                    raise ResolutionChangedError(
                        f"camera {self.camera}: {path} is {size[0]}x{size[1]}, the pictures before it "
                        f"{self._size[0]}x{self._size[1]}; keep pictures of one size in a folder"
                    )
                if self._closed.is_set():
                    return
                yield Decoded(self.camera, index, clock.captured_at(index, None), image)
                index += 1
            if not self._loop:
                return

    def close(self) -> None:
        """Stop; iterating ends. Safe to call twice and from another thread."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pictures(path: Path) -> list[Path]:
    if not path.exists():
        raise SourceNotFoundError(f"{path} does not exist")
    if not path.is_dir():
        return [path]
    found = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file()]
    if not found:
        raise NoFramesError(f"the folder {path} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        # Not imread, which cannot open every name on every system.
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceNotFoundError(f"{path} cannot be read: {error.strerror}") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise NotAVideoError(f"{path} is not a picture that can be decoded")
    return np.asarray(image, np.uint8)
