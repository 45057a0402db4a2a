"""A picture as decoders give it: luma and chroma planes, half the bytes of BGR, and BGR only where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.frame import Frame, FrameSource
from cameras.reader import to_bgr, upright_size

Planes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PlanarFrame:
    """As ``cameras.frame.Frame``, with ``planes`` uint8 (3 * H2 / 2, W2) in place of an image.

    They lie as OpenCV's I420 has them: luma (H2, W2), then both chroma planes at half the size. H2 and W2 are the
    picture's ``size`` (width, height) rounded up to even numbers; a row or column more repeats the last one.
    """

    camera: str
    index: int
    captured_at: float
    size: tuple[int, int]
    planes: Planes

    def __post_init__(self) -> None:
        if self.planes.shape != planes_shape(self.size) or self.planes.dtype != np.uint8:
            raise ValueError(
                f"camera {self.camera}: planes of a picture of {self.size[0]}x{self.size[1]} must be uint8 "
                f"{planes_shape(self.size)}, got {self.planes.dtype} {self.planes.shape}"
            )

    @property
    def luma(self) -> Planes:
        """How bright each pixel is, uint8 (H, W): a view."""
        width, height = self.size
        return self.planes[:height, :width]

    def bgr(self) -> NDArray[np.uint8]:
        """The picture as uint8 (H, W, 3) BGR."""
        width, height = self.size
        image = np.asarray(cv2.cvtColor(self.planes, cv2.COLOR_YUV2BGR_I420), np.uint8)
        return image if image.shape[:2] == (height, width) else np.ascontiguousarray(image[:height, :width])


def planes_shape(size: tuple[int, int]) -> tuple[int, int]:
    """The shape of the planes of a picture of ``size`` (width, height)."""
    width, height = (side + side % 2 for side in size)
    return height * 3 // 2, width


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A picture that is decoded and not yet converted: ``picture`` is PyAV's frame, or uint8 (H, W, 3) BGR; None where
    a ``PacketGate`` held it back: then there is nothing else to ask.

    It is valid until its source is asked for the next one.
    """

    camera: str
    index: int
    captured_at: float
    picture: Any

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels, upright."""
        if isinstance(self.picture, np.ndarray):
            return self.picture.shape[1], self.picture.shape[0]
        return upright_size(self.picture)

    def luma(self) -> NDArray[np.uint8]:
        """How bright each pixel is, uint8 (H, W), as the picture lies in the stream: a view where there can be one."""
        if isinstance(self.picture, np.ndarray):
            return np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_BGR2GRAY), np.uint8)
        if not _has_luma(self.picture.format):
            return np.asarray(self.picture.to_ndarray(format="gray"), np.uint8)
        plane = self.picture.planes[0]
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return lines[: self.picture.height, : self.picture.width]

    def write(self, out: Planes) -> None:
        """Write the planes (see ``PlanarFrame``) into ``out``."""
        if isinstance(self.picture, np.ndarray):
            out[:] = planes_of(self.picture)
        else:
            write_planes(self.picture, out)

    def frame(self) -> Frame:
        """It as a frame in BGR."""
        image = self.picture if isinstance(self.picture, np.ndarray) else to_bgr(self.picture)
        return Frame(self.camera, self.index, self.captured_at, image)


_KNOWN: Final[dict[str, bool]] = {}


def _has_luma(kind: Any) -> bool:
    """Whether pictures of this format of PyAV begin with a plane of luma, a byte a pixel."""
    name = kind.name
    if name not in _KNOWN:
        _KNOWN[name] = name.startswith(("yuv", "nv", "gray")) and kind.components[0].bits == 8
    return _KNOWN[name]


def decoded(source: FrameSource) -> Iterator[Decoded]:
    """The frames of ``source``, not converted where it can give them so."""
    own = getattr(source, "decoded", None)
    if own is not None:
        yield from own()
        return
    for frame in source:
        yield Decoded(frame.camera, frame.index, frame.captured_at, frame.image)


def write_planes(frame: Any, out: Planes) -> None:
    """A PyAV frame's planes into ``out``, upright. A 4:2:0 picture is copied; any other is converted first."""
    width, height = frame.width, frame.height
    if frame.format.name not in ("yuv420p", "yuvj420p") or round(frame.rotation / 90) % 4 or width % 2 or height % 2:
        out[:] = planes_of(to_bgr(frame))
        return
    flat = out.reshape(-1)
    begin = 0
    for number, plane in enumerate(frame.planes):
        rows, columns = (height, width) if number == 0 else (height // 2, width // 2)
        lines = np.frombuffer(plane, np.uint8)[: rows * plane.line_size].reshape(rows, plane.line_size)
        flat[begin : begin + rows * columns].reshape(rows, columns)[:] = lines[:, :columns]
        begin += rows * columns


def planes_of(image: NDArray[np.uint8]) -> Planes:
    """The planes of a uint8 (H, W, 3) BGR picture."""
    height, width = image.shape[:2]
    if width % 2 or height % 2:
        image = np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
