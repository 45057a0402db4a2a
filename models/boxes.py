"""Boxes as a detector gives them, and the suppression of boxes that mean the same thing."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


class Boxes(NamedTuple):
    """What was found in one picture: ``xyxy`` float32 (n, 4) pixels, ``confidence`` float32 (n,) in [0, 1].

    ``keypoints`` float32 (n, k, 3): x and y in pixels, confidence in [0, 1]; None from a detector without any.
    Sorted by falling confidence, boxes clipped to the picture; keypoints may lie outside.
    """

    xyxy: Float
    confidence: Float
    keypoints: Float | None = None

    @classmethod
    def empty(cls, keypoints: int = 0) -> Self:
        """Nothing found, by a detector of so many ``keypoints``."""
        points = np.zeros((0, keypoints, 3), np.float32) if keypoints else None
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), points)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Boxes:
        """The boxes of a mask (n,), or at places (m,) in their order."""
        points = None if self.keypoints is None else self.keypoints[which]
        return Boxes(self.xyxy[which], self.confidence[which], points)

    def at_least(self, confidence: float) -> Boxes:
        """The boxes of this confidence or more."""
        return self.take(self.confidence >= confidence)


def overlaps(a: Float, b: Float) -> tuple[Float, Float]:
    """How much boxes ``a`` (n, 4) and ``b`` (m, 4) share, both (n, m) in [0, 1].

    The first is the intersection over the union, the second the intersection over the smaller of the two areas.
    """
    corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.prod(np.maximum(corner, 0), axis=2)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=1)[:, None]
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=1)[None]
    tiny = np.float32(1e-9)
    union = np.maximum(area_a + area_b - shared, tiny)
    smaller = np.maximum(np.minimum(area_a, area_b), tiny)
    return (shared / union).astype(np.float32), (shared / smaller).astype(np.float32)


def suppress(boxes: Boxes, *, iou: float, containment: float = 1.0, most: int = 300) -> Boxes:
    """Keep the most confident of the boxes that mean the same thing (greedy non-maximum suppression).

    A box goes when it shares more than ``iou`` of the union, or more than ``containment`` of the smaller area, with a
    more confident box that stays. Only the ``most`` confident are looked at; what is returned is sorted.
    """
    order = np.argsort(-boxes.confidence, kind="stable")[:most]
    boxes = boxes.take(order)
    of_union, of_smaller = overlaps(boxes.xyxy, boxes.xyxy)
    same = (of_union > iou) | (of_smaller > containment)
    keep = np.ones(len(order), bool)
    for i in range(len(order)):
        if keep[i]:
            keep[i + 1 :] &= ~same[i, i + 1 :]
    return boxes.take(keep)


def vote(kept: Boxes, candidates: Boxes, *, iou: float = 0.65) -> Boxes:
    """Move each kept box to the mean of the candidates that overlap it by more than ``iou``, weighted by confidence.

    Neighbouring answers of a network err independently, so the mean lies steadier than the most confident one
    (box voting, Gidaris and Komodakis 2015). The confidences and keypoints stay.
    """
    of_union, _ = overlaps(kept.xyxy, candidates.xyxy)
    weights = np.where(of_union > iou, candidates.confidence, np.float32(0))
    total = weights.sum(axis=1, keepdims=True)
    voted = np.divide(weights @ candidates.xyxy, total, out=kept.xyxy.copy(), where=total > 0)
    return kept._replace(xyxy=voted)


def clip(boxes: Boxes, width: int, height: int) -> Boxes:
    """Cut boxes at the border of a picture of this size in pixels; those with nothing left inside go.

    Keypoints stay where they are.
    """
    limit = np.array([width, height, width, height], np.float32)
    xyxy = np.clip(boxes.xyxy, 0, limit).astype(np.float32)
    keep = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    return boxes._replace(xyxy=xyxy).take(keep)
