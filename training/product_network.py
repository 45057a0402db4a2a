"""The product embedder's network: most of EfficientNet-Lite0, and a head that sees what lies where, and colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.openvino_home import import_openvino
from models.runtimes import read_openvino
from models.trainable import trainable

_COLOURS: Final = 6  # a side of the grid on which colours are told


class ProductNetwork(nn.Module):
    """uint8 (n, size, size, 3) RGB to unit vectors (n, dims).

    The head takes the mean and the largest of the backbone's last map, the means of its quarters, and the colours of a
    coarse grid.
    """

    def __init__(self, body: nn.Module, size: int, dims: int) -> None:
        super().__init__()
        self.body, self.size = body, size
        with torch.inference_mode():
            self.channels = int(body(torch.zeros(1, size, size, 3))[0].shape[1])
        given = 6 * self.channels
        self.normal = nn.LayerNorm(given)
        self.head = nn.Linear(given, dims)
        self.colours = nn.Sequential(nn.Linear(3 * _COLOURS**2, 128), nn.ReLU(), nn.Linear(128, dims))

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors of length 1, which are alike for pictures of one product."""
        plain = pictures.to(torch.float32) / 127.5 - 1
        maps = self.body(plain)[0]
        quarters = functional.adaptive_avg_pool2d(maps, 2).flatten(1)
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3)), quarters], dim=1)
        side = self.size - self.size % _COLOURS
        grid = plain.permute(0, 3, 1, 2)[..., :side, :side]
        grid = functional.avg_pool2d(grid, side // _COLOURS).flatten(1)
        return functional.normalize(self.head(self.normal(pooled)) + self.colours(grid))


def body_of(weights: Path, cut: int, frozen: int) -> nn.Module:
    """EfficientNet-Lite0 from its .tflite file, up to what its convolution number ``cut`` (from 0) is given.

    Takes float (n, h, w, 3) in -1..1; the first ``frozen`` convolutions are not trained.
    """
    openvino = import_openvino()
    model = read_openvino(weights)
    convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
    last: Any = convolutions[cut].input_value(0)
    body = trainable(openvino.Model([last], model.get_parameters()))
    for value in list(body.parameters())[: 2 * frozen]:  # a convolution has its kernels and its offsets
        value.requires_grad_(False)
    return body
