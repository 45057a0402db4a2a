"""The active detector of people, for processes that watch cameras for days."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.entries import WeightEntry
from models.errors import SelfTestError, UnusableNetworkError
from models.live import LiveModel
from models.people import PersonDetector, open_person_detector
from models.registry import path_of

_GREY = 114
_TEST_PICTURE = (360, 640, 3)


class LivePersonDetector:
    """Finds people with the model that is active, and with the next one from the call after it was promoted.

    ``size`` and ``threads`` are those of ``open_person_detector``; a network of a fixed size keeps its own.
    ``registry`` is the registry folder, by default the configured one. Raises what ``models.registry.active`` raises.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] | None = None,
        device: str = "cpu",
        threads: int | None = None,
        registry: Path | None = None,
        look_every_s: float = 1.0,
    ) -> None:
        def opened(entry: WeightEntry) -> PersonDetector:
            path = str(path_of(entry))
            try:
                return open_person_detector(path, size=size, device=device, threads=threads)
            except UnusableNetworkError:
                if size is None:
                    raise
            return open_person_detector(path, device=device, threads=threads)

        self._live = LiveModel("people", opened, check=check_detector, registry=registry, look_every_s=look_every_s)

    @property
    def model(self) -> str:
        """The name of the model that answers now."""
        return self._live.entry.name

    def detect(self, images: Sequence[NDArray[np.uint8]], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels; no two boxes for one person."""
        return self._live.call(lambda detector: detector.detect(images, min_confidence))


def check_detector(detector: PersonDetector) -> None:
    """Raise ``SelfTestError`` where a detector's answer to a grey picture has wrong shapes or senseless numbers."""
    image = np.full(_TEST_PICTURE, _GREY, np.uint8)
    (found,) = detector.detect([image], 0.0)
    count = len(found.confidence)
    keypoints = np.zeros((count, 0, 3)) if found.keypoints is None else found.keypoints
    if found.xyxy.shape != (count, 4) or keypoints.shape[::2] != (count, 3):
        raise SelfTestError(
            f"a detector of people gave boxes {found.xyxy.shape}, confidences {found.confidence.shape} and keypoints "
            f"{keypoints.shape} where (n, 4), (n,) and (n, k, 3) are expected"
        )
    finite = all(np.isfinite(each).all() for each in (found.xyxy, found.confidence, keypoints))
    if not finite or (count and not 0 <= found.confidence.min() <= found.confidence.max() <= 1):
        raise SelfTestError("a detector of people gave numbers that are not finite, or confidences outside of 0..1")
