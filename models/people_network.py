"""The people network in torch: EfficientDet-Lite0 for persons alone, which starts from the published COCO weights.

What lies below the features of stride 8 (the trunk) is cut off, so that a training can compute these once and keep
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from models.efficientdet import person_network
from models.openvino_home import import_openvino
from models.people_detector import is_people_network, outputs_of
from models.runtimes import read_openvino
from models.trainable import Graph, trainable

if TYPE_CHECKING:
    from openvino import Model

TRUNK_CHANNELS: Final = 40
TRUNK_STRIDE: Final = 8


class PeopleNetwork(nn.Module):
    """The whole network: uint8 RGB (n, H, W, 3) to scores (n, a, 1) in [0, 1] and offsets (n, a, 4).

    ``trunk`` gives features (n, 40, H / 8, W / 8), of which ``head`` makes logits (n, a, 1) and offsets. Anchors a lie
    level by level, row by row: ``models.efficientdet.anchors``.
    """

    def __init__(self, trunk: Graph, head: Graph) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and offsets."""
        (features,) = self.trunk(pictures)
        logits, offsets = self.head(features)
        return torch.sigmoid(logits), offsets


def cut(weights: Path, size: tuple[int, int]) -> tuple[Model, Model]:
    """The trunk of the network in ``weights``, EfficientDet-Lite0 or one of ours, for pictures of ``size`` (width,
    height), and the rest, which gives logits and offsets.
    """
    openvino = import_openvino()
    from openvino import opset8

    width, height = size
    model = read_openvino(weights)
    if is_people_network(model):
        model.reshape(openvino.PartialShape([1, height, width, 3]))
        scores, offsets = outputs_of(model)
    else:
        model = person_network(model, width, height)
        offsets, scores = sorted(model.outputs, key=lambda output: -int(output.shape[2]))
    ports = [_made_by(scores, "Sigmoid").input_value(0), _source(offsets)]
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


def _shape(node: Any) -> list[int]:
    shape = node.get_output_partial_shape(0)
    return list(shape.to_shape()) if shape.is_static else []


def open_people_network(weights: Path, size: tuple[int, int]) -> PeopleNetwork:
    """The network in file ``weights`` to train further: EfficientDet-Lite0 with COCO's weights, or one of ours.

    ``size`` (width, height): multiples of 128.
    """
    trunk, rest = cut(weights, size)
    return PeopleNetwork(trainable(trunk), trainable(rest))
