"""The person embedder's network: the first two thirds of EfficientNet-Lite0, and a head that looks at stripes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.openvino_home import import_openvino
from models.runtimes import OpenVinoRuntime, read_openvino
from models.trainable import Graph, trainable

SIZE: Final = (64, 128)  # the input, (width, height)


def halves(weights: Path, kept: int, cut: int) -> tuple[Graph, Graph]:
    """EfficientNet-Lite0 from its .tflite file: up to what its convolution number ``kept`` (from 0) is given, and from
    there to what number ``cut`` is given. The first takes (n, height, width, 3) in -1..1, the second what the first
    gives (n, channels, height, width).
    """
    return trainable(_between(weights, None, kept)), trainable(_between(weights, kept, cut))


def kept_on_cpu(weights: Path, kept: int, threads: int = 1) -> Callable[[Tensor], Tensor]:
    """What ``PersonNetwork.maps`` computes, by OpenVINO: in a third of torch's time on a CPU."""
    model = _between(weights, None, kept)
    model.reshape([1, SIZE[1], SIZE[0], 3])
    runtime = OpenVinoRuntime(model, threads=threads, exact=True)
    return lambda pictures: torch.from_numpy(runtime.run(_scaled(pictures).contiguous().numpy())[0])


def _scaled(pictures: Tensor) -> Tensor:
    return (pictures.float() - 127.5) / 127.5


def _between(weights: Path, first: int | None, last: int) -> Any:
    openvino = import_openvino()
    model = read_openvino(weights)
    convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
    end = convolutions[last].input_value(0)
    if first is None:
        return openvino.Model([end], model.get_parameters())
    begin = convolutions[first].input_value(0)
    given = openvino.opset13.parameter(begin.get_partial_shape(), begin.get_element_type())
    # The skip over the next block takes it too.
    for taker in begin.get_target_inputs():
        taker.replace_source_output(given.output(0))
    return openvino.Model([end], [given])


class PersonNetwork(nn.Module):
    """uint8 (n, 128, 64, 3) RGB to unit vectors (n, dims), and the two numbers of their calibration (n, 2).

    ``first`` is kept as it is; ``second`` is trained. The head pools the whole body (the largest and the mean) and
    ``stripes`` horizontal bands (the mean), maps each to its part of the vector and scales the whole to length 1.
    ``calibration`` holds slope and offset of the logistic function of two vectors' scalar product that is the
    probability of one person; it travels with the weights.
    """

    calibration: Tensor

    def __init__(self, first: nn.Module, second: nn.Module, dims: int, stripes: int, stripe_dims: int) -> None:
        super().__init__()
        self.first, self.second = first.requires_grad_(False), second
        with torch.inference_mode():
            channels = self.second(self.first(torch.zeros(1, SIZE[1], SIZE[0], 3))[0])[0].shape[1]
        self.stripes = stripes
        self.whole = nn.Linear(2 * channels, dims - stripes * stripe_dims)
        self.bands = nn.ModuleList(nn.Linear(channels, stripe_dims) for _ in range(stripes))
        self.neck = nn.BatchNorm1d(dims)
        self.register_buffer("calibration", torch.tensor([10.0, -5.0]))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of length 1, and the calibration once a picture."""
        vectors = self.vectors(self.maps(pictures))
        return vectors, self.calibration.expand(vectors.shape[0], 2)

    def maps(self, pictures: Tensor) -> Tensor:
        """What the kept part makes of pictures (n, 128, 64, 3), uint8 or float in 0..255: (n, channels, 8, 4)."""
        maps: Tensor = self.first(_scaled(pictures))[0]
        return maps

    def vectors(self, maps: Tensor) -> Tensor:
        """Unit vectors (n, dims) of what ``maps`` gave."""
        x = self.second(maps)[0]
        parts = [self.whole(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))]
        rows = x.mean(dim=3)
        high = rows.shape[2] // max(self.stripes, 1)
        parts += [band(rows[:, :, k * high : (k + 1) * high].mean(dim=2)) for k, band in enumerate(self.bands)]
        return functional.normalize(self.neck(torch.cat(parts, dim=1)))
