"""Addresses of cameras: their kinds, the names that follow from them, and how to write one without its secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from cameras.errors import UnsupportedSourceError

Kind = Literal["video", "pictures", "rtsp", "webcam"]
LIVE: Final[frozenset[Kind]] = frozenset({"rtsp", "webcam"})
"""The kinds of addresses that are a camera's, not a recording's."""

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WEBCAM = re.compile(r"^webcam:(\d+)$", re.IGNORECASE)
_SECRET = re.compile(r"(pass|pwd|psw|user|usr|login|auth|token|secret|key|sig)", re.IGNORECASE)


class Address:
    """The address of a network camera. Written anywhere, it shows no credential; ``reveal`` gives it as it was."""

    __slots__ = ("_uri", "shown")

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.shown = redact(uri)

    def reveal(self) -> str:
        """The address with its credentials, for the one call that connects."""
        return self._uri

    def __repr__(self) -> str:
        return self.shown


def redact(uri: str) -> str:
    """The address without what could be a credential.

    User and password go, and so does the query. Everything up to the last ``@`` counts as user and password, since
    a password may hold an unescaped ``/``. A path that seems to hold a credential (some cameras want
    ``/user=admin_password=...``) goes as a whole. Paths of files come back as they are.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() == "file":
        return uri
    rest = uri[scheme.end() :].rpartition("@")[2]
    rest, query, _ = rest.partition("?")
    rest = rest.partition("#")[0]
    host, slash, path = rest.partition("/")
    if _SECRET.search(unquote(path)):
        path = "…"
    return f"{scheme[0]}{host}{slash}{path}{query and '?…'}"


def kind_of(uri: str) -> Kind:
    """Which frame source reads this address. Files and folders need not exist.

    Raises ``UnsupportedSourceError`` for a scheme that no source reads.
    """
    if _WEBCAM.match(uri):
        return "webcam"
    scheme = _SCHEME.match(uri)
    if scheme is not None and scheme[1].lower() in ("rtsp", "rtsps"):
        return "rtsp"
    if (scheme is not None and scheme[1].lower() != "file") or uri.lower().startswith("webcam:"):
        raise UnsupportedSourceError(
            f"{redact(uri)} is no address that can be read; give a video file, a GIF, a folder of pictures, "
            "rtsp://HOST/PATH, rtsps://HOST/PATH or webcam:NUMBER"
        )
    path = local_path(uri)
    return "pictures" if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES else "video"


def local_path(uri: str) -> Path:
    """The path that a plain path or a ``file://`` address names."""
    if uri.lower().startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return Path(os.path.expanduser(uri))


def webcam_number(uri: str) -> int:
    """The 0 of ``webcam:0``."""
    match = _WEBCAM.match(uri)
    if match is None:
        raise UnsupportedSourceError(f"{redact(uri)} is no webcam; write webcam:0 for the first one")
    return int(match[1])


def camera_name(uri: str) -> str:
    """A name for the camera at this address: letters, digits, dots, dashes and underscores, never a credential."""
    kind = kind_of(uri)
    if kind in ("video", "pictures"):
        path = local_path(uri)
        name = path.resolve().name if path.is_dir() or not path.suffix else path.stem
    else:
        name = _SCHEME.sub("", redact(uri)).partition("?")[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "camera"
