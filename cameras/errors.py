"""What can go wrong with a camera. Every message is free of credentials."""

from __future__ import annotations


class CameraError(Exception):
    """Base of everything that the frame sources raise."""


class UnsupportedSourceError(CameraError):
    """The address is of a kind that no frame source reads, or an option does not apply to its kind."""


class SourceNotFoundError(CameraError):
    """The file or folder does not exist, or may not be read."""


class NotAVideoError(CameraError):
    """What was found holds no pictures that can be decoded."""


class NoFramesError(CameraError):
    """It opened as it should, and holds or sends not a single frame."""


class TruncatedVideoError(CameraError):
    """The footage ends before it should; ``frame`` is the index of the first frame that is missing."""

    def __init__(self, message: str, frame: int) -> None:
        super().__init__(message)
        self.frame = frame


class ResolutionChangedError(CameraError):
    """The pictures changed their size in mid-stream, so that lines and zones in pixels no longer hold."""


class UnreachableError(CameraError):
    """Nothing answers at that address in time, or it hangs up."""


class StreamNotFoundError(CameraError):
    """The host answers and has no stream by that name."""


class CredentialsRefusedError(CameraError):
    """The host wants a user and a password, or other ones than it was given."""


class NoWebcamError(CameraError):
    """There is no such webcam, or it may not be opened."""
