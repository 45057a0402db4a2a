"""The network for hands in torch: EfficientNet-Lite0 as far as stride 16, and a small head that keeps places apart.

It begins with the published ImageNet weights. The layers up to stride 4 (the stem) stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from models.hands import SIZE
from models.openvino_home import import_openvino
from models.runtimes import read_openvino
from models.trainable import trainable

# The convolutions of EfficientNet-Lite0 whose inputs are taken, of strides 4, 8 and 16.
_TAKEN: Final = (9, 15, 33)
_CELLS: Final = (SIZE // 16) ** 2


class HandsNetwork(nn.Module):
    """uint8 RGB (n, 48, 48, 3), a hand each, to logits (n, 1) of its holding something.

    ``weights`` is the file of EfficientNet-Lite0; ``width`` the channels of the head; ``drop`` the share of its numbers
    that are left out in training.
    """

    def __init__(self, weights: Path, width: int = 64, drop: float = 0.2) -> None:
        super().__init__()
        openvino = import_openvino()
        model = read_openvino(weights)
        convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
        ends = [convolutions[place].input_value(0) for place in _TAKEN]
        _, middle, coarse = (end.get_partial_shape()[1].get_length() for end in ends)
        self.stem = trainable(openvino.Model(ends[:1], model.get_parameters())).requires_grad_(False)
        given = openvino.opset13.parameter(ends[0].get_partial_shape(), ends[0].get_element_type())
        for taker in ends[0].get_target_inputs():
            taker.replace_source_output(given.output(0))
        self.trunk = trainable(openvino.Model(ends[1:], [given]))
        self.middle = nn.Sequential(nn.Conv2d(middle, width, 3, stride=2, padding=1), nn.SiLU())
        self.coarse = nn.Sequential(nn.Conv2d(coarse, width, 1), nn.SiLU())
        self.mixed = nn.Sequential(nn.Conv2d(2 * width, width, 3, padding=1), nn.SiLU())
        # The hand is always at the same place, so that it matters where something is.
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(drop), nn.Linear(width * _CELLS, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits; the logistic function makes them probabilities."""
        with torch.no_grad():
            (fine,) = self.stem((pictures.float() - 127.5) / 127.5)
        middle, coarse = self.trunk(fine)
        logits: Tensor = self.head(self.mixed(torch.cat([self.middle(middle), self.coarse(coarse)], dim=1)))
        return logits
