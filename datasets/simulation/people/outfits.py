"""What people wear: kinds of garments, fabrics that go with them, colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.simulation.people.build import Worn
from datasets.simulation.people.textures import Colour, Fabric
from datasets.simulation.people.wardrobe import Bottom, Shoes, Top

COLOURS: dict[str, Colour] = {
    "white": (226, 226, 222),
    "black": (34, 34, 38),
    "grey": (124, 126, 130),
    "navy": (34, 44, 82),
    "blue": (52, 92, 168),
    "light blue": (146, 182, 216),
    "red": (170, 42, 44),
    "green": (48, 112, 70),
    "olive": (98, 100, 62),
    "beige": (200, 182, 150),
    "pink": (222, 156, 176),
    "yellow": (216, 180, 70),
    "burgundy": (100, 32, 46),
    "teal": (30, 116, 122),
    "orange": (206, 108, 44),
    "purple": (98, 62, 128),
    "brown": (104, 76, 54),
}
_PLAIN_WEIGHT = 5.0
_NAMED_PATTERNS = ("striped", "pinstriped", "checked")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Garments of one cut: the patterns and colours they come in; ``women`` is for women only."""

    cut: Top | Bottom
    patterns: tuple[str, ...]
    colours: tuple[str, ...]
    trim: str = ""
    women: bool = False


_ALL = tuple(COLOURS)
_QUIET = ("white", "grey", "navy", "blue", "light blue", "beige", "olive", "burgundy", "pink", "green")
_DARK = ("black", "grey", "navy", "olive", "brown", "burgundy", "teal", "beige", "red", "blue")
_TEE = Top("T-shirt", sleeve=0.40, hem_m=0.05, ease_m=0.010)
_POLO = Top("polo shirt", sleeve=0.38, hem_m=0.05, ease_m=0.010, collar_m=0.012)
_SHIRT = Top("shirt", sleeve=0.97, hem_m=0.07, ease_m=0.012, collar_m=0.02)
_SWEATER = Top("sweater", sleeve=0.99, hem_m=0.05, ease_m=0.018, neck_m=0.01)
_HOODIE = Top("hoodie", sleeve=0.99, hem_m=0.06, ease_m=0.022, neck_m=0.012, hood=True)
_JACKET = Top("jacket", sleeve=1.0, hem_m=0.05, ease_m=0.026, collar_m=0.03)
_COAT = Top("coat", sleeve=1.0, hem_m=0.30, ease_m=0.026, collar_m=0.03)
_BLOUSE = Top("blouse", sleeve=0.75, hem_m=0.02, ease_m=0.012, neck_m=0.03, vee=True)
_DRESS = Top("dress", sleeve=0.35, hem_m=-0.02, ease_m=0.010, neck_m=0.035)

_TOPS = (
    _Kind(_TEE, ("plain", "striped", "printed", "printed"), _ALL),
    _Kind(_POLO, ("plain", "striped", "two-tone"), _QUIET, "buttons"),
    _Kind(_SHIRT, ("plain", "striped", "checked", "checked", "pinstriped"), _QUIET, "buttons"),
    _Kind(_SWEATER, ("plain", "melange", "striped"), _ALL),
    _Kind(_HOODIE, ("plain", "melange", "printed"), _DARK),
    _Kind(_JACKET, ("plain", "plain", "two-tone"), _DARK, "zip"),
    _Kind(_COAT, ("plain", "melange"), ("black", "grey", "navy", "beige", "brown"), "buttons"),
    _Kind(_BLOUSE, ("plain", "pinstriped", "printed"), _QUIET, women=True),
    _Kind(_DRESS, ("plain", "striped", "checked"), _ALL, women=True),
)
_JEANS = Bottom("jeans", hem=-0.01, ease_m=0.012)
_TROUSERS = Bottom("trousers", hem=-0.02, ease_m=0.017)
_SHORTS = Bottom("shorts", hem=0.46, ease_m=0.022)
_LEGGINGS = Bottom("leggings", hem=0.02, ease_m=0.002)
_SKIRT = Bottom("skirt", hem=0.42, ease_m=0.006, skirt=True)
_LONG_SKIRT = Bottom("long skirt", hem=0.16, ease_m=0.006, skirt=True)
VEST = Top("vest", sleeve=0.0, hem_m=0.03, ease_m=0.030, neck_m=0.03, vee=True)

Deck = list[tuple[_Kind, str, str]]


def deck(rng: np.random.Generator) -> Deck:
    """Every top in every pattern and colour once, shuffled so that cuts come evenly and plain cloth sooner."""
    piles: list[Deck] = []
    for kind in _TOPS:
        pile = [(kind, pattern, colour) for pattern in dict.fromkeys(kind.patterns) for colour in kind.colours]
        # The last is dealt first: plain cloth, which most people wear, the sooner.
        late = rng.exponential(size=len(pile)) / [_PLAIN_WEIGHT if card[1] == "plain" else 1.0 for card in pile]
        piles.append([pile[k] for k in np.argsort(-late)])
    # T-shirts and shirts are worn twice as often as the rest.
    order = [*range(len(piles)), 0, 2]
    drawn: Deck = []
    while all(piles):
        for k in rng.permutation(len(order)):
            if piles[order[k]]:
                drawn.append(piles[order[k]].pop())
    return drawn


def dressed(
    card: tuple[_Kind, str, str], woman: bool, staff: bool, rng: np.random.Generator
) -> tuple[list[Worn], str, str]:
    """The garments from the outermost to the innermost, and the words for top and bottom."""
    kind, pattern, colour = card
    second = _second(colour, rng)
    top = Worn(kind.cut, Fabric(pattern, COLOURS[colour], COLOURS[second], kind.trim))
    words = _called(kind.cut.name, pattern, colour, second)
    if kind.cut is _DRESS:
        fabric = Fabric(pattern, COLOURS[colour], COLOURS[second])
        skirt = Bottom("dress", hem=float(rng.uniform(0.3, 0.5)), ease_m=0.006, skirt=True)
        clothes, lower = [Worn(skirt, fabric), Worn(kind.cut, fabric)], words
    else:
        bottom, lower = _bottom(woman, staff, rng)
        skirt_over = isinstance(bottom.garment, Bottom) and bottom.garment.skirt and kind.cut in (_TEE, _BLOUSE, _SHIRT)
        clothes = [bottom, top] if skirt_over else [top, bottom]
    clothes.append(_shoes(woman, rng))
    if staff:
        clothes.insert(0, Worn(VEST, Fabric("plain", (222, 232, 44), trim="vest")))
    return clothes, words, lower


def _bottom(woman: bool, staff: bool, rng: np.random.Generator) -> tuple[Worn, str]:
    kinds = [_JEANS, _TROUSERS, _SHORTS, _LEGGINGS, _SKIRT, _LONG_SKIRT]
    odds = [0.38, 0.17, 0.08, 0.15, 0.15, 0.07] if woman else [0.5, 0.34, 0.16, 0.0, 0.0, 0.0]
    cut = _TROUSERS if staff else kinds[int(rng.choice(6, p=odds))]
    if cut is _JEANS:
        name = str(rng.choice(["blue", "navy", "light blue", "black", "grey"]))
        washed: Colour = (150, 170, 196) if "blue" in name or name == "navy" else (150, 150, 152)
        base = {"blue": (58, 82, 124), "navy": (36, 48, 78), "light blue": (112, 142, 178)}.get(name, COLOURS[name])
        return Worn(cut, Fabric("denim", base, washed, "trousers")), f"{name} jeans"
    names = ["black", "navy", "grey", "olive", "brown", "beige"]
    if cut in (_SHORTS, _SKIRT, _LONG_SKIRT):
        names += ["blue", "red", "green", "white"]
    name = str(rng.choice(names[:3] if staff or cut is _LEGGINGS else names))
    pattern = str(rng.choice(["plain", "plain", "checked" if cut in (_SKIRT, _LONG_SKIRT) else "melange"]))
    trim = "trousers" if cut in (_TROUSERS, _SHORTS) else ""
    second = _second(name, rng)
    return Worn(cut, Fabric(pattern, COLOURS[name], COLOURS[second], trim)), _called(cut.name, pattern, name, second)


def _shoes(woman: bool, rng: np.random.Generator) -> Worn:
    kind = int(rng.integers(3))
    if kind == 0:
        colour = COLOURS[str(rng.choice(["white", "grey", "navy", "red", "black", "pink" if woman else "green"]))]
        return Worn(Shoes("sneakers"), Fabric("plain", colour), sole=(214, 214, 210))
    colour = COLOURS[str(rng.choice(["black", "brown", "black", "grey", "beige"]))]
    return Worn(Shoes("boots", 0.09) if kind == 1 else Shoes("shoes"), Fabric("plain", colour), sole=(46, 42, 40))


def _second(colour: str, rng: np.random.Generator) -> str:
    light = sum(COLOURS[colour]) > 380
    others = ["navy", "black", "red", "green", "blue"] if light else ["white", "beige", "light blue", "yellow", "grey"]
    return str(rng.choice([name for name in others if name != colour]))


def _called(name: str, pattern: str, colour: str, second: str) -> str:
    if pattern == "printed":
        return f"{colour} {name} with a {second} print"
    if pattern == "two-tone":
        return f"{colour} and {second} {name}"
    return f"{colour} {pattern} {name}" if pattern in _NAMED_PATTERNS else f"{colour} {name}"
