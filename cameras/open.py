"""One door to every kind of source."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from cameras.errors import UnsupportedSourceError
from cameras.frame import FrameSource
from cameras.uri import Address, camera_name, kind_of, local_path, redact, webcam_number

if TYPE_CHECKING:
    from cameras.live import CameraState
    from cameras.packets import PacketGate


def open_source(
    uri: str,
    *,
    camera: str | None = None,
    frame_rate: float | None = None,
    start: float | None = None,
    loop: bool = False,
    on_state: Callable[[CameraState], None] | None = None,
    open_timeout_s: float = 10.0,
    read_timeout_s: float = 5.0,
    gate: PacketGate | None = None,
) -> FrameSource:
    """Open a video file, a GIF, a folder of pictures, ``rtsp://HOST/PATH``, ``rtsps://HOST/PATH`` or ``webcam:0``.

    ``camera`` names the source, by default after its address. For recorded footage ``frame_rate`` overrides the one
    that the header states, ``start`` is the time of the first frame in seconds since 1970 in UTC, and ``loop``
    repeats it for ever. For live streams ``on_state`` is told, from another thread, when the stream comes, is lost and
    comes back; ``open_timeout_s`` and ``read_timeout_s`` bound each attempt to connect and the silence after which
    a stream counts as lost; ``frame_rate`` is only what the source states, since live frames carry their own times.
    With ``gate`` a stream's packets are decoded where that lets them pass; folders of pictures have none.

    Raises a ``CameraError`` that says what is wrong; see ``cameras.errors``.
    """
    kind = kind_of(uri)
    if frame_rate is not None and not (math.isfinite(frame_rate) and frame_rate > 0):
        raise UnsupportedSourceError(f"{redact(uri)}: a frame rate must be above 0, got {frame_rate}")
    name = camera or camera_name(uri)
    if kind == "video":
        from cameras.files import VideoFile

        return VideoFile(local_path(uri), camera=name, frame_rate=frame_rate, start=start, loop=loop, gate=gate)
    if kind == "pictures":
        from cameras.images import PictureFolder

        return PictureFolder(local_path(uri), camera=name, frame_rate=frame_rate, start=start, loop=loop)
    if loop or start is not None:
        raise UnsupportedSourceError(f"{redact(uri)} is live: start and loop are for recorded footage")

    from cameras.live import LiveSource

    if kind == "webcam":
        from cameras import webcam

        number = webcam_number(uri)
        return LiveSource(
            lambda: webcam.connect(number, read_timeout_s),
            camera=name,
            frame_rate=frame_rate,
            timeout_s=read_timeout_s,
            on_state=on_state,
            gate=gate,
        )
    from cameras import rtsp

    address = Address(uri)
    return LiveSource(
        lambda: rtsp.connect(address, open_timeout_s, read_timeout_s),
        camera=name,
        frame_rate=frame_rate,
        timeout_s=read_timeout_s,
        on_state=on_state,
        gate=gate,
    )
