"""A scenario that is nothing but reaching: few people who take, return, touch, rest and look at a dozen slots."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from datasets.simulation.scenario.schema import Scenario

NAME: Final = "reach_practice"
PEOPLE: Final = 2
BLOCKS: Final = 12  # of steps, a person
SLOTS: Final = "abcdef"
_BLOCKS: Final = {
    "take_away": 0.2,
    "take_and_return": 0.24,
    "put_elsewhere": 0.1,
    "touch": 0.16,
    "both": 0.08,
    "rest_and_take": 0.08,
    "several": 0.08,
    "browse": 0.06,
}


def practice(seed: int, draw: int = 0) -> Scenario:
    """The scenario that ``seed`` draws; it must still be played, by the same seed or another.

    Another ``draw`` is for a seed whose first cannot be played: nothing is put into another slot then, since that one
    may be full.
    """
    rng = np.random.default_rng([seed, 81] if draw == 0 else [seed, 81, draw])
    heights: list[list[str]] = [["low"], ["middle"], ["middle", "high"]]
    slots: dict[str, Any] = {
        name: {"height": heights[int(rng.choice(3, p=[0.25, 0.35, 0.4]))], "stock": 4} for name in SLOTS
    }
    slots["b"] = {"near": "a", "stock": 4}
    slots["x"] = {"gap": True, "height": "middle"}
    slots["y"] = {"gap": True}
    people = [_person(rng, number, elsewhere=draw == 0) for number in range(PEOPLE)]
    return Scenario.model_validate({"name": NAME, "slots": slots, "people": people})


def _person(rng: np.random.Generator, number: int, *, elsewhere: bool) -> dict[str, Any]:
    carrier = ("none", "basket", "bag", "trolley")[int(rng.choice(4, p=[0.25, 0.3, 0.3, 0.15]))]
    kinds, chances = zip(*_BLOCKS.items(), strict=True)
    does: list[Any] = []
    for kind in rng.choice(kinds, BLOCKS, p=chances):
        wanted = str(kind) if elsewhere or kind != "put_elsewhere" else "take_and_return"
        does += _block(rng, wanted, carrier != "none")
    return {
        "name": f"p{number}",
        "at_s": [2.5 * number, 2.5 * number + 2.0],
        "carrier": carrier,
        "speed_mps": [0.95, 1.35],
        "does": [*does, "leave"],
    }


def _block(rng: np.random.Generator, kind: str, carries: bool) -> list[Any]:
    """Some steps that begin and end with empty hands."""
    slot = str(rng.choice(list(SLOTS)))
    away: list[Any] = ["put_in_bag"] if carries else [{"wait": [0.3, 1.5]}, {"return": {"hold_s": [0, 0.4]}}]
    aside = round(float(rng.uniform(-0.3, 0.3)), 2)
    match kind:
        case "touch":
            return [{"touch": {"slot": slot, "for_s": [0.2, 2.0], "aside_m": aside}}]
        case "browse":
            return [{"browse": {"slot": slot, "for_s": [1, 3]}}]
        case "both":
            return [{"take": {"slot": slot, "hand": "both", "quantity": 2}}, *away, *away]
        case "rest_and_take":
            return [{"take": {"slot": slot, "hold_s": [0.8, 4.0]}}, *away]
        case "several" if carries:
            return [{"take": {"slot": slot, "quantity": int(rng.integers(2, 4)), "into": "bag"}}]
        case "put_elsewhere":
            return [{"take": slot}, {"return": {"slot": str(rng.choice(["x", "y"]))}}]
        case "take_and_return":
            return [{"take": {"slot": slot, "aside_m": aside}}, {"wait": [0.0, 2.0]}, "return"]
        case _:
            return [{"take": slot}, *away]
