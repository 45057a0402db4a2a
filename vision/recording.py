"""Blurred pictures as a video that browsers play."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vision.blurred import BlurredPicture, only_blurred
from vision.jpeg import encode_jpeg

if TYPE_CHECKING:
    import av.container

__all__ = ["VideoWriter", "VideoWriterError", "encode_jpeg"]

_TICKS = 90_000  # a second
_BT709 = 1  # in the numbering of ITU-T H.273, for matrix, primaries and transfer
_LIMITED_RANGE = 1


class VideoWriterError(RuntimeError):
    """A video that cannot be written: which file, and why."""


class VideoWriter:
    """Writes an mp4 with H.264 at ``path``; a context manager.

    Frames are shown when they were captured, counted from the first; ``frame_rate`` is how long the last one is shown
    and what stands in for times that do not rise. While it is written the file has the suffix ``.part``: what lies
    at ``path`` is whole. An odd width or height loses its last column or row, since 4:2:0 video has none.

    Raises ``VideoWriterError`` when the file cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], frame_rate: float, *, quality: int = 23) -> None:
        import av
        from av.error import FFmpegError

        if min(size) < 2 or not frame_rate > 0:
            raise ValueError(f"a video needs 2x2 pixels or more and a frame rate above 0, got {size} and {frame_rate}")
        self.path = path
        self.size = size[0] // 2 * 2, size[1] // 2 * 2
        self._given = size
        self._step = max(1, round(_TICKS / frame_rate))
        self._first: float | None = None
        self._pts = -1
        self._part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container: av.container.OutputContainer | None = av.open(
                str(self._part), "w", format="mp4", options={"movflags": "+faststart"}
            )
            rate = Fraction(frame_rate).limit_denominator(1001)
            # One picture in two seconds can be jumped to. Pictures out of order (B-frames) would give a file with
            # irregular times a wrong duration.
            jump = str(max(1, round(2 * frame_rate)))
            options = {"preset": "veryfast", "crf": str(quality), "g": jump, "bf": "0"}
            self._stream: Any = self._container.add_stream("libx264", rate=rate, options=options)
        except (OSError, FFmpegError) as error:
            raise VideoWriterError(f"video {path} cannot be written: {error}") from error
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE

    def write(self, picture: BlurredPicture) -> None:
        """Add a picture of the video's size. Raises ``TypeError`` for one that is not blurred."""
        import av
        from av.error import FFmpegError
        from av.video.reformatter import ColorRange, Colorspace

        only_blurred(picture)
        if self._container is None:
            raise VideoWriterError(f"video {self.path} is closed already")
        if picture.size != self._given:
            raise ValueError(f"video {self.path} is {self._given[0]}x{self._given[1]}, a picture {picture.size}")
        if self._first is None:
            self._first = picture.captured_at
        pts = round((picture.captured_at - self._first) * _TICKS)
        self._pts = pts if pts > self._pts else self._pts + self._step
        frame = av.VideoFrame.from_ndarray(picture.image[: self.size[1], : self.size[0]], format="bgr24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base, frame.duration = self._pts, Fraction(1, _TICKS), self._step
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, FFmpegError) as error:
            raise VideoWriterError(f"video {self.path} cannot be written: {error}") from error

    def close(self) -> None:
        """Finish the file and give it its name; without a picture there is none. Safe to call twice."""
        from av.error import FFmpegError

        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self._first is not None:
                container.mux(self._stream.encode(None))
            container.close()
            if self._first is not None:
                self._part.replace(self.path)
        except (OSError, FFmpegError) as error:
            raise VideoWriterError(f"video {self.path} cannot be written: {error}") from error
        finally:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
