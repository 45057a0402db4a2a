"""The head that places joints."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from models.people_keypoints import KEYPOINTS

FEATURES: Final = 64  # channels of a pyramid level
_COARSE: Final = 96


class KeypointHead(nn.Module):
    """Where the joints of the person at a cell are; one set of weights for all levels."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = _tower(FEATURES, _COARSE, 3)
        self.answer = _answer(_COARSE)

    def forward(self, level: Tensor) -> Tensor:
        """(n, 64, h, w) to (n, h * w, 51): x, y in units from the cell's middle and the logit of being seen."""
        return _by_cell(self.answer(self.tower(level)))


def _tower(given: int, width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Conv2d(given, given, 3, padding=1, groups=given), nn.Conv2d(given, width, 1), nn.SiLU()]
        given = width
    return nn.Sequential(*layers)


def _answer(width: int) -> nn.Conv2d:
    layer = nn.Conv2d(width, KEYPOINTS * 3, 1)
    nn.init.normal_(layer.weight, std=0.01)
    with torch.no_grad():
        layer.bias.zero_()  # type: ignore[union-attr]
    return layer


def _by_cell(answer: Tensor) -> Tensor:
    return answer.permute(0, 2, 3, 1).reshape(answer.shape[0], -1, KEYPOINTS * 3)
