"""Pictures, patterns and words for printed labels, drawn with Pillow into boxes (x0, y0, x1, y1) of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
Draw = ImageDraw.ImageDraw
WHITE, BLACK = (252, 251, 247), (26, 24, 28)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Brightness 0..1 as the eye has it, by ITU-R BT.709's weights on sRGB values."""
    return float(np.dot(colour, (0.2126, 0.7152, 0.0722)) / 255)


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on ``colour``."""
    return BLACK if luminance(colour) > 0.55 else WHITE


@lru_cache(maxsize=256)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface at ``size`` pixels."""
    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def fitting(text: str, width: int, height: int) -> int:
    """The largest font size at which ``text`` fits into ``width`` x ``height`` pixels, 6 at least."""
    length = font(100).getlength(text) or 1.0
    return max(6, int(min(height * 0.98, 100 * width / length)))


def write(draw: Draw, box: Box, text: str, ink: Colour, *, bold: float = 0.0, anchor: str = "mm") -> None:
    """``text`` as large as it fits into ``box``; ``bold`` thickens it by a share of its size; Pillow's ``anchor``."""
    x0, y0, x1, y1 = box
    size = fitting(text, int((x1 - x0) * (1 - bold)), int(y1 - y0))
    x = {"l": x0, "m": (x0 + x1) / 2, "r": x1}[anchor[0]]
    stroke = round(size * bold)
    draw.text((x, (y0 + y1) / 2), text, fill=ink, font=font(size), anchor=anchor, stroke_width=stroke, stroke_fill=ink)


def lines(draw: Draw, box: Box, ink: Colour, rng: np.random.Generator, pitch: float) -> None:
    """Print too small to read: broken lines, ``pitch`` pixels apart."""
    x0, y0, x1, y1 = box
    for y in np.arange(y0, y1 - pitch * 0.5, pitch):
        x = x0
        end = x1 - rng.uniform(0, 0.25) * (x1 - x0)
        while x < end:
            word = rng.uniform(2.0, 7.0) * pitch * 0.6
            draw.rectangle((x, y, min(x + word, x1), y + pitch * 0.42), fill=ink)
            x += word + pitch * 0.5


def ball(draw: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    """A round fruit or pea with light and shade."""
    draw.ellipse((x - r, y - r, x + r, y + r), fill=mix(colour, BLACK, 0.35))
    draw.ellipse((x - r, y - r, x + r * 0.8, y + r * 0.75), fill=colour)
    draw.ellipse((x - r * 0.6, y - r * 0.65, x - r * 0.1, y - r * 0.2), fill=mix(colour, WHITE, 0.6))


def leaf(draw: Draw, x: float, y: float, length: float, turn: float, colour: Colour) -> None:
    """A pointed leaf that grows from (x, y)."""
    t = np.linspace(0, 1, 9)
    side = 0.28 * length * np.sin(np.pi * t)
    along, across = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    upper = [
        (x + along[0] * length * a + across[0] * b, y + along[1] * length * a + across[1] * b)
        for a, b in zip(t, side, strict=True)
    ]
    lower = [
        (x + along[0] * length * a - across[0] * b, y + along[1] * length * a - across[1] * b)
        for a, b in zip(t, side, strict=True)
    ]
    draw.polygon(upper + lower[::-1], fill=colour)
    draw.line(
        (x, y, x + along[0] * length * 0.85, y + along[1] * length * 0.85),
        fill=mix(colour, WHITE, 0.4),
        width=max(1, int(length / 22)),
    )


def _fruits(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    leaf(draw, x, y - r * 0.3, r * 0.8, -0.7, (66, 132, 52))
    leaf(draw, x, y - r * 0.3, r * 0.7, -2.3, (84, 150, 60))
    for dx, dy in ((-0.42, -0.05), (0.42, 0.0), (0.0, 0.36)):
        ball(draw, x + dx * r, y + dy * r, r * rng.uniform(0.4, 0.48), colour)


def _slices(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for dx, dy, k in ((0.35, -0.3, 0.55), (-0.2, 0.15, 0.75)):
        cx, cy, q = x + dx * r, y + dy * r, r * k
        draw.ellipse((cx - q, cy - q, cx + q, cy + q), fill=colour)
        draw.ellipse((cx - q * 0.88, cy - q * 0.88, cx + q * 0.88, cy + q * 0.88), fill=mix(colour, WHITE, 0.75))
        start = rng.uniform(0, 45)
        for i in range(8):
            draw.pieslice(
                (cx - q * 0.8, cy - q * 0.8, cx + q * 0.8, cy + q * 0.8),
                start + 45 * i + 4,
                start + 45 * i + 41,
                fill=colour,
            )


def _bowl(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for _ in range(26):
        turn, far = rng.uniform(np.pi, 2 * np.pi), r * 0.72 * rng.uniform(0, 1) ** 0.5
        shade = mix(colour, (230, 190, 120), rng.uniform(0, 0.7))
        ball(
            draw, x + far * math.cos(turn), y + far * 0.62 * math.sin(turn) + r * 0.1, r * rng.uniform(0.1, 0.19), shade
        )
    draw.pieslice((x - r * 0.95, y - r * 0.8, x + r * 0.95, y + r * 0.9), 0, 180, fill=(244, 244, 240))
    draw.pieslice((x - r * 0.95, y - r * 0.8, x + r * 0.3, y + r * 0.9), 60, 180, fill=(216, 218, 222))
    draw.rectangle((x - r * 0.95, y + r * 0.03, x + r * 0.95, y + r * 0.14), fill=(206, 210, 216))


def _leaves(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for i in range(7):
        tone = mix((70, 138, 60), colour, rng.uniform(0.1, 0.7))
        leaf(draw, x, y + r * 0.75, r * rng.uniform(1.1, 1.5), -np.pi / 2 + (i - 3) * 0.36, tone)
    ball(draw, x - r * 0.2, y + r * 0.65, r * 0.22, colour)
    ball(draw, x + r * 0.25, y + r * 0.7, r * 0.2, colour)


def _grains(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    tone = mix(colour, (222, 178, 92), 0.55)
    for side in (-1, 0, 1):
        lean = side * 0.35
        top = (x + side * r * 0.6, y - r * 0.8)
        draw.line((x, y + r, *top), fill=mix(tone, BLACK, 0.25), width=max(2, int(r / 20)))
        for k in np.linspace(0.35, 1, 7):
            px, py = x + (top[0] - x) * k, y + r + (top[1] - y - r) * k
            leaf(draw, px, py, r * 0.3, -np.pi / 2 + lean - 0.6, tone)
            leaf(draw, px, py, r * 0.3, -np.pi / 2 + lean + 0.6, mix(tone, WHITE, 0.2))


def _cup(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for dx in (-0.3, 0.05, 0.4):
        bend = [(x + (dx + 0.1 * math.sin(t * 5 + dx * 9)) * r, y - r * (0.25 + 0.7 * t)) for t in np.linspace(0, 1, 9)]
        draw.line(bend, fill=mix(WHITE, colour, 0.15), width=max(2, int(r / 12)))
    draw.ellipse((x + r * 0.4, y - r * 0.1, x + r * 0.98, y + r * 0.5), outline=WHITE, width=max(3, int(r / 8)))
    draw.rounded_rectangle((x - r * 0.75, y - r * 0.2, x + r * 0.62, y + r * 0.75), r * 0.3, fill=WHITE)
    draw.ellipse((x - r * 0.75, y - r * 0.34, x + r * 0.62, y - r * 0.02), fill=mix(WHITE, BLACK, 0.15))
    draw.ellipse((x - r * 0.66, y - r * 0.29, x + r * 0.53, y - r * 0.07), fill=mix(colour, (70, 40, 20), 0.4))
    draw.ellipse((x - r * 0.9, y + r * 0.68, x + r * 0.8, y + r * 0.9), fill=mix(WHITE, BLACK, 0.1))


def _bubbles(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for _ in range(16):
        q = r * rng.uniform(0.07, 0.3)
        px, py = x + rng.uniform(-0.8, 0.8) * r, y + rng.uniform(-0.8, 0.8) * r
        draw.ellipse(
            (px - q, py - q, px + q, py + q),
            fill=mix(colour, WHITE, rng.uniform(0.2, 0.7)),
            outline=WHITE,
            width=max(1, int(r / 40)),
        )
        draw.ellipse((px - q * 0.6, py - q * 0.6, px - q * 0.15, py - q * 0.15), fill=WHITE)


def _drop(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for dx, k, tone in ((-0.35, 0.62, mix(colour, WHITE, 0.35)), (0.25, 0.9, colour)):
        cx, cy, q = x + dx * r, y + r * (0.9 - k * 0.72), r * k * 0.6
        draw.polygon([(cx, cy - q * 1.9), (cx - q * 0.86, cy - q * 0.45), (cx + q * 0.86, cy - q * 0.45)], fill=tone)
        draw.ellipse((cx - q, cy - q, cx + q, cy + q), fill=tone)
        draw.ellipse((cx - q * 0.6, cy - q * 0.3, cx - q * 0.25, cy + q * 0.4), fill=mix(tone, WHITE, 0.6))


def _hills(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    draw.ellipse((x - r * 0.45, y - r * 0.9, x + r * 0.45, y), fill=mix((250, 205, 70), colour, 0.3))
    for dx, top, tone in (
        (-0.45, -0.35, mix(colour, WHITE, 0.25)),
        (0.4, -0.55, colour),
        (0.0, 0.0, mix(colour, BLACK, 0.25)),
    ):
        draw.polygon(
            [(x + dx * r, y + top * r), (x + (dx - 0.75) * r, y + r * 0.8), (x + (dx + 0.75) * r, y + r * 0.8)],
            fill=tone,
        )
        draw.polygon(
            [
                (x + dx * r, y + top * r),
                (x + (dx - 0.2) * r, y + (top + 0.32) * r),
                (x + (dx + 0.2) * r, y + (top + 0.32) * r),
            ],
            fill=WHITE,
        )


def _biscuits(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for dx, dy in ((0.3, -0.35), (-0.35, -0.1), (0.25, 0.35)):
        cx, cy, q = x + dx * r, y + dy * r, r * 0.5
        tone = mix((214, 160, 92), colour, 0.3)
        draw.ellipse((cx - q, cy - q * 0.92, cx + q, cy + q), fill=mix(tone, BLACK, 0.3))
        draw.ellipse((cx - q, cy - q, cx + q, cy + q * 0.9), fill=tone)
        for _ in range(7):
            turn, far = rng.uniform(0, 2 * np.pi), q * 0.7 * rng.uniform(0.1, 1)
            px, py, s = cx + far * math.cos(turn), cy + far * math.sin(turn), q * 0.11
            draw.ellipse((px - s, py - s, px + s, py + s), fill=mix(colour, BLACK, 0.3))


def _star(draw: Draw, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    x, y, r = _centre(box)
    for size, tone in ((1.0, mix(colour, BLACK, 0.2)), (0.8, colour), (0.45, mix(colour, WHITE, 0.7))):
        points = []
        for i in range(24):
            turn, far = i * np.pi / 12, r * size * (1.0 if i % 2 == 0 else 0.72)
            points.append((x + far * math.cos(turn), y + far * math.sin(turn)))
        draw.polygon(points, fill=tone)


def _centre(box: Box) -> tuple[float, float, float]:
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2, min(x1 - x0, y1 - y0) / 2


Picture = Callable[[Draw, Box, Colour, np.random.Generator], None]
PICTURES: dict[str, Picture] = {
    "fruits": _fruits,
    "slices": _slices,
    "bowl": _bowl,
    "leaves": _leaves,
    "grains": _grains,
    "cup": _cup,
    "bubbles": _bubbles,
    "drop": _drop,
    "hills": _hills,
    "biscuits": _biscuits,
    "star": _star,
}
