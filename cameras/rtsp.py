"""RTSP cameras, over TCP."""

from __future__ import annotations

import time
from typing import Any

import av

from cameras.errors import (
    CameraError,
    CredentialsRefusedError,
    NotAVideoError,
    StreamNotFoundError,
    UnreachableError,
)
from cameras.uri import Address

# Frames pile up meanwhile; by default ffmpeg would look at 5 s of a stream that does not state its frame rate.
_ANALYSE_US = "1000000"


def connect(address: Address, open_timeout_s: float, read_timeout_s: float) -> Any:
    """A PyAV container reading the video of an RTSP stream.

    Reading it raises ``av.error.ExitError`` when ``read_timeout_s`` pass without a packet.

    Raises ``UnreachableError``, ``CredentialsRefusedError``, ``StreamNotFoundError`` and ``NotAVideoError``.
    """
    container, failure = _open(address, open_timeout_s, read_timeout_s)
    if failure is not None:
        raise failure
    if not container.streams.video:
        container.close()
        raise NotAVideoError(f"{address} sends no video")
    return container


def _open(address: Address, open_timeout_s: float, read_timeout_s: float) -> tuple[Any, CameraError | None]:
    began = time.monotonic()
    # The error is returned, not raised: PyAV's own holds the address with its password, and must not be chained.
    try:
        container = av.open(
            address.reveal(),
            options={
                "rtsp_transport": "tcp",
                # Sound would keep the read timeout from noticing that no picture comes.
                "allowed_media_types": "video",
                "analyzeduration": _ANALYSE_US,
            },
            timeout=(open_timeout_s, read_timeout_s),
        )
    except (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError):
        return None, CredentialsRefusedError(
            f"{address} refuses these credentials; write rtsp://USER:PASSWORD@HOST/PATH, with / as %2F, @ as %40, "
            ": as %3A, # as %23 and ? as %3F in the password"
        )
    except av.error.HTTPNotFoundError:
        return None, StreamNotFoundError(f"{address}: the host has no stream by that name; check the path")
    except (av.error.FFmpegError, ValueError) as error:
        # An attempt that the timeout cut off comes as one of several errors.
        if time.monotonic() - began >= open_timeout_s:
            return None, UnreachableError(f"{address} did not answer within {open_timeout_s:g} s; check the host")
        # Asked for its video, a stream of sound alone answers with an error of the 400s.
        if isinstance(error, (av.error.InvalidDataError, av.error.HTTPClientError)):
            return None, NotAVideoError(f"{address} answers, but not with a stream of video; check port and path")
        why = getattr(error, "strerror", None) or type(error).__name__
        return None, UnreachableError(f"{address} cannot be reached ({why}); check host, port and network")
    return container, None
