"""What the joints network is taught: a heatmap for each joint."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from models.joints import SIZE, STRIDE

DEVIATION_PX: Final = 5.0
"""Of the taught probability around a joint."""
HIDDEN: Final = 0.3
"""How much a joint counts that lies in the crop and is not seen."""
ARMS: Final = (7, 8, 9, 10)
"""Elbows and wrists among COCO's joints."""


def losses(logits: Tensor, joints: Tensor, *, hidden: float = HIDDEN, arms: float = 1.0) -> dict[str, Tensor]:
    """The terms whose sum is minimised, of logits (n, k, h, w) and joints (n, k, 3) in pixels with COCO's visibility.

    ``maps``: half the cross entropy between the softmax over a map and a Gaussian around the joint. ``places``: four
    times the distance (L1) of the map's mean from the joint, in sides of the crop (Sun et al., Integral Human Pose
    Regression, 2018). Means over labelled joints, hidden ones counting
    ``hidden``, and those of arms ``arms`` times as much as others.
    """
    told = joints[..., 2]
    weight = torch.where(told == 2, 1.0, torch.where(told == 1, hidden, 0.0))
    if arms != 1.0:
        weight[:, ARMS] *= arms
    total = weight.sum().clamp(min=1)
    at_x, at_y = (_middles(logits.shape[axis]).to(logits) for axis in (3, 2))
    near_x, near_y = (
        torch.exp(-((at - joints[..., axis, None]) ** 2) / (2 * DEVIATION_PX**2))
        for axis, at in enumerate((at_x, at_y))
    )
    target = (near_y[..., :, None] * near_x[..., None, :]).flatten(2)
    target = target / target.sum(dim=-1, keepdim=True).clamp(min=1e-9)
    logs = logits.flatten(2).log_softmax(dim=-1)
    entropy = -(target * logs).sum(dim=-1)
    share = logs.exp().view_as(logits)
    x, y = (share.sum(dim=2) * at_x).sum(dim=-1), (share.sum(dim=3) * at_y).sum(dim=-1)
    away = ((x - joints[..., 0]).abs() + (y - joints[..., 1]).abs()) / SIZE
    return {"maps": 0.5 * (entropy * weight).sum() / total, "places": 4.0 * (away * weight).sum() / total}


def _middles(cells: int) -> Tensor:
    return (torch.arange(cells) + 0.5) * STRIDE - 0.5
