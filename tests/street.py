"""Footage of people that every machine has: a photo that comes with ultralytics, seen by a camera that turns."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np


def write_street(path: Path) -> Path:
    """30 pictures of 380x440 at 10 a second: a street with two people in full view."""
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    photo = cv2.imread(str(Path(spec.origin).parent / "assets" / "bus.jpg"))
    assert photo is not None
    photo = cv2.resize(photo[200:1080], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 380, 440, "yuv420p"
        for number in range(30):
            shown = np.ascontiguousarray(photo[:, number // 2 : number // 2 + 380])
            frame = av.VideoFrame.from_ndarray(shown, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
