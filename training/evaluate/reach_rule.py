"""A plain rule to compare the reach model with: how the middle of a clip looks before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.reach_clips import read_clips
from models.reach import CLASSES, SIDE_PX
from training.reach_batches import ReachBatches

Float = NDArray[np.float64]

_MIDDLE = slice(SIDE_PX // 2 - 12, SIDE_PX // 2 + 12)


class DifferenceRule:
    """A logistic rule on four numbers of a clip: how much its middle changed from the first picture to the last, if
    it became brighter, how much changed around it, and how much the middle moved meanwhile.
    """

    def __init__(self, weights: Float) -> None:
        self._weights = weights

    @classmethod
    def fitted(cls, clips: NDArray[np.uint8], label: NDArray[np.int64], steps: int = 2000) -> Self:
        """The rule that fits ``clips`` (n, *SHAPE) and their ``label`` (n,) best, by gradient descent."""
        x, y = _features(clips), np.eye(len(CLASSES))[label]
        weights = np.zeros((x.shape[1], len(CLASSES)))
        for _ in range(steps):
            weights -= x.T @ (np.exp(_log_softmax(x @ weights)) - y) * (0.3 / len(x))
        return cls(weights)

    @classmethod
    def of_folder(cls, folder: Path, batches: int = 20, size: int = 48) -> Self:
        """The rule that fits windows of a folder of clips best, as the network sees them. Raises ``ReachClipError``."""
        drawn = ReachBatches([(folder, read_clips(folder))], size=size, seed=0)
        few = [drawn(step) for step in range(batches)]
        clips, label = (np.concatenate([each[name].numpy() for each in few]) for name in ("clips", "label"))
        return cls.fitted(clips, label)

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Log-probabilities (n, 3)."""
        return _log_softmax(_features(clips) @ self._weights).astype(np.float32)


def _features(clips: NDArray[np.uint8]) -> Float:
    grey = clips[..., :3].mean(axis=4) / 255
    grey -= grey.mean(axis=(2, 3), keepdims=True)
    middle = grey[:, :, _MIDDLE, _MIDDLE]
    change = middle[:, -1] - middle[:, 0]
    around = np.abs(grey[:, -1] - grey[:, 0]).mean(axis=(1, 2))
    moved = np.abs(middle[:, 1:-1] - middle[:, [0]]).mean(axis=(1, 2, 3))
    columns = [np.abs(change).mean(axis=(1, 2)), change.mean(axis=(1, 2)), around, moved]
    return np.column_stack([np.ones(len(clips)), 10 * np.column_stack(columns)])


def _log_softmax(x: Float) -> Float:
    x = x - x.max(axis=1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=1, keepdims=True)))
