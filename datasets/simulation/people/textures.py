"""Painted cloth, hair and shoes. All textures are sRGB + alpha uint8 (SIZE, SIZE, 4), v down.

Cloth has its front on the left half, its back and the sleeves on the right half (see ``charts``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 256
Texture = NDArray[np.uint8]
Colour = tuple[int, int, int]
Floats = NDArray[np.float64]

PATTERNS = ("plain", "striped", "pinstriped", "checked", "printed", "two-tone", "denim", "melange")


@dataclass(frozen=True, slots=True)
class Fabric:
    """What cloth looks like: ``pattern`` is one of ``PATTERNS``, ``second`` the stripes', checks' or print's colour.

    ``trim`` names what is sewn on: ``buttons``, ``zip``, ``trousers`` (belt, fly, pockets), ``vest`` or nothing.
    """

    pattern: str
    colour: Colour
    second: Colour = (230, 230, 226)
    trim: str = ""


def cloth(fabric: Fabric, length_m: float, half_width_m: float, rng: np.random.Generator) -> Texture:
    """``length_m`` of ``fabric`` down the texture and ``half_width_m`` either side of a half's middle."""
    down = (np.arange(SIZE)[:, None] + 0.5) / SIZE * length_m
    column = (np.arange(SIZE)[None, :] + 0.5) / SIZE
    front = column < 0.5
    across = (np.where(front, column, column - 0.5) * 4.0 - 1.0) * half_width_m
    down, across = np.broadcast_arrays(down, across)
    front = np.broadcast_to(front, down.shape)
    rgb = _pattern(fabric, down, across, front, rng)
    rgb = rgb * (1.0 + 0.05 * folds(rng)[..., None]) * (1.0 + 0.025 * rng.standard_normal((SIZE, SIZE, 1)))
    return finished(_trimmed(rgb, fabric, down, across, front))


def hair(colour: Colour, rng: np.random.Generator) -> Texture:
    """Strands that run down the texture."""
    strands = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), sigmaX=0.8, sigmaY=14.0)
    locks = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), sigmaX=6.0, sigmaY=30.0)
    shade = 1.0 + 0.07 * strands / strands.std() + 0.06 * locks / locks.std()
    return finished(np.array(colour, np.float64) * shade[..., None])


def shoes(colour: Colour, sole: Colour, rng: np.random.Generator) -> Texture:
    """Seen from the side: the sole at the texture's bottom, laces' patch near the top."""
    row = (np.arange(SIZE)[:, None, None] + 0.5) / SIZE
    rgb = np.where(row > 0.84, np.array(sole, np.float64), np.array(colour, np.float64))
    rgb = np.where((row > 0.80) & (row <= 0.84), 0.5 * rgb, rgb)
    return finished(np.broadcast_to(rgb, (SIZE, SIZE, 3)) * (1.0 + 0.05 * folds(rng)[..., None]))


def plain(colour: Colour, rng: np.random.Generator, grain: float = 0.02) -> Texture:
    """One colour with soft spots and ``grain``, a relative deviation per pixel."""
    noise = 1.0 + 0.03 * folds(rng)[..., None] + grain * rng.standard_normal((SIZE, SIZE, 1))
    return finished(np.array(colour, np.float64) * noise)


def finished(rgb: Floats) -> Texture:
    """SRGB values 0..255 (SIZE, SIZE, 3) as an opaque texture."""
    out = np.full((SIZE, SIZE, 4), 255, np.uint8)
    out[..., :3] = np.clip(np.round(rgb), 0, 255)
    return out


def folds(rng: np.random.Generator) -> Floats:
    """Soft light and dark (SIZE, SIZE), mean 0 and deviation 1, longer than wide, as folds in hanging cloth."""
    noise = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), sigmaX=5.0, sigmaY=16.0)
    return np.asarray((noise - noise.mean()) / noise.std(), np.float64)


def _pattern(
    fabric: Fabric, down: Floats, across: Floats, front: NDArray[np.bool_], rng: np.random.Generator
) -> Floats:
    one, two = np.array(fabric.colour, np.float64), np.array(fabric.second, np.float64)
    share: Floats = np.zeros_like(down)
    if fabric.pattern == "striped":
        share = ((down / rng.uniform(0.035, 0.09)) % 1.0 < rng.uniform(0.3, 0.5)).astype(np.float64)
    elif fabric.pattern == "pinstriped":
        share = np.where((across / rng.uniform(0.018, 0.03)) % 1.0 < 0.22, 0.8, 0.0)
    elif fabric.pattern == "checked":
        size = float(rng.uniform(0.04, 0.08))
        share = np.where((down / size) % 1.0 < 0.5, 0.45, 0.0) + np.where((across / size) % 1.0 < 0.5, 0.45, 0.0)
    elif fabric.pattern == "printed":
        share = _print(rng)
    elif fabric.pattern == "two-tone":
        share = (down < rng.uniform(0.16, 0.3)).astype(np.float64)
    elif fabric.pattern == "denim":
        # Washed out where legs rub, darker along the sides.
        thigh = np.exp(-(((np.abs(across) - 0.1) / 0.06) ** 2) - ((down - 0.42) / 0.22) ** 2)
        share = 0.28 * thigh * front + 0.06 * rng.standard_normal(down.shape)
    elif fabric.pattern == "melange":
        share = 0.16 + 0.09 * rng.standard_normal(down.shape)
    return np.asarray(one + np.clip(share, 0.0, 1.0)[..., None] * (two - one))


def _print(rng: np.random.Generator) -> Floats:
    """A picture on the chest: lines of writing or a badge of simple figures, only on the front half."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    centre = (SIZE // 4, int(SIZE * rng.uniform(0.30, 0.38)))
    size = int(SIZE * rng.uniform(0.07, 0.12))
    kind = int(rng.integers(4))
    if kind == 0:
        cv2.circle(mask, centre, size, 255, -1, cv2.LINE_AA)
        cv2.circle(mask, centre, size // 2, 0, -1, cv2.LINE_AA)
    elif kind == 1:
        for line in range(3):
            half = int(size * rng.uniform(0.7, 1.3))
            top = centre[1] - size // 2 + line * size // 2
            cv2.rectangle(mask, (centre[0] - half, top), (centre[0] + half, top + size // 4), 255, -1)
    elif kind == 2:
        angle = rng.uniform(0, np.pi) + np.arange(5) * 4 * np.pi / 5
        star = np.array(centre) + size * np.column_stack([np.sin(angle), -np.cos(angle)])
        cv2.fillPoly(mask, [star.astype(np.int32)], 255, cv2.LINE_AA)
    else:
        cv2.rectangle(mask, (centre[0] - size, centre[1] - size), (centre[0] + size, centre[1] + size), 255, -1)
        cv2.circle(mask, centre, int(0.7 * size), 90, -1, cv2.LINE_AA)
    return np.asarray(mask / 255.0, np.float64)


def _trimmed(rgb: Floats, fabric: Fabric, down: Floats, across: Floats, front: NDArray[np.bool_]) -> Floats:
    def painted(where: NDArray[np.bool_], colour: Colour | None = None, darker: float = 0.6) -> Floats:
        new = rgb * darker if colour is None else np.broadcast_to(np.array(colour, np.float64), rgb.shape)
        return np.where(where[..., None], new, rgb)

    if fabric.trim == "buttons":
        rgb = painted(front & (np.abs(across - 0.012) < 0.0025), darker=0.75)
        rgb = painted(front & (np.abs(across) < 0.007) & ((down / 0.09) % 1.0 < 0.14) & (down > 0.06), darker=0.45)
        rgb = painted(front & (np.abs(across + 0.09) < 0.045) & (np.abs(down - 0.24) < 0.003), darker=0.75)
    elif fabric.trim == "zip":
        rgb = painted(front & (np.abs(across) < 0.006), darker=0.45)
        slit = np.abs(np.abs(across) - 0.12 + 0.35 * (down - 0.5)) < 0.006
        rgb = painted(front & slit & (np.abs(down - 0.52) < 0.07), darker=0.5)
    elif fabric.trim == "trousers":
        rgb = painted(front & (np.abs(across) < 0.004) & (down < 0.2), darker=0.8)
        rgb = painted((np.abs(np.abs(across) - 0.11 - 0.2 * (down - 0.1)) < 0.005) & (down < 0.2) & front, darker=0.8)
        boxed = (np.abs(np.abs(across) - 0.09) < 0.06) & (np.abs(down - 0.17) < 0.07)
        inner = (np.abs(np.abs(across) - 0.09) < 0.054) & (np.abs(down - 0.17) < 0.064)
        rgb = painted(boxed & ~inner & ~front, darker=0.8)
    elif fabric.trim == "vest":
        bands = (np.abs(down - 0.34) < 0.026) | (np.abs(down - 0.48) < 0.026)
        rgb = painted(bands | (np.abs(np.abs(across) - 0.115) < 0.024) & (down < 0.36), colour=(206, 210, 214))
        rgb = painted(front & (np.abs(across) < 0.005), darker=0.5)
    return rgb
