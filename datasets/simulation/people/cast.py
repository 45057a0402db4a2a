"""The people of a seed: who they are and what they wear."""

from __future__ import annotations

import numpy as np

from datasets.simulation.characters import Character, Traits
from datasets.simulation.people.build import Worn, build
from datasets.simulation.people.face import Face
from datasets.simulation.people.shape import Shape, age_parameter
from datasets.simulation.people.textures import Fabric
from datasets.simulation.people.wardrobe import Bottom, Shoes, Top

_COLOURS = {
    "white": (225, 225, 222),
    "black": (32, 32, 36),
    "grey": (120, 122, 126),
    "navy": (34, 44, 82),
    "blue": (52, 92, 168),
    "light blue": (140, 178, 214),
    "red": (168, 42, 44),
    "green": (52, 112, 72),
    "olive": (98, 100, 62),
    "beige": (196, 178, 146),
    "pink": (220, 150, 170),
    "yellow": (214, 178, 66),
    "burgundy": (98, 30, 44),
    "teal": (30, 116, 122),
}
VEST = Top("vest", sleeve=0.0, hem_m=0.02, ease_m=0.026, neck_m=0.04, vee=True)
_TOPS = (
    Top("T-shirt", sleeve=0.38, hem_m=0.06, ease_m=0.012),
    Top("shirt", sleeve=0.97, hem_m=0.05, ease_m=0.012),
    Top("jacket", sleeve=1.0, hem_m=0.08, ease_m=0.028),
)
_BOTTOMS = (
    Bottom("trousers", hem=-0.01, ease_m=0.014),
    Bottom("shorts", hem=0.45, ease_m=0.02),
    Bottom("skirt", hem=0.42, ease_m=0.01, skirt=True),
)
_SKIN = ((238, 200, 178), (222, 178, 148), (198, 150, 118), (160, 112, 82), (120, 80, 58), (84, 56, 44))
_HAIR = ((28, 24, 22), (58, 40, 28), (98, 68, 42), (168, 130, 82), (120, 116, 112), (190, 186, 180))


def character(seed: int, number: int, staff: bool = False) -> Character:
    """Person ``number`` of ``seed``; ``staff`` wears the vest."""
    rng = np.random.default_rng([seed, number, 71])
    gender = float(rng.random() < 0.5)
    years = float(rng.uniform(20, 78))
    height = float(np.clip(rng.normal(1.64 + 0.13 * gender, 0.07), 1.50, 1.98))
    build_ = float(rng.uniform(0.25, 0.85))
    top = _TOPS[rng.integers(len(_TOPS))]
    bottom = _BOTTOMS[rng.integers(3 if gender < 0.5 else 2)]
    names = list(_COLOURS)
    top_colour, bottom_colour = names[rng.integers(len(names))], names[rng.integers(len(names))]
    skin = _SKIN[rng.integers(len(_SKIN))]
    hair = _HAIR[rng.integers(len(_HAIR))]
    traits = Traits(
        height_m=height,
        age=years,
        build=build_,
        gender=gender,
        skin=skin,
        hair=hair,
        hair_style=("short", "full", "cropped")[rng.integers(3)],
        top=f"{top_colour} {top.name}",
        bottom=f"{bottom_colour} {bottom.name}",
        vest=staff,
    )
    shape = Shape(gender, age_parameter(years), float(rng.uniform(0.35, 0.7)), build_, 0.5)
    outfit = [
        Worn(
            top,
            Fabric(
                ("plain", "striped", "checked", "printed")[rng.integers(4)],
                _COLOURS[top_colour],
                trim="zip" if top.name == "jacket" else "buttons",
            ),
        ),
        Worn(bottom, Fabric("denim", _COLOURS[bottom_colour], trim="trousers")),
        Worn(Shoes("shoes"), Fabric("plain", (70, 68, 68)), sole=(200, 200, 200)),
    ]
    if staff:
        outfit.insert(0, Worn(VEST, Fabric("plain", (225, 235, 40), trim="vest")))
    face = Face(skin, hair, 1.0, 0.0 if gender < 0.5 else 0.5, 0.5)
    return build(f"{seed}-{number}", traits, shape, outfit, face, rng)


def cast(seed: int, count: int, staff: int = 0) -> tuple[Character, ...]:
    """``count`` people of ``seed``, the last ``staff`` of them in vests."""
    return tuple(character(seed, number, staff=number >= count - staff) for number in range(count))
