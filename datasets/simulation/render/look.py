"""How each camera turns light into a picture."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class CameraLook:
    """The manners of one camera.

    ``exposure`` and ``white_balance`` (red, green, blue) are linear factors; ``wobble`` is by how much the automatic
    exposure wanders. ``noise`` is the standard deviation of full white, ``dark_noise`` that of black, in linear light;
    ``colour_noise`` the share of it in colour. ``softness_px`` is the lens's and ``halo`` the strength of the camera's
    sharpening; ``vignetting`` is what the corners lose; ``saturation`` 1 is as it is. The shutter is open for
    ``shutter_s``. ``jpeg_quality`` None gives no JPEG.
    """

    exposure: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    wobble: float = 0.02
    noise: float = 0.03
    dark_noise: float = 0.004
    colour_noise: float = 0.5
    softness_px: float = 0.8
    halo: float = 0.35
    vignetting: float = 0.25
    saturation: float = 0.95
    shutter_s: float = 1 / 50
    jpeg_quality: int | None = 84


def camera_look(seed: int, camera: str) -> CameraLook:
    """The look of ``camera`` in the shop of ``seed``: cameras of one shop are of a kind, each a little different."""
    shop = np.random.default_rng([seed, 71])
    own = np.random.default_rng([seed, 72, zlib.crc32(camera.encode())])
    warmth = shop.normal(0.0, 0.05) + own.normal(0.0, 0.015)
    noise = shop.uniform(0.010, 0.026)
    quality = int(shop.integers(76, 90))
    return CameraLook(
        exposure=float(shop.uniform(0.92, 1.12) * own.uniform(0.95, 1.05)),
        white_balance=(float(1.0 + warmth), 1.0, float(1.0 - warmth)),
        wobble=float(own.uniform(0.008, 0.025)),
        noise=float(noise * own.uniform(0.9, 1.1)),
        dark_noise=float(noise * 0.12),
        colour_noise=float(shop.uniform(0.3, 0.7)),
        softness_px=float(shop.uniform(0.6, 1.1) * own.uniform(0.9, 1.15)),
        halo=float(shop.uniform(0.2, 0.6)),
        vignetting=float(shop.uniform(0.15, 0.35)),
        saturation=float(shop.uniform(0.82, 1.05)),
        shutter_s=float(shop.choice([1 / 100, 1 / 50, 1 / 50, 1 / 33])),
        jpeg_quality=quality,
    )
