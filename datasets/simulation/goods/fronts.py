"""The front of a label: looks of brands and families, backgrounds, and layouts that place logo, picture and words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from datasets.simulation.goods.artwork import BLACK, PICTURES, WHITE, Box, Colour, Draw, ink_on, luminance, mix, write


@dataclass(frozen=True, slots=True)
class Words:
    """What a label says. ``taste`` may be empty; ``tint`` is the taste's colour."""

    brand: str
    kind: str
    taste: str
    net: str
    tint: Colour


@dataclass(frozen=True, slots=True)
class Look:
    """What the labels of a family share. ``seed`` fixes all that is drawn by chance."""

    base: Colour
    second: Colour
    logo: Colour
    logo_shape: str
    letters: str
    background: str
    layout: int
    picture: str
    tinted: bool  # the picture has the taste's colour too, not the band alone
    bare: Colour  # can, glass or plastic where nothing is printed
    cap: Colour
    seed: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes in shares of the front; ``card`` is a light panel behind the words; ``band`` the taste's colour."""

    logo: Box
    picture: Box
    kind: Box
    band: Box
    net: Box
    card: Box | None = None
    disc: bool = False  # a light disc behind the picture


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        (0.06, 0.04, 0.94, 0.22),
        (0.12, 0.36, 0.88, 0.74),
        (0.06, 0.23, 0.94, 0.35),
        (0.0, 0.76, 1.0, 0.88),
        (0.55, 0.89, 0.95, 0.98),
    ),
    Layout(
        (0.1, 0.1, 0.9, 0.26),
        (0.14, 0.52, 0.86, 0.9),
        (0.1, 0.27, 0.9, 0.37),
        (0.1, 0.39, 0.9, 0.49),
        (0.58, 0.91, 0.96, 0.98),
        (0.05, 0.06, 0.95, 0.51),
    ),
    Layout(
        (0.26, 0.05, 0.96, 0.2),
        (0.28, 0.46, 0.96, 0.86),
        (0.26, 0.21, 0.96, 0.32),
        (0.26, 0.33, 0.96, 0.43),
        (0.6, 0.89, 0.96, 0.97),
    ),
    Layout(
        (0.05, 0.4, 0.95, 0.6),
        (0.2, 0.05, 0.8, 0.38),
        (0.08, 0.62, 0.92, 0.73),
        (0.0, 0.75, 1.0, 0.87),
        (0.3, 0.89, 0.7, 0.98),
        None,
        True,
    ),
    Layout(
        (0.15, 0.04, 0.85, 0.16),
        (0.1, 0.46, 0.9, 0.96),
        (0.04, 0.17, 0.96, 0.34),
        (0.2, 0.35, 0.8, 0.44),
        (0.04, 0.9, 0.4, 0.98),
    ),
    Layout(
        (0.06, 0.7, 0.94, 0.86),
        (0.1, 0.05, 0.9, 0.5),
        (0.06, 0.52, 0.94, 0.62),
        (0.12, 0.62, 0.88, 0.7),
        (0.3, 0.88, 0.7, 0.97),
        (0.0, 0.51, 1.0, 1.0),
    ),
    Layout(
        (0.08, 0.06, 0.92, 0.24),
        (0.04, 0.5, 0.6, 0.9),
        (0.08, 0.26, 0.92, 0.38),
        (0.58, 0.56, 1.0, 0.7),
        (0.62, 0.72, 0.96, 0.82),
        None,
        True,
    ),
    Layout(
        (0.06, 0.82, 0.94, 0.97),
        (0.1, 0.2, 0.9, 0.62),
        (0.06, 0.05, 0.94, 0.18),
        (0.0, 0.64, 1.0, 0.75),
        (0.34, 0.76, 0.66, 0.82),
        None,
        True,
    ),
    Layout(
        (0.12, 0.3, 0.88, 0.44),
        (0.26, 0.06, 0.74, 0.29),
        (0.12, 0.46, 0.88, 0.57),
        (0.12, 0.59, 0.88, 0.69),
        (0.3, 0.71, 0.7, 0.79),
        (0.08, 0.04, 0.92, 0.82),
    ),
    Layout(
        (0.04, 0.05, 0.96, 0.3),
        (0.16, 0.32, 0.84, 0.66),
        (0.06, 0.68, 0.94, 0.8),
        (0.16, 0.81, 0.84, 0.9),
        (0.32, 0.91, 0.68, 0.985),
    ),
)
COLUMN_LAYOUT = 2  # the layout that leaves the left free for the background "column"
SHAPES = ("plain", "plain", "oval", "ribbon", "box", "underline")
LETTERS = ("as is", "upper", "lower")


def paint_front(image: Image.Image, box: Box, look: Look, words: Words) -> None:
    """Draw the front into ``box`` (pixels) of an image whose background is painted already."""
    draw = ImageDraw.Draw(image)
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    layout = LAYOUTS[look.layout]
    rng = np.random.default_rng(look.seed)

    def at(share: Box) -> Box:
        return x0 + share[0] * width, y0 + share[1] * height, x0 + share[2] * width, y0 + share[3] * height

    if layout.card is not None:
        draw.rounded_rectangle(at(layout.card), min(width, height) * 0.05, fill=mix(WHITE, look.second, 0.06))
    _picture(image, draw, at(layout.picture), look, words.tint, rng, disc=layout.disc)
    logo(draw, at(layout.logo), look, words.brand, ground(image, at(layout.logo)))
    write(draw, at(layout.kind), words.kind, legible(look.logo, ground(image, at(layout.kind))), bold=0.035)
    if words.taste:
        band = at(layout.band)
        draw.rounded_rectangle(band, 0 if layout.band[0] == 0.0 else (band[3] - band[1]) * 0.3, fill=words.tint)
        inner = (band[0] + width * 0.04, band[1] + height * 0.012, band[2] - width * 0.04, band[3] - height * 0.012)
        write(draw, inner, words.taste, ink_on(words.tint), bold=0.02)
    write(draw, at(layout.net), words.net, ink_on(ground(image, at(layout.net))), bold=0.02)


def _picture(
    image: Image.Image, draw: Draw, box: Box, look: Look, tint: Colour, rng: np.random.Generator, *, disc: bool
) -> None:
    """The family's picture, on a disc where it would be lost on what is behind it."""
    behind = ground(image, box)
    colour = tint if look.tinted or distance(look.second, behind) < 150 else look.second
    pale = look.picture == "cup"  # a white cup
    if disc or distance(WHITE if pale else colour, behind) < 150:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        r = min(box[2] - box[0], box[3] - box[1]) / 2
        plate = mix(WHITE, colour, 0.45) if pale else mix(WHITE, look.second, 0.1)
        if distance(plate, colour) < 150:
            plate = mix(colour, BLACK, 0.6)
        draw.ellipse((x - r * 1.12, y - r * 1.12, x + r * 1.12, y + r * 1.12), fill=plate)
    PICTURES[look.picture](draw, box, colour, rng)


def logo(draw: Draw, box: Box, look: Look, brand: str, behind: Colour) -> None:
    """The brand's word as the brand writes it, on its own shape."""
    text = {"upper": brand.upper(), "lower": brand.lower()}.get(look.letters, brand)
    x0, y0, x1, y1 = box
    high = y1 - y0
    inner = (x0 + (x1 - x0) * 0.08, y0 + high * 0.12, x1 - (x1 - x0) * 0.08, y1 - high * 0.12)
    ink = legible(look.logo, behind)
    if look.logo_shape in ("oval", "box", "ribbon"):
        ink = ink_on(look.logo)
        if look.logo_shape == "oval":
            draw.ellipse(box, fill=look.logo, outline=WHITE, width=max(2, int(high / 18)))
        elif look.logo_shape == "box":
            draw.rounded_rectangle(box, high * 0.18, fill=look.logo)
        else:
            notch = high * 0.25
            draw.polygon(
                [(x0, y0), (x1, y0), (x1 - notch, (y0 + y1) / 2), (x1, y1), (x0, y1), (x0 + notch, (y0 + y1) / 2)],
                fill=look.logo,
            )
    elif look.logo_shape == "underline":
        draw.rectangle((inner[0], y1 - high * 0.1, inner[2], y1 - high * 0.02), fill=ink)
    write(draw, inner, text, ink, bold=0.06)


def ground(image: Image.Image, box: Box) -> Colour:
    """The mean colour of what is painted in ``box``."""
    x0, y0, x1, y1 = (int(edge) for edge in box)
    red, green, blue = np.asarray(image.crop((x0, y0, x1, y1))).reshape(-1, 3).mean(axis=0)
    return round(red), round(green), round(blue)


def distance(a: Colour, b: Colour) -> int:
    """How far two colours are apart: the sum over the channels, 0 to 765."""
    return sum(abs(p - q) for p, q in zip(a, b, strict=True))


def legible(colour: Colour, behind: Colour) -> Colour:
    """``colour``, or black or white where it is lost on what is ``behind`` it."""
    return colour if abs(luminance(colour) - luminance(behind)) > 0.35 else ink_on(behind)


def _plain(draw: Draw, box: Box, look: Look) -> None:
    draw.rectangle(box, fill=look.base)


def _diagonal(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    draw.polygon([(x0, y1), (x0, y0 + (y1 - y0) * 0.8), (x1, y0 + (y1 - y0) * 0.4), (x1, y1)], fill=look.second)


def _halves(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    draw.rectangle((x0, y0 + (y1 - y0) * 0.5, x1, y1), fill=mix(look.base, look.second, 0.7))


def _wave(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    for level, share in ((0.45, 0.35), (0.55, 0.7), (0.68, 1.0)):
        t = np.linspace(0, 1, 33)
        y = y0 + (y1 - y0) * (level + 0.05 * np.sin(t * 4 * np.pi + level * 20))
        draw.polygon(
            [*zip(x0 + t * (x1 - x0), y, strict=True), (x1, y1), (x0, y1)], fill=mix(look.base, look.second, share)
        )


def _stripes(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    step = (x1 - x0) / 12
    for i in range(0, 12, 2):
        draw.rectangle((x0 + i * step, y0, x0 + (i + 1) * step, y1), fill=mix(look.base, look.second, 0.3))


def _rays(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    cx, cy, far = (x0 + x1) / 2, y0 + (y1 - y0) * 0.55, 1.5 * max(x1 - x0, y1 - y0)
    for i in range(12):
        a, b = (i * 2 * math.pi / 12 + off for off in (0.0, math.pi / 12))
        tip = [
            (cx, cy),
            (cx + far * math.cos(a), cy + far * math.sin(a)),
            (cx + far * math.cos(b), cy + far * math.sin(b)),
        ]
        draw.polygon(tip, fill=mix(look.base, look.second, 0.35))


def _dots(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    step = (x1 - x0) / 9
    for row, y in enumerate(np.arange(y0 + step / 2, y1, step)):
        for x in np.arange(x0 + step * (0.5 if row % 2 else 1.0), x1, step):
            draw.ellipse(
                (x - step * 0.18, y - step * 0.18, x + step * 0.18, y + step * 0.18),
                fill=mix(look.base, look.second, 0.4),
            )


def _column(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=look.base)
    draw.rectangle((x0, y0, x0 + (x1 - x0) * 0.22, y1), fill=look.second)


def _border(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    edge = (x1 - x0) * 0.035
    draw.rectangle(box, fill=look.second)
    draw.rectangle((x0 + edge, y0 + edge, x1 - edge, y1 - edge), fill=look.base)


def _fade(draw: Draw, box: Box, look: Look) -> None:
    x0, y0, x1, y1 = box
    for y in range(int(y0), int(y1) + 1, 2):
        draw.rectangle(
            (x0, y, x1, y + 1), fill=mix(look.base, mix(look.second, BLACK, 0.2), 0.8 * (y - y0) / (y1 - y0))
        )


BACKGROUNDS: dict[str, Callable[[Draw, Box, Look], None]] = {
    "plain": _plain,
    "diagonal": _diagonal,
    "halves": _halves,
    "wave": _wave,
    "stripes": _stripes,
    "rays": _rays,
    "dots": _dots,
    "column": _column,
    "border": _border,
    "fade": _fade,
}
