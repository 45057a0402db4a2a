"""Webcams of this machine, by their number."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import av

from cameras.errors import NoWebcamError


def connect(number: int, read_timeout_s: float) -> Any:
    """A PyAV container reading webcam ``number``, from 0. Raises ``NoWebcamError``."""
    if sys.platform == "darwin":
        name, kind = f"{number}:none", "avfoundation"
    elif sys.platform.startswith("linux"):
        name, kind = f"/dev/video{number}", "v4l2"
        if not Path(name).exists():
            others = sorted(str(path) for path in Path("/dev").glob("video*"))
            raise NoWebcamError(
                f"there is no webcam {number}: {name} does not exist; "
                + (f"there are {', '.join(others)}" if others else "this machine has none")
            )
    else:
        raise NoWebcamError("webcams can be read on Linux and macOS only; let the camera stream RTSP instead")
    try:
        return av.open(name, format=kind, timeout=(read_timeout_s, read_timeout_s))
    except (av.error.FFmpegError, ValueError) as error:
        raise NoWebcamError(
            f"webcam {number} ({name}) cannot be opened ({getattr(error, 'strerror', error)}); "
            "another program may use it, or this user may not (on Linux: be in the group 'video')"
        ) from error
