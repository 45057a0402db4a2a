"""What people wear, as colours: short vectors that tell people in one picture apart for the length of a visit.

No network and nothing of the face: three bands of the body, hue and saturation where there is colour, brightness.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_SIZE: Final = (16, 48)  # width, height of the sampled body
_BANDS: Final = ((2, 10), (10, 26), (26, 46))  # rows: head and neck, trunk, legs
_HUES, _SATURATIONS, _VALUES = 8, 3, 8
_BINS: Final = _HUES * _SATURATIONS + _VALUES
_SIDE: Final = 0.15  # the share of the width at either side that is mostly background


def colour_embedding(image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour vectors of the people in ``xyxy`` (n, 4) of a uint8 (H, W, 3) BGR image: (n, 96), each of length 1.

    Square roots of histograms, so that the scalar product of two is their mean Bhattacharyya coefficient
    (Kailath 1967); 1 minus it is near 0 for the same clothes.
    """
    n = len(xyxy)
    if not n:
        return np.zeros((0, len(_BANDS) * _BINS), np.float32)
    height, width = image.shape[:2]
    margin = (xyxy[:, 2] - xyxy[:, 0]) * _SIDE
    x1 = np.clip(xyxy[:, 0] + margin, 0, width - 2).astype(int)
    y1 = np.clip(xyxy[:, 1], 0, height - 2).astype(int)
    x2 = np.maximum(np.clip(xyxy[:, 2] - margin, 0, width).astype(int), x1 + 1)
    y2 = np.maximum(np.clip(xyxy[:, 3], 0, height).astype(int), y1 + 1)
    bodies = np.concatenate(
        [
            cv2.resize(image[b:d, a:c], _SIZE, interpolation=cv2.INTER_AREA)
            for a, b, c, d in zip(x1.tolist(), y1.tolist(), x2.tolist(), y2.tolist(), strict=True)
        ]
    )
    hsv = cv2.cvtColor(bodies, cv2.COLOR_BGR2HSV).reshape(n, _SIZE[1], _SIZE[0], 3)
    hue = hsv[..., 0].astype(np.intp) * _HUES // 180
    saturation, value = hsv[..., 1] / 255.0, hsv[..., 2] / 255.0
    colour = hue * _SATURATIONS + np.minimum((saturation * _SATURATIONS).astype(np.intp), _SATURATIONS - 1)
    brightness = np.minimum((value * _VALUES).astype(np.intp), _VALUES - 1)
    chroma = saturation * value
    parts = []
    for top, bottom in _BANDS:
        strength = np.asarray(chroma[:, top:bottom], np.float64)
        colours = _histograms(colour[:, top:bottom], strength, _HUES * _SATURATIONS)
        # A grey body has no hue to speak of: its colours count only as far as there are any.
        parts.append(colours * np.minimum(1.0, 4 * strength.mean(axis=(1, 2)))[:, None])
        parts.append(_histograms(brightness[:, top:bottom], np.ones_like(strength), _VALUES))
    vector = np.sqrt(np.concatenate(parts, axis=1))
    return np.asarray(vector / np.linalg.norm(vector, axis=1, keepdims=True), np.float32)


def _histograms(index: NDArray[np.intp], weight: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """One histogram for each of n bodies, each with sum 1 (or 0 where all weights are): (n, bins)."""
    n = len(index)
    flat = (index + np.arange(n)[:, None, None] * bins).ravel()
    counts = np.bincount(flat, weights=weight.ravel(), minlength=n * bins).reshape(n, bins)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-6))
