"""Films of a room in which nothing moves, and of one through which somebody walks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 10


def film(path: Path, pictures: list[np.ndarray], **encoder: str) -> Path:
    """A camera's stream: a key frame every two seconds, and none that waits for a later one."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=RATE, options={"g": "20", "bf": "0", "crf": "20", **encoder})
        stream.width, stream.height, stream.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], "yuv420p"
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    return path


def room(count: int, seed: int = 1) -> list[np.ndarray]:
    """Pictures (180, 320, 3) of shelves in a camera's noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:180, :320]
    shelves = (90 + 60 * ((x // 23 + y // 31) % 2))[..., None]
    return [np.clip(shelves + rng.normal(0, 4, (180, 320, 3)), 0, 255).astype(np.uint8) for _ in range(count)]


def walked(pictures: list[np.ndarray], begin: int, speed: int = 4) -> list[np.ndarray]:
    """Somebody in a chequered shirt who strides through the room from picture ``begin`` on."""
    y, x = np.mgrid[:110, :34]
    for number, picture in enumerate(pictures[begin:]):
        left = 20 + speed * number
        swing = 3 * np.sin(y / 15 + number)
        picture[60:170, left : left + 34] = (40 + 90 * ((x + swing) // 6 % 2))[..., None]
    return pictures
