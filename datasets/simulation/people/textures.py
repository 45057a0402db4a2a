"""Painted surfaces: skin, hair, cloth. All sRGB + alpha uint8 (SIZE, SIZE, 4), v down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 256
Texture = NDArray[np.uint8]
Colour = tuple[int, int, int]


def plain(colour: Colour, rng: np.random.Generator, grain: float = 0.04) -> Texture:
    """One colour with ``grain``, a relative deviation per pixel."""
    noise = 1.0 + grain * rng.standard_normal((SIZE, SIZE, 1))
    return finished(np.array(colour, np.float64) * noise)


def finished(rgb: NDArray[np.float64]) -> Texture:
    """SRGB values 0..255 (SIZE, SIZE, 3) as an opaque texture."""
    out = np.full((SIZE, SIZE, 4), 255, np.uint8)
    out[..., :3] = np.clip(np.round(rgb), 0, 255)
    return out
