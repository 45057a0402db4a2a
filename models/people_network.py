"""The people network in torch: EfficientDet-Lite0 for persons alone, with a head that places 17 keypoints.

It is warm: all but the head for joints starts from the published COCO weights. What lies above the features of stride
8 (the trunk) is cut off, so that a training can compute them once and keep them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from models.efficientdet import person_network
from models.openvino_home import import_openvino
from models.people_heads import FEATURES, KeypointHead
from models.people_keypoints import is_people_network, outputs_of
from models.runtimes import read_openvino
from models.trainable import Graph, trainable

if TYPE_CHECKING:
    from openvino import Model

TRUNK_CHANNELS: Final = 40
TRUNK_STRIDE: Final = 8
STRIDES: Final = (8, 16, 32, 64, 128)


class PeopleHead(nn.Module):
    """From the trunk's features to people: scores, boxes, joints.

    ``keypoints`` is None where ``graph`` places them itself: in a network that was ours before.
    """

    def __init__(self, graph: Graph, keypoints: KeypointHead | None) -> None:
        super().__init__()
        self.graph = graph
        self.keypoints = keypoints

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 40, H / 8, W / 8) to logits (n, a, 1), offsets (n, a, 4) and keypoints (n, c, 51).

        Anchors a and cells c lie level by level, row by row, nine anchors to a cell: ``models.efficientdet.anchors``.
        """
        logits, offsets, *rest = self.graph(features)
        if self.keypoints is None:
            return logits, offsets, rest[0]
        return logits, offsets, torch.cat([self.keypoints(level) for level in rest], dim=1)

    def added(self) -> list[nn.Parameter]:
        """The weights of the head where it is new."""
        return [] if self.keypoints is None else list(self.keypoints.parameters())


class PeopleNetwork(nn.Module):
    """The whole network: uint8 RGB (n, H, W, 3) to scores (n, a, 1) in [0, 1], offsets and keypoints."""

    def __init__(self, trunk: Graph, head: PeopleHead) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As ``PeopleHead``, with scores in place of logits."""
        (features,) = self.trunk(pictures)
        logits, offsets, keypoints = self.head(features)
        return torch.sigmoid(logits), offsets, keypoints


def cut(weights: Path, size: tuple[int, int]) -> tuple[Model, Model]:
    """The trunk of the network in ``weights`` for pictures of ``size`` (width, height), and the rest.

    ``weights`` is EfficientDet-Lite0, of which the rest gives logits, offsets and the five levels of the pyramid; or a
    network of ours, of which it gives logits, offsets and keypoints.
    """
    openvino = import_openvino()
    from openvino import opset8

    width, height = size
    model = read_openvino(weights)
    if is_people_network(model):
        model.reshape(openvino.PartialShape([1, height, width, 3]))
        scores, offsets, keypoints = outputs_of(model)
        ports = [_made_by(scores, "Sigmoid").input_value(0), _source(offsets), _source(keypoints)]
    else:
        model = person_network(model, width, height)
        offsets, scores = sorted(model.outputs, key=lambda output: -int(output.shape[2]))
        ports = [_made_by(scores, "Sigmoid").input_value(0), _source(offsets), *_pyramid(model, size)]
    end = _trunk_end(model, (height // TRUNK_STRIDE, width // TRUNK_STRIDE))
    trunk = openvino.Model([end.output(0)], model.get_parameters())
    parameter = opset8.parameter([1, TRUNK_CHANNELS, height // TRUNK_STRIDE, width // TRUNK_STRIDE])
    for target in list(end.output(0).get_target_inputs()):
        if target.get_node().get_type_name() != "Result":
            target.replace_source_output(parameter.output(0))
    return trunk, openvino.Model(ports, [parameter])


def _source(output: Any) -> Any:
    return output.get_node().input_value(0)


def _made_by(output: Any, kind: str) -> Any:
    """The last node of a kind before an output."""
    node = output.get_node()
    while node.get_type_name() != kind:
        node = node.input_value(0).get_node()
    return node


def _trunk_end(model: Model, map_size: tuple[int, int]) -> Any:
    shape = [1, TRUNK_CHANNELS, *map_size]
    nodes = [node for node in model.get_ordered_ops() if node.get_output_size() and _shape(node) == shape]
    return nodes[-1]


def _pyramid(model: Model, size: tuple[int, int]) -> list[Any]:
    """The outputs that the towers of the boxes and of the classes both read, by rising stride."""
    found = {}
    for node in model.get_ordered_ops():
        shape = _shape(node) if node.get_output_size() else []
        readers = [target.get_node().get_type_name() for target in node.output(0).get_target_inputs()] if shape else []
        if len(shape) == 4 and shape[1] == FEATURES and readers.count("GroupConvolution") >= 2:
            found[size[0] // shape[3]] = node.output(0)
    return [found[stride] for stride in STRIDES]


def _shape(node: Any) -> list[int]:
    shape = node.get_output_partial_shape(0)
    return list(shape.to_shape()) if shape.is_static else []


def open_people_network(weights: Path, size: tuple[int, int], seed: int = 0) -> PeopleNetwork:
    """The network in file ``weights`` to train further: EfficientDet-Lite0 with COCO's weights, or one of ours.

    A head that the file lacks is drawn by ``seed``. ``size`` (width, height): multiples of 128.
    """
    trunk, rest = cut(weights, size)
    torch.manual_seed(seed)
    keypoints = None if is_people_network(read_openvino(weights)) else KeypointHead()
    return PeopleNetwork(trainable(trunk), PeopleHead(trainable(rest), keypoints))
