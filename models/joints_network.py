"""The joints network in torch: EfficientNet-Lite0 as far as stride 16, and a small pyramid that draws heatmaps.

It begins with the published ImageNet weights. The layers up to stride 4 (the stem) stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.joints import KEYPOINTS
from models.openvino_home import import_openvino
from models.runtimes import read_openvino
from models.trainable import trainable

# The convolutions of EfficientNet-Lite0 whose inputs are taken, of strides 4, 8 and 16.
_TAKEN: Final = (9, 15, 33)


class JointsNetwork(nn.Module):
    """uint8 RGB (n, 128, 128, 3), a person each, to logits (n, 17, 32, 32) of where each joint lies.

    ``weights`` is the file of EfficientNet-Lite0; ``width`` the channels of the pyramid.
    """

    def __init__(self, weights: Path, width: int = 64) -> None:
        super().__init__()
        openvino = import_openvino()
        model = read_openvino(weights)
        convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
        ends = [convolutions[place].input_value(0) for place in _TAKEN]
        fine, middle, coarse = (end.get_partial_shape()[1].get_length() for end in ends)
        self.stem = trainable(openvino.Model(ends[:1], model.get_parameters())).requires_grad_(False)
        given = openvino.opset13.parameter(ends[0].get_partial_shape(), ends[0].get_element_type())
        for taker in ends[0].get_target_inputs():
            taker.replace_source_output(given.output(0))
        self.trunk = trainable(openvino.Model(ends[1:], [given]))
        self.fine, self.middle, self.coarse = (nn.Conv2d(count, width, 1) for count in (fine, middle, coarse))
        self.whole = nn.Conv2d(coarse, width, 1)
        self.mixed = nn.ModuleList(_separable(width, width) for _ in range(3))
        self.maps = nn.Sequential(_separable(width, 2 * width), nn.Conv2d(2 * width, KEYPOINTS, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits; a softmax over a map makes them probabilities."""
        with torch.no_grad():
            (fine,) = self.stem((pictures.float() - 127.5) / 127.5)
        middle, coarse = self.trunk(fine)
        # What the whole picture shows tells left from right.
        whole = self.whole(coarse.mean(dim=(2, 3), keepdim=True))
        x = self.mixed[0](self.coarse(coarse) + whole)
        x = self.mixed[1](functional.interpolate(x, scale_factor=2.0, mode="nearest") + self.middle(middle))
        x = self.mixed[2](functional.interpolate(x, scale_factor=2.0, mode="nearest") + self.fine(fine))
        maps: Tensor = self.maps(x)
        return maps


def _separable(given: int, made: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, given, 3, padding=1, groups=given), nn.Conv2d(given, made, 1), nn.SiLU())
