"""What one person is to do, step by step, before it is known when: input of the director.

Points in metres in the shop, headings in radians (0 along +x, counter-clockwise), times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from datasets.simulation.performance import Gesture


@dataclass(frozen=True, slots=True)
class Go:
    """Walk to ``xy`` and turn to ``heading`` (None keeps the way of arrival)."""

    xy: tuple[float, float]
    heading: float | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Stand and move the hands: ``gestures`` have times from the beginning of the step; it lasts ``duration_s``."""

    gestures: tuple[Gesture, ...]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Stand for ``duration_s``, or until ``until_s`` on the timeline's clock where that is later."""

    duration_s: float = 0.0
    until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Meet:
    """Stand until ``parties`` people have come to the step with this ``label``; all go on at the same moment."""

    label: str
    parties: int = 2


@dataclass(frozen=True, slots=True)
class Lay:
    """Stand until nobody's walk leads over ``xy``, where something is put down next: nobody steps on it from now on."""

    label: str
    xy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lift:
    """What was put down at the step ``Lay`` with this ``label`` is there no more."""

    label: str


Step = Go | Act | Wait | Meet | Lay | Lift


@dataclass(frozen=True, slots=True)
class Script:
    """One person's part: comes to life at ``start_s`` at ``xy`` with ``heading``, disappears when the last step ends.

    ``speed_mps`` is the walking speed, ``radius_m`` what the person (with a trolley: more) needs around the middle.
    """

    name: str
    start_s: float
    xy: tuple[float, float]
    heading: float
    steps: tuple[Step, ...]
    speed_mps: float = 1.1
    radius_m: float = 0.25
