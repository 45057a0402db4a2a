"""The people of a seed: who they are and what they wear."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from datasets.simulation.characters import Character, Traits
from datasets.simulation.people.build import Person, build
from datasets.simulation.people.face import Face
from datasets.simulation.people.outfits import COLOURS, Deck, deck, dressed
from datasets.simulation.people.shape import Shape, age_parameter
from datasets.simulation.people.shelf import keep, kept
from datasets.simulation.people.textures import Colour

# Skin in sRGB that goes with MakeHuman's three ancestries; people are mixtures, lighter or darker.
_SKIN = {"african": (104, 70, 52), "asian": (218, 172, 138), "caucasian": (234, 192, 168)}
_HAIR: tuple[Colour, ...] = ((30, 26, 24), (54, 38, 28), (88, 60, 40), (128, 92, 56), (176, 138, 88), (122, 62, 36))
_GREY: tuple[Colour, ...] = ((126, 122, 118), (176, 172, 166), (204, 200, 194))
_TEENAGER_EVERY = 20
_HEADS = ("oval", "round", "rectangular", "square", "triangular", "diamond", "invertedtriangular")


def cast(seed: int, count: int, staff: int = 0) -> tuple[Character, ...]:
    """``count`` people of ``seed``, the last ``staff`` of them in vests. The same seed gives the same people."""
    return tuple(character(seed, number, staff=number >= count - staff) for number in range(count))


@lru_cache(maxsize=128)
def character(seed: int, number: int, staff: bool = False) -> Character:
    """Person ``number`` (from 0) of ``seed``; ``staff`` wears the vest. No two of a seed's first 90 are dressed alike.

    Built once (about half a second) and kept on disk.
    """
    name = f"{seed}-{number}{'-staff' if staff else ''}"
    found = kept(name)
    if found is None:
        # Another stream than the description's: a new trait does not repaint everyone.
        found = build(name, person(seed, number, staff), np.random.default_rng([seed, number, 72]))
        keep(found)
    return found


def person(seed: int, number: int, staff: bool = False) -> Person:
    """The description of ``character(seed, number, staff)``, at no cost."""
    cards, teenager = _seeded(seed)
    card = cards[number % len(cards)]
    rng = np.random.default_rng([seed, number, 71])
    gender = 0.0 if card[0].women else float(rng.random() < 0.6)
    woman = gender < 0.5
    years = float(np.clip(rng.gamma(6.0, 4.2) + 18.0, 20.0, 80.0))
    if number % _TEENAGER_EVERY == teenager and not staff:
        years = float(rng.uniform(16.0, 18.9))
    height = float(np.clip(rng.normal(1.645 if woman else 1.775, 0.075), 1.50, 1.98))
    if years < 19.0:
        height = min(height, 1.72)
    stout = float(np.clip(rng.beta(2.2, 2.6), 0.05, 0.95))
    ancestry = dict(zip(_SKIN, rng.dirichlet([0.45, 0.4, 0.7]).tolist(), strict=True))
    skin = _skin(ancestry, rng)
    hair, style, headgear = _hair(woman, years, ancestry["african"], rng)
    clothes, top, bottom = dressed(card, woman, staff, rng)
    traits = Traits(
        height_m=height,
        age=years,
        build=stout,
        gender=gender,
        skin=skin,
        hair=hair,
        hair_style=headgear[0] if headgear is not None else style,
        top=top,
        bottom=bottom,
        vest=staff,
    )
    shape = Shape(
        gender=gender,
        age=age_parameter(years),
        muscle=float(np.clip(rng.normal(0.5, 0.12), 0.2, 0.8)),
        weight=0.28 + 0.62 * stout,
        height=_height_parameter(height, gender),
        proportions=float(rng.uniform(0.4, 0.9)),
        ancestry=ancestry,
        details=_details(rng),
    )
    face = Face(
        skin=skin,
        hair=hair,
        scalp=0.25 if style == "bald" else 0.9,
        beard=0.0 if woman or years < 20.0 else float(rng.choice([0.06, 0.15, 0.3, 0.85])),
        lips=float(rng.uniform(0.2, 1.0)) if woman else 0.1,
    )
    return Person(traits, shape, tuple(clothes), face, style, headgear)


@lru_cache(maxsize=8)
def _seeded(seed: int) -> tuple[Deck, int]:
    rng = np.random.default_rng([seed, 70])
    return deck(rng), int(rng.integers(_TEENAGER_EVERY))


def _skin(ancestry: dict[str, float], rng: np.random.Generator) -> Colour:
    mixed = sum(share * np.array(_SKIN[name], np.float64) for name, share in ancestry.items())
    tone = np.clip(mixed * rng.normal(1.0, 0.06) * rng.normal(1.0, 0.015, 3), 40.0, 245.0)
    return int(tone[0]), int(tone[1]), int(tone[2])


def _hair(
    woman: bool, years: float, african: float, rng: np.random.Generator
) -> tuple[Colour, str, tuple[str, Colour] | None]:
    colour = _HAIR[int(rng.integers(2 if african > 0.5 else len(_HAIR)))]
    if rng.random() < (years - 38.0) / 30.0:
        colour = _GREY[int(rng.integers(len(_GREY)))]
    if woman:
        style = str(
            rng.choice(["bob", "long", "bun", "ponytail", "short", "full"], p=[0.22, 0.26, 0.16, 0.2, 0.08, 0.08])
        )
    else:
        bald = 0.04 if years < 40.0 else 0.22
        style = str(rng.choice(["bald", "cropped", "short", "full"], p=[bald, 0.3, 0.46, 0.24 - bald]))
    if african > 0.6 and rng.random() < 0.35:
        style = "afro" if rng.random() < 0.4 else "cropped"
    headgear = None
    if style in ("bald", "cropped", "short") and rng.random() < 0.25:
        style = "bald" if style == "bald" else "painted"
        worn = COLOURS[str(rng.choice(["navy", "black", "red", "grey", "beige", "olive"]))]
        headgear = (str(rng.choice(["cap", "cap", "beanie"])), worn)
    return colour, style, headgear


def _height_parameter(height_m: float, gender: float) -> float:
    """MakeHuman's height that is about ``height_m``: its young adults of 0.5 are 1.605 m (women) and 1.748 m (men)
    tall, and change by 0.73 m per unit below and 1.45 m above.
    """
    missing = height_m - (1.605 + 0.143 * gender)
    return float(np.clip(0.5 + missing / (0.73 if missing < 0.0 else 1.45), 0.25, 0.75))


def _details(rng: np.random.Generator) -> dict[str, float]:
    details = {f"head/head-{_HEADS[int(rng.integers(len(_HEADS)))]}": float(rng.uniform(0.2, 0.8))}
    for name, low, high in (
        ("nose/nose-scale-horiz", "decr", "incr"),
        ("nose/nose-scale-depth", "decr", "incr"),
        ("chin/chin-width", "decr", "incr"),
        ("head/head-scale-horiz", "decr", "incr"),
        ("torso/torso-vshape", "decr", "incr"),
    ):
        value = float(rng.uniform(-0.6, 0.6))
        details[f"{name}-{low if value < 0.0 else high}"] = abs(value)
    return details
