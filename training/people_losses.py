"""What the people network is taught: which anchors are people, where their boxes lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import complete_box_iou_loss, sigmoid_focal_loss

from models.boxes import overlaps
from training.people_views import People

NOBODY: Final = -1
IGNORED: Final = -2
_POSITIVE: Final = 0.5
_NEGATIVE: Final = 0.4
_LEAST: Final = 0.2  # of the best anchor of a person whom no anchor fits well
_FOCUS: Final = 1.5  # EfficientDet's gamma
_BALANCE: Final = 0.25  # and alpha


class Taught(NamedTuple):
    """The lesson of a batch: the p positive anchors of all its views with what they should answer.

    ``labels`` float32 (n, a): 1 people, 0 nobody, -1 not asked. ``view`` and ``anchor`` int64 (p,) say where positives
    are, ``xyxy`` (p, 4) their boxes in pixels.
    """

    labels: Tensor
    view: Tensor
    anchor: Tensor
    xyxy: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """Turns views' people into lessons for the anchors (a, 4) of a network's input, centre x, y, width, height."""

    anchors: NDArray[np.float32]

    def lesson(self, views: list[People]) -> Taught:
        """An anchor is of the person whom it overlaps most, by half of their union or more (Lin et al., 2017); the best
        anchor of each person is that person's in any case. Between .4 and .5 nothing is asked, nor where half of an
        anchor lies on someone who is ignored.
        """
        labels = np.zeros((len(views), len(self.anchors)), np.float32)
        rows: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        boxes = []
        for number, people in enumerate(views):
            owner = self.owners(people)
            labels[number] = np.where(owner >= 0, 1.0, np.where(owner == IGNORED, -1.0, 0.0))
            mine = np.flatnonzero(owner >= 0)
            rows.append((np.full(len(mine), number), mine))
            boxes.append(people.xyxy[owner[mine]])
        view, anchor = (np.concatenate(column) for column in zip(*rows, strict=True))
        return Taught(*map(torch.from_numpy, (labels, view, anchor, np.concatenate(boxes))))

    def owners(self, people: People) -> NDArray[np.int64]:
        """Whose each anchor is, (a,): a person's place, ``NOBODY`` or ``IGNORED``."""
        half = self.anchors[:, 2:] / 2
        corners = np.concatenate([self.anchors[:, :2] - half, self.anchors[:, :2] + half], axis=1)
        owner = np.full(len(corners), NOBODY, np.int64)
        wanted = np.flatnonzero(~people.ignored)
        if len(wanted):
            iou = overlaps(corners, people.xyxy[wanted])[0]
            best, value = iou.argmax(axis=1), iou.max(axis=1)
            owner[value >= _NEGATIVE] = IGNORED
            owner[value >= _POSITIVE] = wanted[best[value >= _POSITIVE]]
            top = iou.argmax(axis=0)
            fits = iou[top, np.arange(len(wanted))] >= _LEAST
            owner[top[fits]] = wanted[fits]
        if people.ignored.any():
            on = _inside(corners, people.xyxy[people.ignored]).max(axis=1) >= 0.5
            owner[on & (owner == NOBODY)] = IGNORED
        return owner


def losses(answer: tuple[Tensor, Tensor], taught: Taught, anchors: Tensor) -> dict[str, Tensor]:
    """The terms whose sum is minimised.

    ``people``: focal loss over anchors, by positives (Lin et al., 2017). ``box``: complete IoU loss (Zheng et al.,
    2020).
    """
    logits, offsets = answer
    positives = max(len(taught.anchor), 1)
    asked = (taught.labels >= 0).float()
    focal = sigmoid_focal_loss(logits[..., 0], taught.labels.clamp(min=0), alpha=_BALANCE, gamma=_FOCUS)
    boxes = decoded(offsets[taught.view, taught.anchor], anchors[taught.anchor])
    return {
        "people": (focal * asked).sum() / positives,
        "box": complete_box_iou_loss(boxes, taught.xyxy, reduction="sum") / positives,
    }


def decoded(offsets: Tensor, anchors: Tensor) -> Tensor:
    """As ``models.efficientdet.decode``, in torch; sizes are at most e^4 times the anchor's."""
    centre = anchors[:, :2] + offsets[:, [1, 0]] * anchors[:, 2:]
    half = anchors[:, 2:] * offsets[:, [3, 2]].clamp(max=4.0).exp() / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _inside(boxes: NDArray[np.float32], regions: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of each box (n, 4) lies in each region (m, 4): (n, m) in 0..1."""
    sides = np.minimum(boxes[:, None, 2:], regions[None, :, 2:]) - np.maximum(boxes[:, None, :2], regions[None, :, :2])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(np.clip(sides, 0, None).prod(axis=2) / area[:, None], np.float32)
