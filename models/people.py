"""Detectors of people behind one door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.errors import UnknownWeightsError, UnusableNetworkError
from models.registry import ACTIVE, fetch, registry


class PersonDetector(Protocol):
    """Finds people in pictures."""

    def detect(self, images: Sequence[NDArray[np.uint8]], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels; no two boxes for one person."""
        ...


def open_person_detector(
    name: str = "efficientdet-lite0",
    *,
    size: tuple[int, int] | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> PersonDetector:
    """Open a detector of people.

    ``name`` is ``efficientdet-lite0``, fetched where it is not cached; ``aisle-people`` or another network of ours in
    the registry; ``active`` for what is promoted (see ``models.live_people``); or a path: to a .onnx or .xml file of
    ours, or to ultralytics detection weights, a .pt file, an exported .onnx or .xml file, or an exported OpenVINO
    folder. ``size`` is the network's input (width, height), 640x384 or an export's own where it is None: larger finds
    smaller people and costs more. ``device`` is "cpu" (OpenVINO), or but for ``efficientdet-lite0`` and exports of
    ultralytics "cuda", "cuda:1", ... or "torch" (a CPU); ``threads`` limits OpenVINO's threads.
    Raises ``UnknownWeightsError`` for a name that is neither, ``UnusableNetworkError`` for a size or device that cannot
    be, and what ``models.registry.fetch`` raises.
    """
    if name == ACTIVE:
        from models.live_people import LivePersonDetector

        return LivePersonDetector(size=size, device=device, threads=threads)
    if name == "efficientdet-lite0":
        from models.efficientdet import EfficientDet

        if device != "cpu":
            raise UnusableNetworkError(
                f"{name} runs on 'cpu' alone, not {device!r}; for a GPU give ultralytics weights"
            )
        return EfficientDet(fetch(name), size=size or (640, 384), threads=threads)
    path = fetch(name) if name in registry() else Path(name)
    if path.suffix in (".onnx", ".xml") and path.is_file():
        from models.people_detector import PeopleDetector, is_people_network
        from models.runtimes import read_openvino

        if is_people_network(read_openvino(path)):
            return PeopleDetector(path, size=size or (640, 384), device=device, threads=threads)
    if path.suffix not in (".pt", ".onnx", ".xml") and not path.is_dir():
        raise UnknownWeightsError(
            f"{name!r} is no detector: give efficientdet-lite0, aisle-people, active, or a path to weights of ours "
            "or of ultralytics (.pt, .onnx, .xml or an exported OpenVINO folder)"
        )
    from models.yolo import open_yolo

    return open_yolo(path, size=size, device=device, threads=threads)
