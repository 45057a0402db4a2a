"""Where the pixels of a sample are: in a picture file or a video. Nothing is decoded before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cameras.errors import CameraError
from cameras.frame import Frame
from cameras.open import open_source

_TURNED = (5, 6, 7, 8)  # values of EXIF's orientation that swap width and height


class PictureError(ValueError):
    """A picture is missing or cannot be decoded; the message names it."""


class Picture(Protocol):
    """A picture that can be read."""

    @property
    def path(self) -> Path:
        """The file that it is, or is in."""
        ...

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (H, W, 3) BGR. Raises ``PictureError``."""
        ...

    def encoded(self) -> tuple[bytes, str]:
        """The picture as a file: its bytes and its suffix, such as ".jpg". Raises ``PictureError``."""
        ...


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in a file of its own."""

    path: Path

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (H, W, 3) BGR, upright. Raises ``PictureError``."""
        return decode(self.encoded()[0], self.path)

    def encoded(self) -> tuple[bytes, str]:
        """The file's own bytes and suffix. Raises ``PictureError``."""
        try:
            return self.path.read_bytes(), self.path.suffix.lower()
        except OSError as error:
            raise PictureError(f"{self.path} cannot be read: {error.strerror}") from None


class Footage:
    """The frames of one video by their index from 0. In order they cost one pass; to go back begins the pass anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames: Iterator[Frame] | None = None
        self._next = 0
        self._broken: tuple[int, str] | None = None

    def read(self, index: int) -> NDArray[np.uint8]:
        """Frame ``index``, uint8 (H, W, 3) BGR. Raises ``PictureError``."""
        if self._broken is not None and index >= self._broken[0]:  # not to decode all before it again
            raise PictureError(self._broken[1])
        if self._frames is None or index < self._next:
            self.close()
            self._frames = self._opened()
        try:
            for frame in self._frames:
                self._next = frame.index + 1
                if frame.index == index:
                    return frame.image
        except CameraError as error:
            self._broken = self._next, f"{self.path}, from frame {self._next} on: {error}"
        else:
            self._broken = self._next, f"{self.path} has {self._next} frames, no frame {index}"
        self.close()
        raise PictureError(self._broken[1])

    def _opened(self) -> Iterator[Frame]:
        with open_source(str(self.path)) as source, closing(_generator(source)) as frames:
            yield from frames

    def close(self) -> None:
        """Free the file; reading opens it again."""
        frames, self._frames, self._next = self._frames, None, 0
        if frames is not None:
            frames.close()  # type: ignore[attr-defined]


def _generator(source: Any) -> Any:
    return iter(source)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a video."""

    footage: Footage
    index: int

    @property
    def path(self) -> Path:
        """The video."""
        return self.footage.path

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (H, W, 3) BGR. Raises ``PictureError``."""
        return self.footage.read(self.index)

    def encoded(self) -> tuple[bytes, str]:
        """The frame as a JPEG of quality 95. Raises ``PictureError``."""
        return jpeg(self.read()), ".jpg"


def decode(data: bytes, path: Path) -> NDArray[np.uint8]:
    """The pixels of an encoded picture, uint8 (H, W, 3) BGR, upright. Raises ``PictureError`` naming ``path``.

    OpenCV 5 refuses pictures that were cut off.
    """
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise PictureError(f"{path} {'is not a picture that can be decoded' if data else 'is empty'}")
    return np.asarray(image, np.uint8)


def jpeg(image: NDArray[np.uint8], quality: int = 95) -> bytes:
    """``image``, uint8 (H, W, 3) BGR, as the bytes of a JPEG file."""
    import cv2

    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture file, upright, from its header alone. Raises ``PictureError``."""
    from PIL import ExifTags, Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(ExifTags.Base.Orientation) in _TURNED
    except (UnidentifiedImageError, ImportError):
        # Once ultralytics is imported, open is its own, which looks for the package pi_heif for what it does not know.
        raise PictureError(f"{path} {'is not a picture' if path.stat().st_size else 'is empty'}") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}") from None
    return (height, width) if turned else (width, height)
