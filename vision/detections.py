"""What was found in one frame, and what is followed from frame to frame: parallel arrays, validated once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Index = NDArray[np.bool_] | NDArray[np.int64] | slice


def _check(name: str, array: NDArray[np.generic], expected: tuple[int | None, ...]) -> None:
    shape = array.shape
    if shape == expected:
        return
    if len(shape) != len(expected) or any(e is not None and e != s for e, s in zip(expected, shape, strict=True)):
        wanted = ", ".join("?" if e is None else str(e) for e in expected)
        raise ValueError(f"{name} must have shape ({wanted}), got {shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """People found in one frame.

    ``xyxy`` float32 (n, 4) pixels, ``confidence`` float32 (n,) in [0, 1], ``keypoints`` float32 (n, 17, 3) as x, y in
    pixels and a confidence, or None, ``embedding`` float32 (n, d) appearance vectors or None, ``vest`` float32 (n,) the
    share of each torso that is of the colour of the staff's vest, NaN where it is not seen, or None. Indexing with a
    mask, an index array or a slice gives the subset. Raises ``ValueError`` when shapes disagree.
    """

    xyxy: Float
    confidence: Float
    keypoints: Float | None = None
    embedding: Float | None = None
    vest: Float | None = None

    def __post_init__(self) -> None:
        n = len(self.confidence)
        _check("xyxy", self.xyxy, (n, 4))
        _check("confidence", self.confidence, (n,))
        if self.keypoints is not None:
            _check("keypoints", self.keypoints, (n, 17, 3))
        if self.embedding is not None:
            _check("embedding", self.embedding, (n, None))
        if self.vest is not None:
            _check("vest", self.vest, (n,))

    def __len__(self) -> int:
        return len(self.confidence)

    def __getitem__(self, index: Index) -> Self:
        return type(self)(
            self.xyxy[index],
            self.confidence[index],
            None if self.keypoints is None else self.keypoints[index],
            None if self.embedding is None else self.embedding[index],
            None if self.vest is None else self.vest[index],
        )

    @classmethod
    def empty(cls) -> Self:
        """No one."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Confirmed people in one frame.

    ``track_id`` int64 (n,) counted per tracker from 1, ``xyxy`` float32 (n, 4) pixels, ``confidence`` float32 (n,).
    """

    track_id: NDArray[np.int64]
    xyxy: Float
    confidence: Float

    def __post_init__(self) -> None:
        n = len(self.track_id)
        if self.track_id.shape == self.confidence.shape == (n,) and self.xyxy.shape == (n, 4):
            return
        _check("track_id", self.track_id, (n,))
        _check("xyxy", self.xyxy, (n, 4))
        _check("confidence", self.confidence, (n,))

    def __len__(self) -> int:
        return len(self.track_id)

    def __getitem__(self, index: Index) -> Self:
        return type(self)(self.track_id[index], self.xyxy[index], self.confidence[index])

    @classmethod
    def empty(cls) -> Self:
        """No one."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


def foot_points(xyxy: Float) -> Float:
    """Where people stand: the middle of each box's lower edge, (n, 2) pixels from (n, 4)."""
    return np.column_stack([(xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3]]).astype(np.float32)
