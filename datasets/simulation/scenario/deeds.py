"""What a movement of a hand does to a package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from datasets.simulation.performance import Gesture, Motion
from store.catalogue import Product

Kind = Literal["take", "put", "touch", "store", "fetch", "give", "receive", "drop", "pick_up"]
Inside = Literal["bag", "pocket", "crate"]


@dataclass(eq=False, slots=True)
class Token:
    """A package that is spoken of before it is known which one it will be."""

    product: Product
    slot: str | None  # the slot that it belongs in
    taken_from: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Deed:
    """What gesture number ``gesture`` of the Act that is step number ``step`` does.

    ``where`` begins messages. ``beside_m`` is how far along the slot the hand goes. ``own`` says that the slot holds
    this product. ``pose`` (4x4 in rows) is where a dropped package lies. ``asked_s`` is when a list wants it done.
    """

    kind: Kind
    where: str
    step: int
    gesture: int
    hand: int
    token: Token
    slot: str | None = None
    beside_m: float = 0.0
    own: bool = True
    inside: Inside = "bag"
    other: int | None = None
    other_hand: int | None = None
    pose: tuple[tuple[float, ...], ...] | None = None
    asked_s: float | None = None


# Seconds from a gesture's start to the hand's arrival, and from its release to its end, where no target tells.
_INTO = {Motion.BAG: (0.65, 0.5), Motion.POCKET: (0.7, 0.55)}
GRASP_S = 0.28  # a hand closes or opens on a package


def stowing(motion: Motion, hand: int) -> Gesture:
    """A gesture into (or out of) bag, basket, trolley or pocket, from the beginning of its step."""
    there, back = _INTO[motion]
    return Gesture(motion, hand, 0.0, there, there + GRASP_S, there + GRASP_S + back)
