"""People cut out of a dataset with their joints, one to a square crop, kept on disk; and how a crop is varied.

crops.npy     uint8 (n, 160, 160, 3) RGB
joints.npy    float32 (n, 17, 3), x and y in pixels of the crop, COCO's visibility
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.sample import Dataset, Sample
from models.joints import KEYPOINTS, MARGIN, PADDING, SIZE, crop_matrix, cropped
from training.errors import DataError
from training.people_views import lit, shares

Image = NDArray[np.uint8]
Float = NDArray[np.float32]
Person = tuple[Image, Float]
"""A picture and its joints (17, 3)."""

CROPS: Final = "crops.npy"
JOINTS: Final = "joints.npy"
KEY: Final = "made-of.json"
KEPT: Final = 160
"""Crops are kept larger than the network's input, at the same scale, to be turned and moved."""
_LEAST_SIDES: Final = (8.0, 24.0)  # pixels that the shorter and the longer side of a box must have
_LEAST_SEEN: Final = 0.2
# COCO's keypoints when left and right are exchanged: nose, then eyes, ears, shoulders, elbows, wrists, hips, ...
MIRRORED: Final = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)


@dataclass(frozen=True, slots=True, eq=False)
class JointCrops:
    """n people: ``pictures`` memory-mapped uint8 (n, 160, 160, 3), ``joints`` float32 (n, 17, 3)."""

    pictures: Image
    joints: Float

    def __len__(self) -> int:
        return len(self.joints)

    @classmethod
    def open(cls, folder: Path) -> JointCrops:
        """The crops in ``folder``, which must be whole."""
        return cls(np.load(folder / CROPS, mmap_mode="r"), np.load(folder / JOINTS))

    def person(self, place: int) -> Person:
        """One of them."""
        return np.asarray(self.pictures[place]), self.joints[place]

    def drawn(self, rng: np.random.Generator) -> Person:
        """Anyone."""
        return self.person(int(rng.integers(len(self))))


def made(
    folder: Path, datasets: Sequence[Dataset], *, key: dict[str, object], progress: Callable[[int, int], None]
) -> JointCrops:
    """The crops of ``datasets`` in ``folder``, made where they are missing or were made of something else (``key``).

    Of datasets that are split it is made of "train". Left out are people whose box is less than 24 pixels long or 8
    wide, and of whom less than a fifth is seen. Raises ``DataError`` where nobody with labelled joints is left.
    """
    said = json.dumps(key, sort_keys=True, default=str)
    if (folder / KEY).is_file() and (folder / KEY).read_text(encoding="utf-8") == said:
        return JointCrops.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEY).unlink(missing_ok=True)
    samples = [each for dataset in datasets for each in dataset.samples() if each.split in ("", "train") and len(each)]
    wanted = [asked(sample) for sample in samples]
    count = sum(map(len, wanted))
    if not count:
        raise DataError("nobody with labelled joints is large enough to be learned from; `aisle datasets info` counts")
    pictures = np.lib.format.open_memmap(folder / CROPS, mode="w+", dtype=np.uint8, shape=(count, KEPT, KEPT, 3))
    joints, done = np.zeros((count, KEYPOINTS, 3), np.float32), 0
    for number, (sample, people) in enumerate(zip(samples, wanted, strict=True), 1):
        image = sample.picture.read() if len(people) else None
        for person in people:
            assert image is not None
            assert sample.keypoints is not None
            matrix = crop_matrix(inside(sample)[person], KEPT, MARGIN * KEPT / SIZE)
            pictures[done] = cropped(image, matrix, KEPT)
            points = sample.keypoints[person]
            joints[done, :, :2] = points[:, :2] * matrix[0, 0] + matrix[:, 2]
            joints[done, :, 2] = points[:, 2]
            done += 1
        progress(number, len(samples))
    joints[joints[..., 2] == 0] = 0
    pictures.flush()
    np.save(folder / JOINTS, joints)
    (folder / KEY).write_text(said, encoding="utf-8")
    return JointCrops.open(folder)


def asked(sample: Sample) -> NDArray[np.int64]:
    """The places of the people of a picture who are learned from."""
    if sample.keypoints is None:
        return np.zeros(0, np.int64)
    sides = np.sort(inside(sample)[:, 2:] - inside(sample)[:, :2], axis=1)
    large = (sides >= _LEAST_SIDES).all(axis=1)
    seen = shares(sample.details, len(sample)) >= _LEAST_SEEN
    return np.flatnonzero(large & seen & sample.counted & (sample.keypoints[..., 2] > 0).any(axis=1))


def inside(sample: Sample) -> Float:
    """Boxes (n, 4), clipped to the picture as a detector's are."""
    return np.clip(sample.xyxy, 0, [*sample.size, *sample.size]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Variation:
    """How a crop is varied: deviations of scale (of its logarithm), turn in radians and place (of the input's side);
    strength of changes of light; share of crops of which a patch is covered.
    """

    scale: float = 0.13
    turn: float = 0.2
    move: float = 0.05
    light: float = 0.8
    covered: float = 0.3

    def draw(self, picture: Image, joints: Float, rng: np.random.Generator) -> tuple[Image, Float]:
        """A kept crop as the network's input uint8 (128, 128, 3), with its joints (17, 3)."""
        scale, angle = math.exp(rng.normal(0, self.scale)), rng.normal(0, self.turn)
        mirror = rng.random() < 0.5
        turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        if mirror:
            turn = turn @ np.diag([-1.0, 1.0])
        middle = SIZE / 2 + rng.normal(0, self.move * SIZE, 2)
        matrix = np.concatenate([turn, (middle - turn @ np.full(2, KEPT / 2))[:, None]], axis=1)
        varied = lit(_warped(picture, matrix), self.light, rng)
        if rng.random() < self.covered:
            width, height = rng.integers(8, 44, 2)
            x, y = rng.integers(0, SIZE - 8, 2)
            varied[y : y + height, x : x + width] = rng.integers(0, 256, 3)
        return varied, _moved(joints, matrix, mirror)


def plain(picture: Image, joints: Float) -> tuple[Image, Float]:
    """A kept crop as the network's input in use, with its joints."""
    matrix = np.array([[1.0, 0.0, (SIZE - KEPT) / 2], [0.0, 1.0, (SIZE - KEPT) / 2]])
    return _warped(picture, matrix), _moved(joints, matrix, False)


def _warped(picture: Image, matrix: NDArray[np.float64]) -> Image:
    return np.asarray(cv2.warpAffine(picture, matrix, (SIZE, SIZE), borderValue=(PADDING,) * 3), np.uint8)


def _moved(joints: Float, matrix: NDArray[np.float64], mirror: bool) -> Float:
    moved = joints.copy()
    moved[:, :2] = joints[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    within = ((moved[:, :2] >= 0) & (moved[:, :2] <= SIZE - 1)).all(axis=1)
    moved[~within | (joints[:, 2] == 0)] = 0
    return moved[list(MIRRORED)] if mirror else moved
