"""The catalogue of a generated shop: 204 products in families that look alike.

Ids and sizes are the same for every seed, so that a plan fits all of them; what is sold in them is not. Three
neighbouring ids are a family. In an odd family (01-03, 07-09, ...) brand, kind and size are the same and the taste
differs; in an even one (04-06, ...) brand, kind and taste are the same and the size grows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.goods.assortment import KINDS, Kind
from store.catalogue import Catalogue, Package, Product, check_digit

COUNTS: dict[Package, int] = {
    Package.BOX: 60,
    Package.CAN: 36,
    Package.BOTTLE: 36,
    Package.JAR: 24,
    Package.BAG: 24,
    Package.TRAY: 12,
    Package.TUBE: 12,
}
FAMILY = 3  # products in a family
# Smallest and largest (width, depth, height) in metres; a round package's depth is its width.
_SIZES: dict[Package, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    Package.BOX: ((0.10, 0.05, 0.16), (0.20, 0.08, 0.30)),
    Package.CAN: ((0.066, 0.066, 0.11), (0.085, 0.085, 0.12)),
    Package.BOTTLE: ((0.065, 0.065, 0.21), (0.09, 0.09, 0.31)),
    Package.JAR: ((0.07, 0.07, 0.11), (0.09, 0.09, 0.15)),
    Package.BAG: ((0.14, 0.06, 0.18), (0.22, 0.10, 0.28)),
    Package.TRAY: ((0.16, 0.12, 0.05), (0.22, 0.18, 0.08)),
    Package.TUBE: ((0.05, 0.04, 0.15), (0.07, 0.05, 0.20)),
}
_ROUND = (Package.CAN, Package.BOTTLE, Package.JAR)
# Share of the box around a package that its contents fill, and the empty package's grams for a ml of that box.
_FILL = {"box": 0.92, "can": 0.72, "bottle": 0.54, "jar": 0.58, "bag": 0.5, "tray": 0.72, "tube": 0.42}
_TARE = {"box": 0.02, "can": 0.05, "bottle": 0.03, "jar": 0.28, "bag": 0.003, "tray": 0.015, "tube": 0.03}
_HEADS = (
    "Bre",
    "Dal",
    "Fen",
    "Gro",
    "Hul",
    "Jor",
    "Kel",
    "Lum",
    "Mur",
    "Nol",
    "Osk",
    "Pra",
    "Quo",
    "Ruv",
    "Sel",
    "Tro",
    "Ulm",
    "Vas",
    "Wib",
    "Yor",
    "Zan",
    "Ibe",
    "Ath",
    "Cul",
)
_MIDDLES = ("vo", "li", "ra", "de", "ne", "mi", "so", "bu", "ga", "to", "pe", "lu")
_TAILS = ("nal", "lo", "ker", "sti", "mond", "vik", "rin", "tza", "den", "lia", "ro", "quin", "bek", "fo")


def generate_catalogue(seed: int) -> Catalogue:
    """204 products whose brands, kinds, names, GTINs, weights and prices follow from ``seed``.

    GTINs lie in the range for use inside a shop (GS1 prefixes 200-299). ``name`` is "KIND TASTE NET". Products 01-03 of
    every package weigh the same to the gram.
    """
    rng = np.random.default_rng([seed, 204])
    brands = _brands(rng, 34)
    numbers = rng.choice(10**11, size=sum(COUNTS.values()), replace=False)
    products: list[Product] = []
    for package, count in COUNTS.items():
        kinds = rng.permutation(len(KINDS[package]))
        for family in range(1, count // FAMILY + 1):
            kind = KINDS[package][kinds[family - 1]]
            brand = brands[int(rng.integers(len(brands)))]
            products += _family(package, family, kind, brand, numbers[len(products) :][:FAMILY], rng)
    return Catalogue(products=tuple(products))


def package_size(package: Package, number: int) -> tuple[float, float, float]:
    """(width, depth, height) in metres, whole millimetres, of the generated product ``PACKAGE-NUMBER`` of any seed."""
    low, high = (np.array(bound) for bound in _SIZES[package])
    family, member = divmod(number - 1, FAMILY)
    share = np.random.default_rng([list(COUNTS).index(package), family]).random(3)
    if package in _ROUND:
        share[1] = share[0]
    if family % 2:  # even families: three sizes
        share = 0.3 + 0.4 * share + 0.3 * (member - 1)
    width, depth, height = (round(float(side), 3) for side in low + share * (high - low))
    return width, depth, height


def _family(
    package: Package, family: int, kind: Kind, brand: str, numbers: NDArray[np.int64], rng: np.random.Generator
) -> list[Product]:
    """The three products of a family."""
    sizes = [package_size(package, (family - 1) * FAMILY + 1 + member) for member in range(FAMILY)]
    other_size = family % 2 == 0
    tastes = [kind.tastes[i] for i in rng.permutation(len(kind.tastes))[:FAMILY]]
    fullness, dearness = rng.uniform(0.94, 1.0), rng.uniform(0.8, 1.3)
    spread = rng.permutation(np.arange(-6, 7))[:FAMILY]  # grams by which tastes weigh apart
    found = []
    for member, size in enumerate(sizes):
        net_g, net = _net(package, kind, size, fullness)
        tare = _TARE[package] * math.prod(size) * 1e6
        apart = 0 if family == 1 or other_size else int(spread[member])
        number = f"02{int(numbers[member]):011d}"
        found.append(
            Product(
                id=f"{package}-{(family - 1) * FAMILY + 1 + member:02d}",
                gtin=number + check_digit(number),
                name=f"{kind.word} {tastes[0 if other_size else member]} {net}",
                brand=brand,
                package=package,
                size_m=size,
                weight_g=float(round(net_g + tare) + apart),
                price=_price(kind.price * dearness * (net_g / kind.density if kind.fluid else net_g) / 1000),
                family=f"{package}-family-{family:02d}",
                age_restricted=kind.age_restricted,
            )
        )
    return found


def _net(package: Package, kind: Kind, size: tuple[float, float, float], fullness: float) -> tuple[float, str]:
    """Net grams and the text on the label: g, or ml for fluids, in steps that shops have."""
    millilitres = math.prod(size) * 1e6 * _FILL[package] * fullness
    amount = millilitres if kind.fluid else millilitres * kind.density
    step = 5 if amount < 150 else 10 if amount < 600 else 20
    amount = step * max(1, round(amount / step))
    return amount * kind.density if kind.fluid else float(amount), f"{amount} {'ml' if kind.fluid else 'g'}"


def _price(amount: float) -> int:
    """Cents that end in 9 or 5, as on price tags."""
    tens = max(3, round(amount * 10))
    return tens * 10 + (9 if tens % 3 else 5)


def _brands(rng: np.random.Generator, count: int) -> list[str]:
    """Different invented words of three syllables."""
    words: dict[str, None] = {}
    while len(words) < count:
        middle = _MIDDLES[int(rng.integers(len(_MIDDLES)))]
        words[_HEADS[int(rng.integers(len(_HEADS)))] + middle + _TAILS[int(rng.integers(len(_TAILS)))]] = None
    return list(words)
