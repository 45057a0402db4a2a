"""The 17 joints of each person in a box, by a network that looks at one person at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes
from models.people import PersonDetector
from models.registry import ACTIVE, own_weights
from models.runtimes import pictures_runtime

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

OUTPUTS: Final = ("heatmaps",)
KEYPOINTS: Final = 17
SIZE: Final = 128
"""The network's input is square; its answer has a cell for each 4x4 pixels."""
STRIDE: Final = 4
MARGIN: Final = 1.25
"""A crop is this much larger than the larger side of the person's box, so that hidden joints lie in it too."""
PADDING: Final = 127
_REACH: Final = 3  # cells around the likeliest one that are one place


def crop_matrix(xyxy: Float, size: int = SIZE, margin: float = MARGIN) -> NDArray[np.float64]:
    """The affine map (2, 3) of a picture's pixels to those of the square crop around box ``xyxy`` (4,)."""
    x1, y1, x2, y2 = (float(value) for value in xyxy)
    scale = size / (margin * max(x2 - x1, y2 - y1, 1.0))
    return np.array(
        [[scale, 0.0, size / 2 - scale * (x1 + x2) / 2], [0.0, scale, size / 2 - scale * (y1 + y2) / 2]], np.float64
    )


def cropped(image: Image, matrix: NDArray[np.float64], size: int = SIZE) -> Image:
    """The crop uint8 (size, size, 3) RGB of a BGR image; what lies outside of the image is grey."""
    # Linear interpolation looks at two neighbours only: what becomes smaller is averaged first.
    halvings = 0
    while matrix[0, 0] * 2**halvings <= 0.5:
        halvings += 1
    if halvings:
        # Only what is seen is averaged.
        corners = np.array([[0.0, 0.0], [size, size]]) - matrix[:, 2]
        low, high = corners / matrix[0, 0]
        step = 2**halvings
        left, top = (int(max(np.floor(v / step) * step, 0)) for v in low)
        part = image[top : int(np.ceil(high[1])) + step, left : int(np.ceil(high[0])) + step]
        if min(part.shape[:2]) >= step:
            inner = part.shape[1] // step, part.shape[0] // step
            image = np.asarray(
                cv2.resize(part[: inner[1] * step, : inner[0] * step], inner, interpolation=cv2.INTER_AREA), np.uint8
            )
            # A halved picture's pixel lies in the middle of those that it stands for.
            undo = np.array([[step, 0, left + (step - 1) / 2], [0, step, top + (step - 1) / 2], [0, 0, 1.0]])
            matrix = matrix @ undo
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8)


def placed(heatmaps: Float) -> Float:
    """Joints float32 (n, k, 3) by logits (n, k, h, w): x and y in the crop's pixels, confidence in [0, 1].

    A joint lies at the mean of the probability (softmax over the map) around the likeliest cell, three cells to each
    side; its confidence is the probability that lies there.
    """
    n, k, height, width = heatmaps.shape
    flat = heatmaps.reshape(n, k, -1)
    peak = flat.argmax(axis=2)
    share = np.exp(flat - flat.max(axis=2, keepdims=True))
    share = (share / share.sum(axis=2, keepdims=True)).reshape(heatmaps.shape)
    near_y = np.abs(np.arange(height) - (peak // width)[..., None]) <= _REACH
    near_x = np.abs(np.arange(width) - (peak % width)[..., None]) <= _REACH
    share = share * near_y[..., :, None] * near_x[..., None, :]
    mass = share.sum(axis=(2, 3))
    # A cell's middle, where the first pixel's middle is 0.
    at_x, at_y = ((np.arange(length) + 0.5) * STRIDE - 0.5 for length in (width, height))
    x, y = share.sum(axis=2) @ at_x / mass, share.sum(axis=3) @ at_y / mass
    return np.stack([x, y, mass], axis=2).astype(np.float32)


class JointFinder:
    """Places COCO's 17 keypoints of people whose boxes are known.

    ``weights`` is a file of ours; ``device`` is "cpu" (OpenVINO), or torch's "cuda", "cuda:1", ... or "torch" (a CPU);
    ``threads`` limits OpenVINO's threads.
    """

    def __init__(self, weights: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        self._runtime = pictures_runtime(weights, SIZE, device=device, threads=threads)

    def find(self, image: Image, xyxy: Float) -> Float:
        """Joints float32 (n, 17, 3) of the people in boxes ``xyxy`` (n, 4) of a uint8 (H, W, 3) BGR image.

        x and y are pixels of the image, the third is the confidence that the joint lies there, in [0, 1]; it may lie
        outside of box and image. The order is COCO's.
        """
        return self.find_in([image], [xyxy])[0]

    def find_in(self, images: Sequence[Image], xyxy: Sequence[Float]) -> list[Float]:
        """The same for several images, each with its boxes, looked at together: one answer an image."""
        counts = [len(boxes) for boxes in xyxy]
        if not sum(counts):
            return [np.zeros((0, KEYPOINTS, 3), np.float32) for _ in counts]
        matrices = np.stack([crop_matrix(box) for boxes in xyxy for box in boxes])
        owners = np.repeat(np.arange(len(counts)), counts).tolist()
        (heatmaps,) = self._runtime.run(
            np.stack([cropped(images[owner], matrix) for owner, matrix in zip(owners, matrices, strict=True)])
        )
        joints = placed(heatmaps)
        joints[..., :2] = (joints[..., :2] - matrices[:, None, :, 2]) / matrices[:, None, :1, 0]
        return np.split(joints, np.cumsum(counts)[:-1])


class PosedDetector:
    """A detector of people that knows their joints too: the boxes of ``detector``, the joints of ``joints``."""

    def __init__(self, detector: PersonDetector, joints: JointFinder) -> None:
        self._detector, self._joints = detector, joints

    def detect(self, images: Sequence[Image], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels, with ``keypoints`` (n, 17, 3)."""
        found = self._detector.detect(images, min_confidence)
        joints = self._joints.find_in(images, [boxes.xyxy for boxes in found])
        return [Boxes(each.xyxy, each.confidence, points) for each, points in zip(found, joints, strict=True)]


def open_joint_finder(name: str = ACTIVE, *, device: str = "cpu", threads: int | None = None) -> JointFinder:
    """Open a network for joints: ``active`` (what is promoted, else what Aisle ships), a name, or a file of ours.

    Raises ``UnknownWeightsError`` for a name that is neither, and what ``models.registry.fetch`` raises.
    """
    path = own_weights(name, "joints", "places no joints", "aisle-joints")
    return JointFinder(path, device=device, threads=threads)
