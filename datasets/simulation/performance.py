"""What one person does, as numbers in time: where the body goes and what the hands do. Input of the poser.

Times are seconds from the start of the timeline; hands are 0 (left) and 1 (right); headings are radians, 0 along +x,
counter-clockwise; points are metres in the shop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LEFT, RIGHT = 0, 1

Footprint = tuple[tuple[float, float], ...]
"""The four corners (x, y) of a rectangle on the floor, in order around it."""


class Motion(StrEnum):
    """What a hand does."""

    TAKE = "take"  # reach to ``target``, close the hand, draw back with the item
    PUT = "put"  # the same with an item in the hand, which stays at ``target``
    TOUCH = "touch"  # reach to ``target`` and back, nothing changes hands
    BAG = "bag"  # put what the hand holds into the bag, basket or trolley
    POCKET = "pocket"  # the same into a trouser or jacket pocket
    GIVE = "give"  # hold out to ``target`` to another's hand
    RECEIVE = "receive"  # hold out an empty hand to ``target``, draw back with the item
    DROP = "drop"  # put down on the floor at ``target``


@dataclass(frozen=True, slots=True)
class Gesture:
    """One movement of one hand: begins at ``start_s``, the palm is at ``target`` from ``contact_s`` to ``release_s``,
    ends at ``end_s``.

    ``target`` (x, y, z) is where the palm's middle shall be; ``normal`` (x, y), a unit vector, points from a shelf to
    the shopper: the hand enters and leaves against and along it. ``inside_m`` is how far the target lies behind the
    shelf's front: the deeper, the straighter the forearm goes in.

    An item changes its place at ``release_s``, whatever the motion: until then it stays where it was (a long TAKE is a
    hand that rests on an item), from then on it moves with the hand, lies where it was put, or is out of sight.
    """

    motion: Motion
    hand: int
    start_s: float
    contact_s: float
    release_s: float
    end_s: float
    target: tuple[float, float, float] | None = None
    normal: tuple[float, float] | None = None
    inside_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """From ``start_s`` to ``end_s`` the ``hand`` holds an item of ``size_m`` (width, depth, height)."""

    hand: int
    start_s: float
    end_s: float
    size_m: tuple[float, float, float]


class Carrier(StrEnum):
    """What a person brings along to put things in."""

    NONE = "none"
    BASKET = "basket"  # hangs from the left hand, or from the elbow while that hand is needed
    TROLLEY = "trolley"  # a basket on wheels, pushed ahead
    BAG = "bag"  # a tote bag on the left shoulder


@dataclass(frozen=True, eq=False)
class Walk:
    """The body's path: ``time_s`` (n,) rising in even steps, ``xy`` (n, 2), ``heading`` (n,) unwrapped radians.

    The person is in the shop from the first time to the last.
    """

    time_s: NDArray[np.float64]
    xy: NDArray[np.float64]
    heading: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Performance:
    """All that one person does. ``furniture`` are the footprints that a trolley keeps out of."""

    walk: Walk
    gestures: tuple[Gesture, ...] = ()
    holds: tuple[Hold, ...] = ()
    carrier: Carrier = Carrier.NONE
    furniture: tuple[Footprint, ...] = ()


@dataclass(frozen=True, eq=False)
class Poses:
    """Bones in the shop at some times: ``rotation`` float64 (times, bones, 3, 3) applied to the rest pose, ``joint``
    (times, bones, 3) the bones' heads in metres. ``palm`` (times, 2, 3) and ``palm_rotation`` (times, 2, 3, 3) are
    where a held item hangs: axes x to the item's right, y away from the person, z up through the item. ``carrier``
    (times, 4, 4) places the basket, trolley or bag (its own origin: see ``datasets.simulation.furnishing.props``).
    """

    rotation: NDArray[np.float64]
    joint: NDArray[np.float64]
    palm: NDArray[np.float64]
    palm_rotation: NDArray[np.float64]
    carrier: NDArray[np.float64]
