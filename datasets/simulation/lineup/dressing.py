"""The same bodies in other clothes: cuts stay, cloth is painted anew, and people of one act share some of it."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from datasets.simulation.characters import Character
from datasets.simulation.people import textures
from datasets.simulation.people.build import Worn
from datasets.simulation.people.cast import character, person
from datasets.simulation.people.outfits import COLOURS
from datasets.simulation.people.textures import Colour, Fabric
from datasets.simulation.people.wardrobe import Bottom, Shoes, Top

_FIRST_GARMENT: Final = 2  # layers 0 and 1 of a character's textures are face and skin
_TOP_PATTERNS: Final = ("plain", "striped", "pinstriped", "checked", "printed", "two-tone", "melange")
_TOP_ODDS: Final = (0.46, 0.12, 0.06, 0.10, 0.12, 0.06, 0.08)
_BOTTOM_PATTERNS: Final = ("plain", "denim", "melange", "checked")
_BOTTOM_ODDS: Final = (0.48, 0.32, 0.12, 0.08)
_QUIET: Final = ("black", "navy", "grey", "olive", "brown", "beige", "blue", "light blue", "white")
_SHARED: Final = 0.5  # of garments come off the rack that all people of an act share


@dataclass(frozen=True, slots=True)
class Rack:
    """Cloth that several people wear: ``tops`` and ``bottoms``."""

    tops: tuple[Fabric, ...]
    bottoms: tuple[Fabric, ...]


def rack(rng: np.random.Generator, count: int = 4) -> Rack:
    """``count`` fabrics of either kind."""
    return Rack(tuple(top_fabric(rng, "") for _ in range(count)), tuple(bottom_fabric(rng, "") for _ in range(count)))


def redressed(seed: int, number: int, costume: int, shared: Rack) -> Character:
    """``character(seed, number)`` in its ``costume``-th clothes; some of the cloth is that of ``shared``.

    Cloth, its pattern and its colour are new; the body, its hair and the cuts are the same. Costs a tenth of a body.
    """
    one = character(seed, number)
    rng = np.random.default_rng([seed, number, 81, costume])
    outfit = person(seed, number).outfit
    paints = one.textures.copy()
    for layer, texture in enumerate(_painted(outfit, shared, rng), _FIRST_GARMENT):
        paints[layer] = texture
    return replace(one, name=f"{one.name}-costume-{costume}", textures=paints)


def _painted(outfit: Sequence[Worn], shared: Rack, rng: np.random.Generator) -> list[textures.Texture]:
    found: list[textures.Texture] = []
    new: dict[tuple[str, Colour], Fabric] = {}
    for worn in outfit:
        garment = worn.garment
        if isinstance(garment, Shoes):
            found.append(textures.shoes(_any_colour(rng, _QUIET), worn.sole, rng))
            continue
        # The two halves of a dress are of one cloth.
        key = (worn.fabric.pattern, worn.fabric.colour) if garment.name == "dress" else (garment.name, (0, 0, 0))
        if key not in new:
            new[key] = _cloth_for(garment, worn.fabric.trim, shared, rng)
        length = (0.75 + max(garment.hem_m - 0.05, 0.0), 0.3) if isinstance(garment, Top) else (1.15, 0.35)
        found.append(textures.cloth(new[key], *length, rng))
    return found


def _cloth_for(garment: Top | Bottom, trim: str, shared: Rack, rng: np.random.Generator) -> Fabric:
    if garment.name == "vest":
        return Fabric("plain", (222, 232, 44), trim="vest")
    upper = isinstance(garment, Top) or garment.name == "dress"
    pile = shared.tops if upper else shared.bottoms
    if rng.random() < _SHARED:
        return replace(pile[int(rng.integers(len(pile)))], trim=trim)
    return top_fabric(rng, trim) if upper else bottom_fabric(rng, trim)


def top_fabric(rng: np.random.Generator, trim: str) -> Fabric:
    """Cloth of any colour and pattern."""
    pattern = str(rng.choice(_TOP_PATTERNS, p=_TOP_ODDS))
    return Fabric(pattern, _any_colour(rng, tuple(COLOURS)), _any_colour(rng, tuple(COLOURS)), trim)


def bottom_fabric(rng: np.random.Generator, trim: str) -> Fabric:
    """Cloth as trousers and skirts have it: mostly quiet colours."""
    pattern = str(rng.choice(_BOTTOM_PATTERNS, p=_BOTTOM_ODDS))
    if pattern == "denim":
        blue = np.array([36.0, 48.0, 78.0]) + float(rng.uniform(0, 1)) * np.array([100.0, 110.0, 110.0])
        base: Colour = (int(blue[0]), int(blue[1]), int(blue[2]))
        return Fabric(pattern, base, (150, 170, 196), trim)
    return Fabric(pattern, _any_colour(rng, _QUIET), _any_colour(rng, tuple(COLOURS)), trim)


def _any_colour(rng: np.random.Generator, names: Sequence[str]) -> Colour:
    """Near a colour of the shop's wardrobe, or one time in four any other."""
    if rng.random() < 0.25:
        made = colorsys.hsv_to_rgb(float(rng.random()), float(rng.beta(1.2, 1.4)), float(rng.uniform(0.15, 0.9)))
        near = np.array(made) * 255.0
    else:
        near = np.array(COLOURS[names[int(rng.integers(len(names)))]]) + rng.normal(0.0, 9.0, 3)
    tone = np.clip(near, 16.0, 240.0)
    return int(tone[0]), int(tone[1]), int(tone[2])
