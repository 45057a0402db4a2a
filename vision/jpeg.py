"""Blurred pictures as JPEG."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from vision.blurred import BlurredPicture, only_blurred


def encode_jpeg(picture: BlurredPicture, quality: int = 80) -> bytes:
    """The picture as JPEG; ``quality`` 1 to 100. Raises ``TypeError`` for a picture that is not blurred."""
    only_blurred(picture)
    return cv2.imencode(".jpg", picture.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def write_jpeg(path: Path, picture: BlurredPicture, quality: int = 90) -> None:
    """Write the picture; whoever reads ``path`` meanwhile finds the whole old file or the whole new one."""
    data = encode_jpeg(picture, quality)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
