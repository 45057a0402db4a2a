"""The reach model's network: a small look at each picture, all laid over one another, then a plain 2D network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.reach import CLASSES, SHAPE


def fit_calibration(logits: Tensor, label: Tensor, steps: int = 50) -> tuple[Tensor, Tensor]:
    """Temperature (1,) and prior (3,) under which ``logits`` (n, 3) make ``label`` (n,) likeliest.

    Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, 2017) with an offset for each class.
    """
    slope, prior = torch.zeros(1, requires_grad=True), torch.zeros(logits.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([slope, prior], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        # A trace of decay: a class that does not occur would be pushed away without end.
        value = functional.cross_entropy(logits * slope.exp() + prior, label) + 1e-3 * (prior**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return (-slope).exp().detach(), prior.detach()


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_layer(channels, channels), _convolution(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class ReachNetwork(nn.Module):
    """uint8 (n, *SHAPE) to logarithms of the probabilities of ``CLASSES`` (n, 3).

    In a clip the shelf stands still, so that a place of one picture is the same place of the others: each picture is
    looked at alone only by the first layer (``look`` channels), and what changes over time is left to the layers over
    all of them. Colours are those of the clip less their mean, over their deviation, so that the light matters little.
    ``temperature`` divides the logits and ``prior`` is added to them: both are set after the training, since it shows
    takes and returns more often than life does, and travel with the weights.
    """

    temperature: Tensor
    prior: Tensor

    def __init__(self, look: int = 16, widths: tuple[int, int, int] = (48, 80, 128), drop: float = 0.2) -> None:
        super().__init__()
        frames = SHAPE[0]
        self.look = nn.Sequential(
            nn.Conv2d(4, look, 6, stride=4, padding=1, bias=False), nn.BatchNorm2d(look), nn.ReLU()
        )
        first, second, third = widths
        self.body = nn.Sequential(
            nn.Conv2d(frames * look, first, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            _Residual(first),
            _layer(first, second, stride=2),
            _Residual(second),
            _layer(second, third, stride=2),
            _Residual(third),
        )
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(2 * third, len(CLASSES))
        self.register_buffer("temperature", torch.ones(1))
        self.register_buffer("prior", torch.zeros(len(CLASSES)))

    def forward(self, clips: Tensor) -> Tensor:
        """Log-probabilities (n, 3)."""
        return functional.log_softmax(self.logits(clips) / self.temperature + self.prior, dim=1)

    def logits(self, clips: Tensor) -> Tensor:
        """The numbers (n, 3) before temperature, prior and softmax."""
        frames, height, width, channels = SHAPE
        few = clips[:, :, 2::4, 2::4, :3].float()
        mean = few.mean(dim=(1, 2, 3))
        spread = ((few - mean[:, None, None, None]) ** 2).mean(dim=(1, 2, 3, 4)).sqrt()[:, None] + 5.0
        # The mark is 0 to 1; colours are centred. As one product, for the pictures are by far the largest arrays here.
        scale = torch.cat([(1 / (3 * spread)).expand(-1, 3), torch.full_like(spread, 1 / 255)], dim=1)
        shift = torch.cat([-mean / (3 * spread), torch.zeros_like(spread)], dim=1)
        x = clips.reshape(-1, height, width, channels).permute(0, 3, 1, 2).float()
        scale, shift = (v.repeat_interleave(frames, dim=0)[:, :, None, None] for v in (scale, shift))
        x = self.look(x * scale + shift)
        x = self.body(x.reshape(-1, frames * x.shape[1], height // 4, width // 4))
        # Where the hand is, in the middle, and all around.
        edge = x.shape[2] // 4
        middle = x[:, :, edge:-edge, edge:-edge].mean(dim=(2, 3))
        pooled = torch.cat([middle, x.amax(dim=(2, 3))], dim=1)
        logits: Tensor = self.head(self.drop(pooled))
        return logits


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs))


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_convolution(inputs, outputs, stride), nn.ReLU())
