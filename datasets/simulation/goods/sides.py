"""The print of each side of a package: front, back with table and bars, flanks, lid and base."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from datasets.simulation.goods.artwork import BLACK, PICTURES, WHITE, Box, Colour, Draw, ball, ink_on, lines, mix, write
from datasets.simulation.goods.barcodes import ean13_modules
from datasets.simulation.goods.fronts import BACKGROUNDS, Look, Words, logo, paint_front
from store.catalogue import Package, Product

BARE: dict[Package, tuple[Colour, ...]] = {
    Package.CAN: ((188, 190, 194), (176, 178, 180), (206, 202, 190)),
    Package.BOTTLE: ((46, 84, 44), (70, 42, 20), (196, 214, 220), (220, 222, 216), (132, 30, 24), (214, 140, 40)),
    Package.JAR: ((150, 40, 34), (206, 140, 50), (92, 104, 44), (94, 52, 30), (214, 196, 150), (58, 34, 26)),
    Package.TUBE: ((246, 246, 244), (232, 236, 240)),
    Package.TRAY: ((32, 34, 38), (244, 244, 242), (70, 120, 66)),
}
"""What packages are made of where nothing is printed."""


def paint_side(
    image: Image.Image, name: str, product: Product, look: Look, words: Words, rng: np.random.Generator
) -> None:
    """Fill ``image`` with the print of one side."""
    draw, box, package = ImageDraw.Draw(image), (0, 0, image.width, image.height), product.package
    if name == "wrap":
        _wrap(image, box, product, look, words, rng)
    elif name == "front" and package is not Package.TRAY:
        BACKGROUNDS[look.background](draw, box, look)
        paint_front(image, box, look, words)
    elif name == "top" and package is Package.TRAY:
        _film(draw, box, look, words, rng)
    elif name == "back" and package is not Package.TRAY:
        _back(draw, box, product, look, words, rng)
    elif name in ("left", "right") and package is not Package.TRAY:
        _flank(draw, box, look, words, rng, table=name == "left")
    elif package is Package.TRAY:
        draw.rectangle(box, fill=look.bare)
        if name in ("front", "back"):
            x0, y0, x1, y1 = box
            draw.rectangle((x0, y0 + 0.2 * (y1 - y0), x1, y0 + 0.8 * (y1 - y0)), fill=words.tint)
            label = (x0 + 0.1 * (x1 - x0), y0 + 0.25 * (y1 - y0), x1 - 0.1 * (x1 - x0), y0 + 0.75 * (y1 - y0))
            write(draw, label, f"{words.kind} {words.taste}".strip(), ink_on(words.tint), bold=0.03)
    elif name in ("body", "cap"):
        draw.rectangle(box, fill=_bare(product, look, words) if name == "body" else look.cap)
        if name == "cap":  # a ribbed grip
            for x in np.arange(box[0], box[2], (box[2] - box[0]) / 24):
                draw.line((x, box[1], x, box[3]), fill=mix(look.cap, BLACK, 0.25), width=2)
    elif name == "top":
        _top(draw, box, product, look, words)
    else:
        draw.rectangle(box, fill=mix(look.bare if package in BARE else look.base, BLACK, 0.12))
        lines(draw, (box[0] + 8, box[1] + 8, box[2] * 0.6, box[3] * 0.5), ink_on(look.base), rng, 7)


def _wrap(image: Image.Image, box: Box, product: Product, look: Look, words: Words, rng: np.random.Generator) -> None:
    """A label that goes once around: front in the middle, table to the left, bars to the right, seam at the back."""
    draw = ImageDraw.Draw(image)
    x0, y0, x1, y1 = box
    wide = x1 - x0
    draw.rectangle(box, fill=look.base)
    front = (x0 + 0.27 * wide, y0, x0 + 0.73 * wide, y1)
    BACKGROUNDS[look.background](
        draw, box if look.background in ("halves", "wave", "dots", "stripes", "fade") else front, look
    )
    paint_front(image, (x0 + 0.31 * wide, y0, x0 + 0.69 * wide, y1), look, words)
    high = y1 - y0
    _table(draw, (x0 + 0.02 * wide, y0 + 0.1 * high, x0 + 0.2 * wide, y0 + 0.55 * high), rng)
    lines(draw, (x0 + 0.03 * wide, y0 + 0.6 * high, x0 + 0.19 * wide, y0 + 0.95 * high), ink_on(look.base), rng, 9)
    lines(draw, (x0 + 0.81 * wide, y0 + 0.06 * high, x0 + 0.98 * wide, y0 + 0.45 * high), ink_on(look.base), rng, 9)
    _bars(draw, (x0 + 0.8 * wide, y0 + 0.55 * high, x0 + 0.99 * wide, y0 + 0.9 * high), product.gtin)


def _back(draw: Draw, box: Box, product: Product, look: Look, words: Words, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    draw.rectangle(box, fill=mix(look.base, WHITE, 0.25))
    logo(draw, (x0 + 0.08 * wide, y0 + 0.03 * high, x0 + 0.6 * wide, y0 + 0.15 * high), look, words.brand, look.base)
    draw.rectangle((x0, y0 + 0.17 * high, x1, y0 + 0.25 * high), fill=words.tint)
    write(
        draw,
        (x0 + 0.05 * wide, y0 + 0.18 * high, x0 + 0.95 * wide, y0 + 0.24 * high),
        f"{words.kind} {words.taste}",
        ink_on(words.tint),
    )
    lines(
        draw,
        (x0 + 0.05 * wide, y0 + 0.29 * high, x0 + 0.5 * wide, y0 + 0.66 * high),
        ink_on(mix(look.base, WHITE, 0.25)),
        rng,
        8,
    )
    _table(draw, (x0 + 0.54 * wide, y0 + 0.29 * high, x0 + 0.95 * wide, y0 + 0.66 * high), rng)
    _bars(draw, (x0 + 0.05 * wide, y0 + 0.7 * high, x0 + 0.95 * wide, y0 + 0.97 * high), product.gtin)


def _flank(draw: Draw, box: Box, look: Look, words: Words, rng: np.random.Generator, *, table: bool) -> None:
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    draw.rectangle(box, fill=look.base)
    draw.rectangle((x0, y0 + 0.2 * high, x1, y0 + 0.28 * high), fill=words.tint)
    write(
        draw,
        (x0 + 0.05 * wide, y0 + 0.04 * high, x0 + 0.95 * wide, y0 + 0.12 * high),
        words.brand,
        ink_on(look.base),
        bold=0.05,
    )
    write(draw, (x0 + 0.05 * wide, y0 + 0.12 * high, x0 + 0.95 * wide, y0 + 0.19 * high), words.kind, ink_on(look.base))
    if table:
        _table(draw, (x0 + 0.08 * wide, y0 + 0.34 * high, x0 + 0.92 * wide, y0 + 0.7 * high), rng)
    else:
        PICTURES[look.picture](
            draw, (x0 + 0.1 * wide, y0 + 0.32 * high, x0 + 0.9 * wide, y0 + 0.62 * high), words.tint, rng
        )
    lines(draw, (x0 + 0.08 * wide, y0 + 0.74 * high, x0 + 0.92 * wide, y0 + 0.96 * high), ink_on(look.base), rng, 8)


def _top(draw: Draw, box: Box, product: Product, look: Look, words: Words) -> None:
    x0, y0, x1, y1 = box
    if product.package is Package.CAN:
        draw.rectangle(box, fill=look.bare)
        for share, tone in ((0.06, 0.12), (0.14, -0.1)):
            inset = share * (x1 - x0)
            draw.ellipse(
                (x0 + inset, y0 + inset, x1 - inset, y1 - inset),
                outline=mix(look.bare, BLACK if tone > 0 else WHITE, 0.3),
                width=4,
            )
        cx, cy, r = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * 0.16
        draw.ellipse(
            (cx - r * 0.7, cy - r * 0.2, cx + r * 0.7, cy + r * 1.9), outline=mix(look.bare, BLACK, 0.45), width=6
        )
        draw.ellipse((cx - r, cy - r * 1.9, cx + r, cy - r * 0.2), fill=mix(look.bare, BLACK, 0.18))
        return
    if product.package in (Package.BOTTLE, Package.JAR):
        draw.rectangle(box, fill=look.cap)
        inner = (x0 + 0.2 * (x1 - x0), y0 + 0.4 * (y1 - y0), x1 - 0.2 * (x1 - x0), y0 + 0.6 * (y1 - y0))
        write(draw, inner, words.brand, ink_on(look.cap), bold=0.05)
        return
    draw.rectangle(box, fill=look.base)
    wide, high = x1 - x0, y1 - y0
    draw.rectangle((x0 + 0.62 * wide, y0, x1, y1), fill=words.tint)
    write(
        draw,
        (x0 + 0.05 * wide, y0 + 0.2 * high, x0 + 0.58 * wide, y0 + 0.8 * high),
        words.brand,
        ink_on(look.base),
        bold=0.06,
    )
    write(
        draw,
        (x0 + 0.65 * wide, y0 + 0.25 * high, x0 + 0.97 * wide, y0 + 0.75 * high),
        words.taste or words.kind,
        ink_on(words.tint),
    )


def _film(draw: Draw, box: Box, look: Look, words: Words, rng: np.random.Generator) -> None:
    """A tray from above: the food under clear film, and a sticker."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    food = mix(look.second, (206, 160, 110), 0.5)
    draw.rectangle(box, fill=mix(food, BLACK, 0.35))
    for _ in range(90):
        tone = mix(food, WHITE if rng.random() < 0.5 else BLACK, rng.uniform(0.0, 0.35))
        ball(draw, x0 + rng.uniform(0, wide), y0 + rng.uniform(0, high), wide * rng.uniform(0.03, 0.07), tone)
    draw.rectangle((x0, y0, x1, y1), outline=look.bare, width=int(0.035 * wide))
    card = (x0 + 0.16 * wide, y0 + 0.2 * high, x0 + 0.84 * wide, y0 + 0.8 * high)
    inner = (card[0], card[1], card[2] - card[0], card[3] - card[1])
    draw.rounded_rectangle(card, 0.05 * wide, fill=look.base)
    logo(
        draw,
        (
            inner[0] + 0.06 * inner[2],
            inner[1] + 0.06 * inner[3],
            inner[0] + 0.94 * inner[2],
            inner[1] + 0.36 * inner[3],
        ),
        look,
        words.brand,
        look.base,
    )
    write(
        draw,
        (inner[0] + 0.06 * inner[2], inner[1] + 0.4 * inner[3], inner[0] + 0.94 * inner[2], inner[1] + 0.6 * inner[3]),
        words.kind,
        ink_on(look.base),
        bold=0.03,
    )
    band = (card[0], inner[1] + 0.63 * inner[3], card[2], inner[1] + 0.82 * inner[3])
    draw.rectangle(band, fill=words.tint)
    write(draw, (band[0] + 8, band[1] + 4, band[2] - 8, band[3] - 4), words.taste, ink_on(words.tint), bold=0.02)
    write(draw, (band[0] + 8, band[3] + 4, band[2] - 8, card[3] - 6), words.net, ink_on(look.base))


def _table(draw: Draw, box: Box, rng: np.random.Generator) -> None:
    """A table of nutrients, too small to read."""
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=WHITE, outline=BLACK, width=2)
    for y in np.linspace(y0, y1, 8)[1:-1]:
        draw.line((x0, y, x1, y), fill=BLACK, width=1)
        draw.rectangle((x0 + 4, y - 7, x0 + 4 + rng.uniform(0.2, 0.5) * (x1 - x0), y - 4), fill=BLACK)
        draw.rectangle((x1 - 4 - rng.uniform(0.1, 0.25) * (x1 - x0), y - 7, x1 - 4, y - 4), fill=BLACK)


def _bars(draw: Draw, box: Box, gtin: str) -> None:
    """The EAN-13 symbol of the number's last 13 digits on white, with its quiet zones."""
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=WHITE)
    modules = ean13_modules("0" + gtin[1:])
    step = (x1 - x0) / (len(modules) + 14)
    step = float(int(step)) if step >= 1.0 else step  # whole pixels where there is room
    left = (x0 + x1) / 2 - step * len(modules) / 2
    low, high = y0 + 0.08 * (y1 - y0), y1 - 0.12 * (y1 - y0)
    for place in np.flatnonzero(modules):
        x = left + place * step
        draw.rectangle((x, low, max(x, x + step - 1), high), fill=BLACK)


def _bare(product: Product, look: Look, words: Words) -> Colour:
    """What shows where nothing is printed: through clear glass, the contents in the taste's colour."""
    clear = product.package is Package.JAR or (
        product.package is Package.BOTTLE and look.picture in ("slices", "fruits")
    )
    return mix(words.tint, BLACK, 0.2) if clear else look.bare
