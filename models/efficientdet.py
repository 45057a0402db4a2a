"""EfficientDet-Lite0 for people, at any size that is a multiple of 128.

The published network is fixed to 320x320 and answers for 90 classes. Its graph is changed when it is read: the feature
pyramid's resize targets follow the new size, and the class heads keep the row of "person" alone, which halves the time
and leaves each number as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes, clip, suppress, vote
from models.errors import UnusableNetworkError
from models.openvino_home import import_openvino
from models.pictures import Fitted, fit
from models.runtimes import OpenVinoRuntime, Runtime, read_openvino

if TYPE_CHECKING:
    from openvino import Model

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

STEP = 128
ANCHORS_PER_CELL = 9
_OWN_SIZE = 320
_CLASSES = 90
_PERSON = 0
_STRIDES = (8, 16, 32, 64, 128)
_ANCHOR_SCALE = 3.0
_ASPECTS = (1.0, 2.0, 0.5)
_OCTAVES = 3
MEAN = 127
# People stay recognisable when a 4:3 picture fills a 5:3 input; a portrait picture squeezed into it would not.
STRETCH = 4 / 3
# Looser than this, close-ups get two boxes a person; stricter loses people who stand before one another.
_SAME_IOU = 0.4
_SAME_PART = 0.7
_VOTE_FROM = 0.05


class EfficientDet:
    """Finds people with EfficientDet-Lite0 on a CPU."""

    def __init__(self, weights: Path | Model, *, size: tuple[int, int], threads: int | None = None) -> None:
        self.size = size
        self._anchors = anchors(*check_size(size))
        self._runtime: Runtime = OpenVinoRuntime(self._network(weights), threads=threads)

    def _network(self, weights: Path | Model) -> Model:
        return person_network(read_openvino(weights) if isinstance(weights, Path) else weights, *self.size)

    def detect(self, images: Sequence[Image], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels; several images at once cost less each."""
        if not images:
            return []
        fitted = [fit(image, self.size, padding=MEAN, stretch=STRETCH) for image in images]
        scores, offsets = self._runtime.run(np.stack([each.image for each in fitted]))
        answers = zip(images, fitted, scores[..., 0], offsets, strict=True)
        return [self._people(image, each, min_confidence, *answer) for image, each, *answer in answers]

    def _people(self, image: Image, fitted: Fitted, min_confidence: float, confidence: Float, offsets: Float) -> Boxes:
        """The people of one picture by the network's answers for each anchor."""
        likely = np.flatnonzero(confidence >= min(min_confidence, _VOTE_FROM))
        xyxy = fitted.to_picture(decode(offsets[likely], self._anchors[likely]))
        # Clipped first, since what lies outside the picture says nothing of who is the same.
        boxes = clip(Boxes(xyxy, confidence[likely]), image.shape[1], image.shape[0])
        return vote(suppress(boxes.at_least(min_confidence), iou=_SAME_IOU, containment=_SAME_PART), boxes)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """``size`` (width, height) where the network can have it; ``UnusableNetworkError`` otherwise."""
    if min(size) < STEP or size[0] % STEP or size[1] % STEP:
        raise UnusableNetworkError(f"size must be two multiples of {STEP} (width, height), got {size[0]}x{size[1]}")
    return size


def anchors(width: int, height: int) -> Float:
    """The boxes that the network's offsets refer to, (n, 4) as centre x, y, width, height in pixels of its input.

    Nine to a cell of each level, 3 sizes an octave apart by thirds times 3 aspects (Tan et al., EfficientDet, 2020).
    """
    shapes = np.array(
        [
            (2 ** (octave / _OCTAVES) * aspect**0.5, 2 ** (octave / _OCTAVES) / aspect**0.5)
            for octave in range(_OCTAVES)
            for aspect in _ASPECTS
        ]
    )
    levels = []
    for stride in _STRIDES:
        y, x = np.mgrid[stride / 2 : height : stride, stride / 2 : width : stride]
        centres = np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), len(shapes), axis=0)
        sizes = np.tile(shapes * _ANCHOR_SCALE * stride, (x.size, 1))
        levels.append(np.concatenate([centres, sizes], axis=1))
    return np.concatenate(levels).astype(np.float32)


def decode(offsets: Float, anchors: Float) -> Float:
    """Boxes (n, 4) as x1, y1, x2, y2 from the network's offsets (n, 4) as y, x, log height, log width."""
    centre = anchors[:, :2] + offsets[:, 1::-1] * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(offsets[:, :1:-1]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def person_network(model: Model, width: int, height: int) -> Model:
    """Change the published graph to this input size and two outputs: person scores (1, n, 1), offsets (1, n, 4)."""
    for node in model.get_ops():
        kind = node.get_type_name()
        if kind == "Interpolate":
            stride = _OWN_SIZE // node.get_output_shape(0)[1]
            _replace(node, 1, np.array([height // stride, width // stride], np.int32))
        elif kind == "Convolution" and node.get_output_shape(0)[1] % _CLASSES == 0:
            _keep_person(node)
        elif kind == "Reshape" and node.get_output_shape(0)[-1] == _CLASSES:
            _replace(node, 1, np.array([1, -1, 1], np.int32))
    openvino = import_openvino()
    model.inputs[0].get_node().set_partial_shape(openvino.PartialShape([1, height, width, 3]))
    model.validate_nodes_and_infer_types()
    return openvino.Model(sorted(model.outputs, key=lambda output: output.shape[2]), model.get_parameters())


def _keep_person(convolution: Any) -> None:
    """Keep the person's rows of a class head: its weights, their scales and the bias that is added behind it."""
    scaled = convolution.input_value(1).get_node()
    converted = scaled.input_value(0).get_node()
    (behind,) = convolution.output(0).get_target_inputs()
    for node, place, axis in ((converted, 0, 0), (scaled, 1, 0), (behind.get_node(), 1, 1)):
        values = node.input_value(place).get_node().data
        # The levels share their weights: those may have been cut already.
        if values.shape[axis] % _CLASSES == 0:
            rows = np.arange(_PERSON, values.shape[axis], _CLASSES)
            _replace(node, place, np.take(values, rows, axis))


def _replace(node: Any, place: int, values: NDArray[Any]) -> None:
    import_openvino()
    from openvino import opset8

    node.input(place).replace_source_output(opset8.constant(np.ascontiguousarray(values)).output(0))
