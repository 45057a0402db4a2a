"""The only kind of picture that may be stored or shown: one in which every head was blurred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
_SEAL: Final = object()


@dataclass(frozen=True, slots=True, eq=False)
class BlurredPicture:
    """A picture without recognisable people: ``image`` uint8 (H, W, 3) BGR, read-only.

    ``vision.blur.PictureBlur`` makes it, nothing else does: whatever draws, records, encodes or keeps pictures takes
    this type, so that no picture gets there on another way. Raises ``TypeError`` when made by hand.
    """

    image: Image
    camera: str
    captured_at: float
    seal: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("a BlurredPicture comes from vision.blur.PictureBlur only: blur the frame with it")
        self.image.flags.writeable = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def drawn(self, draw: Callable[[Image], object]) -> BlurredPicture:
        """A copy on which ``draw`` has drawn; it is given the copy's pixels to change in place."""
        image = self.image.copy()
        draw(image)
        return BlurredPicture(image, self.camera, self.captured_at, _SEAL)

    def cropped(self, region: tuple[int, int, int, int], longest: int) -> BlurredPicture:
        """A copy of the part x1, y1, x2, y2 (whole pixels, inside), shrunk so that no side is over ``longest``."""
        x1, y1, x2, y2 = region
        part = self.image[y1:y2, x1:x2]
        if part.size == 0:
            raise ValueError(f"the region {region} holds no pixel of a picture of {self.size}")
        share = longest / max(x2 - x1, y2 - y1)
        if share < 1:
            size = max(1, round((x2 - x1) * share)), max(1, round((y2 - y1) * share))
            part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        return BlurredPicture(part.copy(), self.camera, self.captured_at, _SEAL)


def blurred(image: Image, camera: str, captured_at: float) -> BlurredPicture:
    """Seal pixels that are blurred already. For ``vision.blur`` alone."""
    return BlurredPicture(image, camera, captured_at, _SEAL)


def median_picture(pictures: Sequence[BlurredPicture]) -> BlurredPicture:
    """The median of every pixel over pictures of one size, with the camera and the time of the last.

    Raises ``ValueError`` for no picture.
    """
    only_blurred(*pictures)
    if not pictures:
        raise ValueError("the median of no picture is not defined")
    image = np.empty_like(pictures[0].image)
    # By rows, since a stack of large pictures would take many times their memory when it is sorted.
    for row in range(0, len(image), 64):
        stack = np.stack([picture.image[row : row + 64] for picture in pictures])
        image[row : row + 64] = np.partition(stack, len(stack) // 2, axis=0)[len(stack) // 2]
    return blurred(image, pictures[-1].camera, pictures[-1].captured_at)


def only_blurred(*pictures: object) -> None:
    """Raise ``TypeError`` for anything but blurred pictures: the type checker's rule, kept at run time too."""
    for picture in pictures:
        if not isinstance(picture, BlurredPicture):
            raise TypeError(
                f"only a BlurredPicture may be shown or stored, got {type(picture).__name__}: "
                "blur the frame with vision.blur.PictureBlur first"
            )
