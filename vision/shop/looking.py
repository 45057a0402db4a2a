"""Looks for people in the pictures of a shop's cameras; where nothing moves they are where they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.stillness import MotionGate
from models.boxes import Boxes

Image = NDArray[np.uint8]
Find = Callable[[Sequence[tuple[str, float]], Sequence[Image]], list[Boxes]]
"""The people in pictures (H, W, 3) BGR, each given with its camera and its time in seconds."""


class StillLooker:
    """Asks ``find`` of pictures in which something moves, by ``cameras.stillness``; of a camera's others it gives what
    was found last.

    ``looked`` counts the pictures that were looked at, ``still`` the others.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self.reset()

    def reset(self) -> None:
        """Forget every picture."""
        self._gates: dict[str, MotionGate] = {}
        self._found: dict[str, Boxes] = {}
        self.looked = self.still = 0

    def find(self, keys: Sequence[tuple[str, float]], images: Sequence[Image]) -> list[Boxes]:
        """The people in ``images``, as ``find`` would tell them; pictures of a camera must come in order of time."""
        wanted = []
        for place, ((camera, time_s), image) in enumerate(zip(keys, images, strict=True)):
            gate = self._gates.setdefault(camera, MotionGate())
            luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
            if gate.update(luma, time_s) or camera not in self._found:
                wanted.append(place)
        found = self._find([keys[place] for place in wanted], [images[place] for place in wanted]) if wanted else []
        self._found |= {keys[place][0]: boxes for place, boxes in zip(wanted, found, strict=True)}
        self.looked += len(wanted)
        self.still += len(keys) - len(wanted)
        return [self._found[camera] for camera, _ in keys]
