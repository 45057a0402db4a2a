"""A skeleton's measures: what the poser must know of a body."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from datasets.simulation.characters import Character, Skeleton
from datasets.simulation.motion.turns import Array, cross, frame, unit

T = TypeVar("T")

SIDES = ("l", "r")
FINGERS = ("index", "middle", "ring", "pinky")
NEEDED = (
    "pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head",
    *(f"{part}_{side}" for side in SIDES for part in (
        "clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball",
        "index_01", "middle_01", "pinky_01",
    )),
)  # fmt: skip


class SkeletonError(ValueError):
    """A skeleton that cannot be posed."""


@dataclass(frozen=True, eq=False)
class Limb:
    """Two bones and what hangs on them, at rest: an arm to the hand or a leg to the foot.

    ``bones`` are the indices of upper, lower and end bone; ``upper_m`` and ``lower_m`` lengths; ``upper_frame`` and
    ``lower_frame`` (3, 3) hold in columns the bone's direction, the hinge's axis and their cross product.
    """

    bones: tuple[int, int, int]
    upper_m: float
    lower_m: float
    upper_frame: Array
    lower_frame: Array

    @property
    def length_m(self) -> float:
        """Stretched."""
        return self.upper_m + self.lower_m


@dataclass(frozen=True, eq=False)
class Foot:
    """A foot at rest relative to the ankle: the points (3,) it can roll over, the ``heel``'s edge on the floor and the
    ``ball``, the joint of the toes, and the tip of the ``toes``. ``ankle_m`` is the ankle's height.
    """

    ankle_m: float
    heel: Array
    ball: Array
    toes: Array


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand at rest relative to the wrist: the palm's middle (3,) and in ``frame`` columns along the fingers, towards
    the thumb, and their cross product.
    """

    palm: Array
    frame: Array


@dataclass(frozen=True, eq=False)
class Body:
    """Measures of ``skeleton``; pairs are left, right. ``hips`` (3,) is the middle of the hip joints at rest."""

    skeleton: Skeleton
    height_m: float
    hips: Array
    hip_half_m: float
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]
    feet: tuple[Foot, Foot]
    hands: tuple[Hand, Hand]

    @property
    def leg_m(self) -> float:
        """From hip to ankle, stretched."""
        return self.legs[0].length_m

    @property
    def shoulder_m(self) -> float:
        """Height of the shoulder joints at rest."""
        return float(self.skeleton.heads[self.arms[0].bones[0], 2])

    @property
    def reach_m(self) -> float:
        """From the shoulder joint to the palm of a stretched arm."""
        return self.arms[0].length_m + float(np.linalg.norm(self.hands[0].palm))


def measure(character: Character | Skeleton) -> Body:
    """The measures of a character's skeleton.

    Raises SkeletonError where a bone is missing or a bone comes before its parent.
    """
    return _measure(character if isinstance(character, Skeleton) else character.skeleton)


@lru_cache(maxsize=256)
def _measure(skeleton: Skeleton) -> Body:
    missing = [name for name in NEEDED if name not in skeleton.names]
    if missing:
        raise SkeletonError(f"the skeleton lacks {', '.join(missing)}; build it on MakeHuman's game_engine rig")
    if (skeleton.parents >= np.arange(len(skeleton.parents))).any():
        raise SkeletonError("a bone comes before its parent; order the bones from the root to the tips")
    heads = skeleton.heads

    def limb(upper: str, lower: str, end: str, hinge: Array | None) -> Limb:
        bones = (skeleton.index(upper), skeleton.index(lower), skeleton.index(end))
        first, second = heads[bones[1]] - heads[bones[0]], heads[bones[2]] - heads[bones[1]]
        axis = cross(first, second) if hinge is None else hinge
        return Limb(
            bones, float(np.linalg.norm(first)), float(np.linalg.norm(second)), frame(first, axis), frame(second, axis)
        )

    right = np.array([1.0, 0.0, 0.0])
    thighs = [heads[skeleton.index(f"thigh_{side}")] for side in SIDES]
    return Body(
        skeleton=skeleton,
        height_m=float(skeleton.tails[skeleton.index("head"), 2]),
        hips=(thighs[0] + thighs[1]) / 2,
        hip_half_m=float(thighs[1][0] - thighs[0][0]) / 2,
        arms=_pair(limb(f"upperarm_{s}", f"lowerarm_{s}", f"hand_{s}", None) for s in SIDES),
        legs=_pair(limb(f"thigh_{s}", f"calf_{s}", f"foot_{s}", -right) for s in SIDES),
        feet=_pair(_foot(skeleton, s) for s in SIDES),
        hands=_pair(_hand(skeleton, s) for s in SIDES),
    )


def _pair(pair: Iterable[T]) -> tuple[T, T]:
    left, right = pair
    return left, right


def _foot(skeleton: Skeleton, side: str) -> Foot:
    ankle, ball = (skeleton.heads[skeleton.index(f"{part}_{side}")] for part in ("foot", "ball"))
    toes = skeleton.tails[skeleton.index(f"ball_{side}")]
    long = float(np.linalg.norm((toes - ankle)[:2]))
    down = np.array([0.0, 0.0, -ankle[2]])
    # The heel's edge lies about a quarter of the foot's visible length behind the ankle.
    heel = np.array([0.0, -0.25 * long, 0.0]) + down
    return Foot(float(ankle[2]), heel, ball - ankle, toes - ankle)


def _hand(skeleton: Skeleton, side: str) -> Hand:
    wrist, middle, index, pinky = (
        skeleton.heads[skeleton.index(f"{part}_{side}")] for part in ("hand", "middle_01", "index_01", "pinky_01")
    )
    return Hand(0.65 * (middle - wrist), frame(unit(middle - wrist), index - pinky))
