"""Whether a hand holds a product: a network that looks at the picture around one wrist at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.registry import ACTIVE, own_weights
from models.runtimes import pictures_runtime

Image = NDArray[np.uint8]
Float = NDArray[np.floating]

OUTPUTS: Final = ("logits",)
SIZE: Final = 48
"""The network's input is square."""
ACROSS_M: Final = 0.45
"""How much of the shop a crop shows, at the wrist."""
WRIST: Final = (0.5, 0.71)
"""Where the wrist is, in shares of the crop; the elbow is straight below it, the hand above."""
PADDING: Final = 127
_SHORTEST_PX: Final = 1e-3  # of a forearm whose direction means something


def hand_matrix(wrist: Float, elbow: Float, pixels_per_metre: float, size: int = SIZE) -> NDArray[np.float64]:
    """The affine map (2, 3) of a picture's pixels to those of a hand's crop, in which the forearm points upwards.

    ``wrist`` and ``elbow`` (2,) are pixels; a metre across the view measures ``pixels_per_metre`` at the wrist. A crop
    of another ``size`` than the network's shows more at the same scale, around the same middle.
    """
    way = np.asarray(wrist, np.float64) - np.asarray(elbow, np.float64)
    length = float(np.hypot(*way))
    along = way / length if length > _SHORTEST_PX else np.array([0.0, -1.0])
    scale = SIZE / (ACROSS_M * max(pixels_per_metre, 1.0))
    # A turn that takes ``along`` to (0, -1), the crop's up.
    turn = scale * np.array([[-along[1], along[0]], [-along[0], -along[1]]])
    at = np.array(WRIST) * SIZE + (size - SIZE) / 2
    return np.concatenate([turn, (at - turn @ np.asarray(wrist, np.float64))[:, None]], axis=1)


def cut_hand(image: Image, matrix: NDArray[np.float64], size: int = SIZE) -> Image:
    """The crop uint8 (size, size, 3) RGB of a BGR image; what lies outside of the image is grey."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    step = 1
    while scale * step <= 0.5:
        step *= 2
    if step > 1:
        # Linear interpolation looks at two neighbours only: what becomes smaller is averaged first, where it is seen.
        corners = np.array([[0.0, 0.0], [size, 0.0], [0.0, size], [size, size]]) - matrix[:, 2]
        seen = corners @ np.linalg.inv(matrix[:, :2]).T
        left, top = (int(max(np.floor(v / step) * step, 0)) for v in seen.min(axis=0))
        right, bottom = (int(np.ceil(v)) + step for v in seen.max(axis=0))
        part = image[top : max(bottom, 0), left : max(right, 0)]
        if min(part.shape[:2]) >= step:
            inner = part.shape[1] // step, part.shape[0] // step
            whole = part[: inner[1] * step, : inner[0] * step]
            image = np.asarray(cv2.resize(whole, inner, interpolation=cv2.INTER_AREA), np.uint8)
            # A smaller picture's pixel lies in the middle of those that it stands for.
            undo = np.array([[step, 0, left + (step - 1) / 2], [0, step, top + (step - 1) / 2], [0, 0, 1.0]])
            matrix = matrix @ undo
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8)


def cut_hands(image: Image, wrists: Float, elbows: Float, pixels_per_metre: Float) -> Image:
    """Crops uint8 (n, 48, 48, 3) RGB of hands, as ``HandReader.evidence`` takes them."""
    crops = [
        cut_hand(image, hand_matrix(wrist, elbow, float(scale)))
        for wrist, elbow, scale in zip(wrists, elbows, pixels_per_metre, strict=True)
    ]
    return np.stack(crops) if crops else np.zeros((0, SIZE, SIZE, 3), np.uint8)


class HandReader:
    """Tells whether hands hold a product. The handle of a basket, a trolley or a bag is none.

    ``weights`` is a file of ours; ``device`` is "cpu" (OpenVINO), or torch's "cuda", "cuda:1", ... or "torch" (a CPU);
    ``threads`` limits OpenVINO's threads.
    """

    def __init__(self, weights: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        self._runtime = pictures_runtime(weights, SIZE, device=device, threads=threads)

    def evidence(self, crops: Image) -> NDArray[np.float32]:
        """How much likelier each crop (n, 48, 48, 3) is where the hand holds something than where it does not.

        Natural logarithms of the ratio, float32 (n,): 0 says nothing, where a hand is out of sight.
        """
        if not len(crops):
            return np.zeros(0, np.float32)
        (logits,) = self._runtime.run(crops)
        return np.asarray(logits.reshape(-1), np.float32)

    def read(self, image: Image, wrists: Float, elbows: Float, pixels_per_metre: Float) -> NDArray[np.float32]:
        """The probability float32 (n,) that each hand holds something, were half of all hands to do so.

        ``wrists`` and ``elbows`` (n, 2) are pixels of the uint8 (H, W, 3) BGR image, ``pixels_per_metre`` (n,) what a
        metre across the view measures there.
        """
        found = self.evidence(cut_hands(image, wrists, elbows, pixels_per_metre))
        return np.asarray(1.0 / (1.0 + np.exp(-found)), np.float32)


def open_hand_reader(name: str = ACTIVE, *, device: str = "cpu", threads: int | None = None) -> HandReader:
    """Open a network for hands: ``active`` (what is promoted, else what Aisle ships), a name, or a file of ours.

    Raises ``UnknownWeightsError`` for a name that is neither, and what ``models.registry.fetch`` raises.
    """
    path = own_weights(name, "hands", "reads no hands", "aisle-hands")
    return HandReader(path, device=device, threads=threads)
