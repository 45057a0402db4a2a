"""Printed labels: one texture layer a product with the print of all its sides."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datasets.simulation.goods.artwork import Colour
from datasets.simulation.goods.assortment import TASTES
from datasets.simulation.goods.fronts import (
    BACKGROUNDS,
    COLUMN_LAYOUT,
    LAYOUTS,
    LETTERS,
    SHAPES,
    Look,
    Words,
    distance,
)
from datasets.simulation.goods.sides import BARE, paint_side
from datasets.simulation.goods.wrapping import SIDES
from store.catalogue import Catalogue, Package, Product

_OVERSAMPLING, _LEAST = 2, 512  # pixels drawn to one of the layer, along an edge; pixels drawn at least
_NET = re.compile(r"^(?P<what>.+?)\s+(?P<net>\d+(?:[.,]\d+)?\s?(?:g|kg|ml|cl|l))$", re.IGNORECASE)
_BASES: tuple[Colour, ...] = (
    (250, 248, 240),
    (236, 226, 202),
    (190, 26, 40),
    (24, 62, 138),
    (28, 104, 58),
    (240, 196, 40),
    (236, 118, 28),
    (92, 40, 108),
    (28, 30, 36),
    (110, 186, 214),
    (238, 168, 178),
    (126, 82, 50),
    (168, 200, 92),
    (14, 128, 132),
    (206, 208, 212),
    (122, 18, 52),
)
_CAPS: tuple[Colour, ...] = ((244, 244, 242), (30, 32, 36), (186, 30, 40), (30, 72, 150), (204, 164, 70), (40, 118, 62))
# Pictures that fit what a word in the name says.
_PICTURED: Mapping[str, tuple[str, ...]] = {
    "tea": ("cup", "leaves"),
    "coffee": ("cup", "grains"),
    "cocoa": ("cup",),
    "soup": ("bowl", "cup"),
    "muesli": ("bowl", "grains"),
    "oats": ("bowl", "grains"),
    "cornflakes": ("bowl", "grains"),
    "flour": ("grains",),
    "juice": ("slices", "fruits"),
    "lemonade": ("slices", "bubbles"),
    "cola": ("bubbles", "star"),
    "drink": ("star", "drop"),
    "water": ("drop", "hills"),
    "lager": ("grains", "hills"),
    "oil": ("drop", "leaves"),
    "soap": ("bubbles", "drop"),
    "powder": ("bubbles", "star"),
    "tabs": ("bubbles", "star"),
    "softener": ("leaves", "bubbles"),
    "shampoo": ("leaves", "drop"),
    "cream": ("leaves", "drop"),
    "lotion": ("hills", "drop"),
    "toothpaste": ("star", "drop"),
    "gel": ("drop", "star"),
    "biscuits": ("biscuits",),
    "crackers": ("biscuits", "grains"),
    "wafers": ("biscuits",),
    "litter": ("hills", "star"),
}
_FOOD = ("fruits", "bowl", "leaves", "grains", "slices", "fruits")


def label_atlas(catalogue: Catalogue, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """The prints of all products, uint8 (k, size, size, 4), sRGB and opaque, in the catalogue's order.

    Sides lie where ``wrapping.SIDES`` says. Products of a family share their artwork but for words and the taste's
    colour; a brand writes its name the same way everywhere. About 11 ms a label at size 256.
    """
    kinds = _common_words(catalogue)
    # One proportion for a family, so that its artwork is the same to the pixel.
    shapes = {product.family or product.id: product.size_m for product in reversed(catalogue.products)}
    atlas = np.full((len(catalogue.products), size, size, 4), 255, np.uint8)
    for layer, product in enumerate(catalogue.products):
        look = _look(product, seed)
        words = _words(product, kinds[product.family or product.id], seed)
        atlas[layer, :, :, :3] = _layer(product, shapes[product.family or product.id], look, words, size)
    return atlas


def _layer(
    product: Product, shape: tuple[float, float, float], look: Look, words: Words, size: int
) -> NDArray[np.uint8]:
    large = max(size * _OVERSAMPLING, _LEAST)
    image = Image.new("RGB", (large, large), look.base)
    sides = {name: tuple(round(edge * large) for edge in rect) for name, rect in SIDES[product.package].items()}
    rng = np.random.default_rng([look.seed, 1])
    # Sides are drawn in pieces of their own, so that nothing runs over into a neighbour.
    for name, rect in sides.items():
        wide, high = rect[2] - rect[0], rect[3] - rect[1]
        proportion = _proportion(product.package, name, shape)
        # Drawn in its true proportion, then stretched into its part of the layer as the package stretches it back.
        spread = math.sqrt(proportion * high / wide)
        piece = Image.new("RGB", (round(wide * spread), round(high / spread)), look.base)
        paint_side(piece, name, product, look, words, rng)
        image.paste(piece.resize((wide, high), Image.Resampling.BILINEAR), (rect[0], rect[1]))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def _proportion(package: Package, side: str, shape: tuple[float, float, float]) -> float:
    """Width to height of a side of a package of ``shape`` (width, depth, height), as it is seen."""
    width, depth, height = shape
    if side == "wrap":
        share = {Package.CAN: 0.89, Package.BOTTLE: 0.54, Package.JAR: 0.64, Package.TUBE: 0.83}[package]
        return math.pi * width / (height * share)
    if side in ("left", "right"):
        return depth / height
    if side in ("front", "back"):
        return width / height
    return width / depth if side in ("top", "bottom") else 1.0


def _look(product: Product, seed: int) -> Look:
    """Brand and family by name, so that all their products agree."""
    key = product.family or product.id
    own = zlib.crc32(key.encode())
    rng = np.random.default_rng([seed, own, zlib.crc32(product.brand.encode())])
    house = np.random.default_rng([seed, zlib.crc32(product.brand.encode())])
    base = _BASES[int(rng.integers(len(_BASES)))]
    others = [colour for colour in _BASES if distance(colour, base) > 200]
    words = product.name.lower().split()
    pictures = next((_PICTURED[word] for word in words if word in _PICTURED), _FOOD)
    bare = BARE.get(product.package, (base,))
    cap = _CAPS[int(rng.integers(len(_CAPS)))]
    if product.package is Package.JAR:
        cap = _CAPS[int(rng.choice([0, 1, 2, 4]))]
    background = str(rng.choice(list(BACKGROUNDS)))
    return Look(
        base=base,
        second=others[int(rng.integers(len(others)))],
        logo=_BASES[int(house.integers(2, len(_BASES)))],
        logo_shape=str(house.choice(SHAPES)),
        letters=str(house.choice(LETTERS)),
        background=background,
        layout=COLUMN_LAYOUT if background == "column" else int(rng.integers(len(LAYOUTS))),
        picture=str(rng.choice(pictures)),
        tinted=bool(rng.random() < 0.6),
        bare=bare[int(rng.integers(len(bare)))],
        cap=cap,
        seed=int(rng.integers(2**31)),
    )


def _words(product: Product, kind: str, seed: int) -> Words:
    what, net = _split(product)
    taste = what[len(kind) :].strip()
    tint = TASTES.get(taste)
    if tint is None:
        rng = np.random.default_rng([seed, zlib.crc32(taste.encode())])
        tint = list(TASTES.values())[int(rng.integers(len(TASTES)))]
    return Words(product.brand, kind, taste, net, tint)


def _split(product: Product) -> tuple[str, str]:
    """The name without the net content, and the net content (by weight where the name has none)."""
    found = _NET.match(product.name)
    return (found["what"], found["net"]) if found else (product.name, f"{product.weight_g:.0f} g")


def _common_words(catalogue: Catalogue) -> dict[str, str]:
    """The kind of each family: the words with which all its names begin, but for the last word of a single name."""
    names: dict[str, list[list[str]]] = {}
    for product in catalogue.products:
        names.setdefault(product.family or product.id, []).append(_split(product)[0].split())
    kinds = {}
    for family, found in names.items():
        shared = 0
        while all(len(words) > shared + 1 and words[shared] == found[0][shared] for words in found):
            shared += 1
        kinds[family] = " ".join(found[0][: max(shared, 1)])
    return kinds
