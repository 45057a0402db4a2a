"""The people network in torch: EfficientDet-Lite0 for persons alone, with a head that places 17 keypoints.

It is warm: all but the keypoint head starts from the published COCO weights. What lies above the features of stride 8
(the trunk) is cut off, so that a training can compute them once and keep them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from models.efficientdet import person_network
from models.openvino_home import import_openvino
from models.people_keypoints import KEYPOINTS
from models.runtimes import read_openvino
from models.trainable import Graph, trainable

if TYPE_CHECKING:
    from openvino import Model

FEATURES: Final = 64  # channels of a pyramid level
TRUNK_CHANNELS: Final = 40
TRUNK_STRIDE: Final = 8
STRIDES: Final = (8, 16, 32, 64, 128)
_HIDDEN: Final = 96


class KeypointHead(nn.Module):
    """Where the joints of the person at a cell are; one set of weights for all levels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = FEATURES
        for _ in range(3):
            layers += [nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, _HIDDEN, 1), nn.SiLU()]
            width = _HIDDEN
        self.tower = nn.Sequential(*layers)
        self.answer = nn.Conv2d(width, KEYPOINTS * 3, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.constant_(self.answer.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, level: Tensor) -> Tensor:
        """(n, 64, h, w) to (n, h * w, 51): x, y in units from the cell's middle and the logit of being seen."""
        answer: Tensor = self.answer(self.tower(level))
        return answer.permute(0, 2, 3, 1).reshape(answer.shape[0], -1, KEYPOINTS * 3)


class PeopleHead(nn.Module):
    """From the trunk's features to people: scores, boxes, keypoints."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.keypoints = KeypointHead()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 40, H / 8, W / 8) to logits (n, a, 1), offsets (n, a, 4) and keypoints (n, c, 51).

        Anchors a and cells c lie level by level, row by row, nine anchors to a cell: ``models.efficientdet.anchors``.
        """
        logits, offsets, *levels = self.graph(features)
        return logits, offsets, torch.cat([self.keypoints(level) for level in levels], dim=1)


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
    """The trunk and the rest of EfficientDet-Lite0 in ``weights`` for pictures of ``size`` (width, height)."""
    openvino = import_openvino()
    from openvino import opset8

    width, height = size
    model = person_network(read_openvino(weights), width, height)
    scores = next(node for node in model.get_ordered_ops() if node.get_type_name() == "Sigmoid")
    offsets = next(output for output in model.outputs if output.shape[2] == 4)
    pyramid = _pyramid(model, size)
    end = _trunk_end(model, (height // TRUNK_STRIDE, width // TRUNK_STRIDE))
    trunk = openvino.Model([end.output(0)], model.get_parameters())
    ports = [scores.input_value(0), offsets.get_node().input_value(0), *pyramid]
    parameter = opset8.parameter([1, TRUNK_CHANNELS, height // TRUNK_STRIDE, width // TRUNK_STRIDE])
    users = [target for target in end.output(0).get_target_inputs() if target.get_node().get_type_name() != "Result"]
    for target in users:
        target.replace_source_output(parameter.output(0))
    return trunk, openvino.Model(ports, [parameter])


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
        if len(shape) == 4 and shape[1] == FEATURES and readers.count("GroupConvolution") == 2:
            found[size[0] // shape[3]] = node.output(0)
    return [found[stride] for stride in STRIDES]


def _shape(node: Any) -> list[int]:
    shape = node.get_output_partial_shape(0)
    return list(shape.to_shape()) if shape.is_static else []


def open_people_network(weights: Path, size: tuple[int, int], seed: int = 0) -> PeopleNetwork:
    """The network with the COCO weights of EfficientDet-Lite0 in file ``weights``, its keypoint head drawn by ``seed``.

    ``size`` (width, height): multiples of 128.
    """
    trunk, rest = cut(weights, size)
    torch.manual_seed(seed)
    return PeopleNetwork(trainable(trunk), PeopleHead(trainable(rest)))
