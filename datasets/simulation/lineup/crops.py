"""People cut out of pictures, in one size, with what is known of each; and how they are kept on disk."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE: Final = (80, 160)  # of a cut-out, (width, height)
ROUND: Final = 0.125  # of a box's sides is added on each of its sides
PICTURES, FACTS = "crops.npy", "facts.npz"


class CropsError(ValueError):
    """A folder holds no whole set of cut-outs; the message says which file and why."""


@dataclass(frozen=True, eq=False)
class Crops:
    """n cut-outs of people.

    ``image`` uint8 (n, 160, 80, 3) RGB: the box of what is seen of a person and an eighth of its sides around it,
    stretched; the box is the inner four fifths. ``person``, ``camera``, ``moment`` int64 (n,): who, by which camera,
    when. ``share`` (n,) of the body that is seen, ``height_px`` (n,) of the box, ``elevation_deg`` (n,) of the camera
    over the person's middle: 0 level, 90 straight overhead.
    """

    image: NDArray[np.uint8]
    person: NDArray[np.int64]
    camera: NDArray[np.int64]
    moment: NDArray[np.int64]
    share: NDArray[np.float32]
    height_px: NDArray[np.float32]
    elevation_deg: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.image)
        if self.image.shape[1:] != (SIZE[1], SIZE[0], 3) or self.image.dtype != np.uint8:
            raise CropsError(f"cut-outs are uint8 (n, {SIZE[1]}, {SIZE[0]}, 3), found {self.image.shape}")
        for field in fields(self)[1:]:
            shape = getattr(self, field.name).shape
            if shape != (n,):
                raise CropsError(f"{n} cut-outs need {n} values of {field.name}, found {shape}")

    def __len__(self) -> int:
        return len(self.image)

    def write(self, folder: Path) -> None:
        """Write two files into ``folder``; whoever has mapped earlier ones keeps them."""
        parts = {name: folder / f".part-{name}" for name in (PICTURES, FACTS)}
        np.save(parts[PICTURES], self.image)
        np.savez(parts[FACTS], **{field.name: getattr(self, field.name) for field in fields(self)[1:]})
        for name, part in parts.items():
            part.replace(folder / name)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what was written; pictures stay on disk until they are looked at. Raises ``CropsError``."""
        try:
            image = np.load(folder / PICTURES, mmap_mode="r")
            with np.load(folder / FACTS) as facts:
                return cls(image, **{field.name: facts[field.name] for field in fields(cls)[1:]})
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise CropsError(f"{folder} holds no whole set of cut-outs ({error}): remove it, it is made anew") from None


def cut(image: NDArray[np.uint8], xyxy: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The cut-outs uint8 (n, 160, 80, 3) RGB of boxes (n, 4) in a uint8 (H, W, 3) BGR image.

    What lies outside of the image repeats its edge.
    """
    found = np.empty((len(xyxy), SIZE[1], SIZE[0], 3), np.uint8)
    height, width = image.shape[:2]
    for row, (x1, y1, x2, y2) in enumerate(np.asarray(xyxy, np.float64).tolist()):
        wide, high = max(x2 - x1, 2.0), max(y2 - y1, 2.0)
        left, top = round(x1 - ROUND * wide), round(y1 - ROUND * high)
        right, bottom = round(x2 + ROUND * wide), round(y2 + ROUND * high)
        inside: Any = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        if not inside.size:
            found[row] = 0
            continue
        edges = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
        if any(edges):
            inside = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE)
        shrinks = inside.shape[0] > SIZE[1] or inside.shape[1] > SIZE[0]
        sized = cv2.resize(inside, SIZE, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        found[row] = cv2.cvtColor(sized, cv2.COLOR_BGR2RGB)
    return found
