"""People with their joints, by the network that Aisle ships: EfficientDet-Lite0 with a head for 17 keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.efficientdet import ANCHORS_PER_CELL, MEAN, STRETCH, EfficientDet
from models.openvino_home import import_openvino
from models.pictures import fit
from models.runtimes import read_openvino

if TYPE_CHECKING:
    from openvino import Model

Float = NDArray[np.float32]

OUTPUTS: Final = ("scores", "offsets", "keypoints")
KEYPOINTS: Final = 17
UNIT: Final = 4.0
"""The network places keypoints in units of so many strides from the middle of their cell."""
_SQUARE: Final = 3.0  # strides that the first, square anchor of a cell measures


def is_people_network(model: Model) -> bool:
    """Whether a network's outputs are those of ours."""
    names = {name for output in model.outputs for name in output.get_names()}
    return names >= set(OUTPUTS)


def outputs_of(model: Model) -> list[Any]:
    """The outputs that ``OUTPUTS`` names, in that order."""
    by_name = {name: output for output in model.outputs for name in output.get_names()}
    return [by_name[name] for name in OUTPUTS]


class PeopleDetector(EfficientDet):
    """Finds people and their joints; its boxes carry ``keypoints`` (n, 17, 3), COCO's order.

    ``weights`` is a file, or a network of this ``size`` with the outputs of ``OUTPUTS`` in their order. ``device`` is
    "cpu" (OpenVINO), or torch's "cuda", "cuda:1", ... or "torch" (a CPU).
    """

    def __init__(
        self, weights: Path | Model, *, size: tuple[int, int], device: str = "cpu", threads: int | None = None
    ) -> None:
        super().__init__(weights, size=size, threads=threads)
        if device != "cpu":
            from models.runtimes import TorchRuntime
            from models.trainable import trainable

            device = "cpu" if device == "torch" else device
            self._runtime = TorchRuntime(trainable(self._network(weights)), device=device)

    def _network(self, weights: Path | Model) -> Model:
        if not isinstance(weights, Path):
            return weights
        width, height = self.size
        model = read_openvino(weights)
        model.reshape(import_openvino().PartialShape([1, height, width, 3]))
        return import_openvino().Model(outputs_of(model), model.get_parameters())

    def detect(self, images: Sequence[NDArray[np.uint8]], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels; several images at once cost less each."""
        if not images:
            return []
        fitted = [fit(image, self.size, padding=MEAN, stretch=STRETCH) for image in images]
        scores, offsets, keypoints = self._runtime.run(np.stack([each.image for each in fitted]))
        answers = zip(images, fitted, scores[..., 0], offsets, keypoints, strict=True)
        return [
            self._people(image, each, min_confidence, confidence, offset, joints(points, self._anchors))
            for image, each, confidence, offset, points in answers
        ]


def joints(answer: Float, anchors: Float) -> Float:
    """A network's answer (cells, 51) as keypoints (cells, 17, 3): x and y in pixels of its input, confidence 0..1."""
    points = answer.reshape(-1, KEYPOINTS, 3)
    cells = anchors[::ANCHORS_PER_CELL]
    unit = cells[:, 2, None, None] / np.float32(_SQUARE) * np.float32(UNIT)
    at = cells[:, None, :2] + points[..., :2] * unit
    seen = 1 / (1 + np.exp(-np.clip(points[..., 2:], -30, 30)))
    return np.concatenate([at, seen], axis=2).astype(np.float32)
