"""Frame sources (files, image folders, GIFs, RTSP, webcams) behind one protocol, with clocks that can be trusted.

A source yields ``Frame``; files never drop one, live sources hand out the newest only. ``open_source`` opens any of
them; the libraries that decode are imported by then, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cameras.errors import CameraError
    from cameras.frame import Frame, FrameSource
    from cameras.live import CameraState
    from cameras.open import open_source

__all__ = ["CameraError", "CameraState", "Frame", "FrameSource", "open_source"]

_HOMES = {
    "CameraError": "cameras.errors",
    "CameraState": "cameras.live",
    "Frame": "cameras.frame",
    "FrameSource": "cameras.frame",
    "open_source": "cameras.open",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cameras' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
