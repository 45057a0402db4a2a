"""The networks that a shop is watched with."""

from __future__ import annotations

from dataclasses import dataclass

from models.hands import open_hand_reader
from models.joints import PosedDetector, open_joint_finder
from models.people import PersonDetector, open_person_detector
from vision.shop.hands import Reads


@dataclass(frozen=True, slots=True)
class Networks:
    """``eyes`` find people with their joints, ``hands`` reads what they hold; None: nothing does."""

    eyes: PersonDetector
    hands: Reads | None = None


def open_networks(
    people: str = "aisle-people",
    joints: str = "aisle-joints",
    hands: str | None = "aisle-hands",
    *,
    size: tuple[int, int] | None = None,
    threads: int | None = None,
) -> Networks:
    """Open the networks by their names; ``size`` is the detector's input (width, height), its own where it is None.

    Raises what ``open_person_detector``, ``open_joint_finder`` and ``open_hand_reader`` raise.
    """
    eyes = PosedDetector(
        open_person_detector(people, size=size, threads=threads), open_joint_finder(joints, threads=threads)
    )
    return Networks(eyes, None if hands is None else open_hand_reader(hands, threads=threads))
