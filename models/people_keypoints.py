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

OUTPUTS: Final = ("scores", "offsets", "keypoints", "nearby")
KEYPOINTS: Final = 17
FINEST: Final = 8  # stride of the finest level, in pixels
UNIT: Final = 4.0
"""The network places keypoints in units of so many strides from the middle of their cell."""
_SQUARE: Final = 3.0  # strides that the first, square anchor of a cell measures


def is_people_network(model: Model) -> bool:
    """Whether a network's outputs are those of ours."""
    names = {name for output in model.outputs for name in output.get_names()}
    return names >= set(OUTPUTS[:-1])


def outputs_of(model: Model) -> list[Any]:
    """The outputs that ``OUTPUTS`` names, in that order; "nearby" may be missing."""
    by_name = {name: output for output in model.outputs for name in output.get_names()}
    return [by_name[name] for name in OUTPUTS if name in by_name]


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
        scores, offsets, keypoints, *nearby = self._runtime.run(np.stack([each.image for each in fitted]))
        found = []
        for place, (image, each) in enumerate(zip(images, fitted, strict=True)):
            confidence = scores[place, :, 0]
            points = joints(keypoints[place], self._anchors)
            if nearby:
                likely = confidence.reshape(-1, ANCHORS_PER_CELL).max(axis=1) >= min_confidence
                points[likely] = refined(points[likely], self._field(nearby[0][place]))
            found.append(self._people(image, each, min_confidence, confidence, offsets[place], points))
        return found

    def _field(self, nearby: Float) -> Float:
        return nearby.reshape(self.size[1] // FINEST, self.size[0] // FINEST, KEYPOINTS, 3)


def joints(answer: Float, anchors: Float) -> Float:
    """A network's answer (cells, 51) as keypoints (cells, 17, 3): x and y in pixels of its input, confidence 0..1."""
    points = answer.reshape(-1, KEYPOINTS, 3)
    cells = anchors[::ANCHORS_PER_CELL]
    unit = cells[:, 2, None, None] / np.float32(_SQUARE) * np.float32(UNIT)
    at = cells[:, None, :2] + points[..., :2] * unit
    seen = 1 / (1 + np.exp(-np.clip(points[..., 2:], -30, 30)))
    return np.concatenate([at, seen], axis=2).astype(np.float32)


def refined(points: Float, field: Float, rounds: int = 2) -> Float:
    """Keypoints (n, 17, 3) in pixels, each moved to the joint of its kind that is near where it is.

    ``field`` (h, w, 17, 3) tells for each cell of the finest level where the nearest joint is, in cells from the cell's
    middle, and the logit of one being near. Where none is, a keypoint stays. Between cells the answers are mixed.
    """
    height, width, kinds, _ = field.shape
    moved = points.copy()
    kind = np.arange(kinds)
    for _ in range(rounds):
        at = np.clip(moved[..., :2] / FINEST - 0.5, 0, (width - 1, height - 1))
        low = np.minimum(at.astype(np.int64), (width - 2, height - 2))
        share = (at - low)[..., None, :]
        x, y = low[..., 0], low[..., 1]
        above = field[y, x, kind] * (1 - share[..., 0]) + field[y, x + 1, kind] * share[..., 0]
        below = field[y + 1, x, kind] * (1 - share[..., 0]) + field[y + 1, x + 1, kind] * share[..., 0]
        answer = above * (1 - share[..., 1]) + below * share[..., 1]
        target = (at + 0.5 + answer[..., :2]) * FINEST
        moved[..., :2] = np.where(answer[..., 2:] > 0, target, moved[..., :2])
    return moved
