"""Who is where on the floor at one moment: parallel arrays, validated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Index = NDArray[np.bool_] | NDArray[np.int64] | slice


@dataclass(frozen=True, slots=True, eq=False)
class FloorTracks:
    """n people on the floor.

    ``track_id`` int64 (n,) counted per tracker from 1; ``xy`` (n, 2) metres with ``covariance`` (n, 2, 2); ``velocity``
    (n, 2) metres a second; ``confidence`` (n,) the probability in [0, 1] that somebody is there; ``cameras`` bool
    (n, c) which of the tracker's cameras saw them at this moment; ``wrists`` (n, 2, 3) left and right in metres, NaN
    where unknown. Raises ``ValueError`` when shapes disagree.
    """

    track_id: NDArray[np.int64]
    xy: Float
    covariance: Float
    velocity: Float
    confidence: Float
    cameras: NDArray[np.bool_]
    wrists: Float

    def __post_init__(self) -> None:
        n = len(self.track_id)
        shapes = {
            "track_id": (n,),
            "xy": (n, 2),
            "covariance": (n, 2, 2),
            "velocity": (n, 2),
            "confidence": (n,),
            "cameras": (n, self.cameras.shape[-1]),
            "wrists": (n, 2, 3),
        }
        for name, shape in shapes.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {found}")

    def __len__(self) -> int:
        return len(self.track_id)

    def __getitem__(self, index: Index) -> Self:
        return type(self)(*(getattr(self, name)[index] for name in self.__slots__))

    @classmethod
    def empty(cls, cameras: int = 0) -> Self:
        """No one, seen by none of ``cameras`` cameras."""
        return cls.of(
            np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros((0, 4, 4)), np.zeros(0), np.zeros((0, cameras), np.bool_)
        )

    @classmethod
    def of(
        cls, track_id: NDArray[np.int64], state: Float, variance: Float, confidence: Float, cameras: NDArray[np.bool_]
    ) -> Self:
        """From states (n, 4+) x, y, vx, vy, ... with their covariances (n, 4+, 4+); wrists unknown."""
        return cls(
            track_id,
            state[:, :2],
            variance[:, :2, :2],
            state[:, 2:4],
            confidence,
            cameras,
            np.full((len(track_id), 2, 3), np.nan),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FloorMoment:
    """The people at ``time_s`` seconds; ``staff`` has by track the probability that the visit is staff's, as far as it
    is known by then, and nobody where pictures were not searched for the staff's vest.
    """

    time_s: float
    tracks: FloorTracks
    staff: Mapping[int, float] = field(default_factory=dict)
