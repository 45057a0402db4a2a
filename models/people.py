"""Detectors of people behind one door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.registry import fetch


class PersonDetector(Protocol):
    """Finds people in pictures."""

    def detect(self, images: Sequence[NDArray[np.uint8]], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels; no two boxes for one person."""
        ...


def open_person_detector(
    name: str = "efficientdet-lite0",
    *,
    size: tuple[int, int] = (640, 384),
    device: str = "cpu",
    threads: int | None = None,
) -> PersonDetector:
    """Open a detector of people: ``efficientdet-lite0``.

    ``size`` is the network's input (width, height): larger finds smaller people and costs more. ``threads`` limits the
    CPU threads, None for all.
    """
    from models.efficientdet import EfficientDet

    return EfficientDet(fetch(name), size=size, threads=threads)
