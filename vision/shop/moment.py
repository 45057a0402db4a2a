"""What all cameras of a shop show at about one time, once everybody in it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vision.detections import Detections
from vision.floor.tracks import FloorTracks
from vision.shop.covered import covered

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SeenPicture:
    """One camera's picture.

    ``captured_at`` seconds, UTC, on the shop's clock (the camera's own offset taken off); ``image`` uint8 (H, W, 3)
    BGR; ``people`` the n people found in it, with ``keypoints`` where joints were looked for; ``owner`` int64 (n,) the
    floor track of each, 0 for nobody's.
    """

    captured_at: float
    image: Image
    people: Detections
    owner: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.owner.shape != (len(self.people),):
            raise ValueError(f"owner must have shape ({len(self.people)},), got {self.owner.shape}")

    @cached_property
    def covered(self) -> Image:
        """A mask (H, W), 255 where somebody may hide what is behind; drawn once, for several stages ask."""
        height, width = self.image.shape[:2]
        return covered(self.people, (height, width))


@dataclass(frozen=True, slots=True, eq=False)
class ShopMoment:
    """All pictures that belong to ``time_s`` (seconds, UTC), by camera, and who is on the floor then."""

    time_s: float
    pictures: Mapping[str, SeenPicture]
    tracks: FloorTracks
