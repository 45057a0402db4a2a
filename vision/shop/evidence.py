"""What speaks for and against something having been taken: what the stages hand to ``attribution``.

Likelihoods are natural logarithms, relative to nothing having happened (0 says nothing either way).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Xyz = tuple[float, float, float]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reach:
    """A hand that was in a shelf.

    ``track_id`` is the floor track and ``hand`` 0 for the left, 1 for the right. The hand was inside from ``start_s``
    to ``end_s``, deepest at ``at_s`` (seconds, UTC) and ``xyz`` (metres), where ``person_xy`` was the person's place.
    ``slots`` are the slots that it may have been in, with probabilities that add up to 1 or less: the rest is for none.
    ``cameras`` saw the wrist.
    """

    track_id: int
    hand: int
    start_s: float
    end_s: float
    at_s: float
    xyz: Xyz
    person_xy: tuple[float, float]
    slots: Mapping[str, float]
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandChange:
    """What a hand held before and after a reach: the probability in [0, 1] that it held something, .5 where unseen.

    ``product`` spreads what was held while it was seen best over product ids; empty where that cannot be told.
    """

    before: float
    after: float
    product: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlotChange:
    """How a slot's pictures changed from before to after hands were there.

    ``gained`` has the log likelihood of so many packages more (negative: fewer) than before, ``misplaced`` and
    ``removed`` that something was put there that does not belong, and that such a thing went. ``cameras`` saw the slot
    both before and after, at ``before_s`` at the latest and from ``after_s`` on (seconds, UTC; NaN where none did):
    whatever happened to the slot between them is in it.
    """

    slot: str
    gained: Mapping[int, float]
    cameras: tuple[str, ...] = ()
    misplaced: float = 0.0
    removed: float = 0.0
    before_s: float = math.nan
    after_s: float = math.nan

    def log(self, gained: int) -> float:
        """The log likelihood of so many packages more; of more than ``gained`` has, that of the most it has."""
        if gained in self.gained or not gained:
            return self.gained.get(gained, 0.0)
        same = [number for number in self.gained if (number > 0) == (gained > 0)]
        return self.gained[max(same, key=abs)] if same else 0.0

    @property
    def most(self) -> float:
        """The log likelihood of the likeliest change."""
        return max([*self.gained.values(), self.misplaced, self.removed])


@dataclass(frozen=True, slots=True)
class Stop:
    """``track_id`` stood at ``xy`` (metres) before shelves from ``start_s`` to ``end_s`` (seconds, UTC).

    ``before`` and ``after`` are the probabilities in [0, 1] that the left and the right hand held something when the
    person came and when the person went on, .5 where nobody saw it.
    """

    track_id: int
    start_s: float
    end_s: float
    xy: tuple[float, float]
    before: Pair
    after: Pair


@dataclass(frozen=True, slots=True)
class PlateStep:
    """A plate's load changed by ``grams`` (negative: something was taken), known to ``sigma_g``, between ``start_s``
    and ``end_s`` (seconds, UTC).
    """

    plate: str
    start_s: float
    end_s: float
    grams: float
    sigma_g: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two people, ``tracks``, stood together from ``start_s`` to ``end_s``, nearest at ``at_s`` (seconds, UTC).

    ``before`` and ``after`` have, of each of them, the probabilities that the left and the right hand held something
    before they met and after they parted, .5 where nobody saw it. ``product`` spreads what was given, if anything was,
    over product ids; empty where that cannot be told.
    """

    tracks: tuple[int, int]
    start_s: float
    end_s: float
    at_s: float
    before: tuple[Pair, Pair]
    after: tuple[Pair, Pair]
    product: Mapping[str, float] = field(default_factory=dict)
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lying:
    """A thing was laid on the floor at ``xy`` (metres), or picked up there where it is ``gone``.

    ``number`` is the same for both. It happened after ``before_s`` and before ``after_s`` (seconds, UTC). ``products``
    has the log likelihood of each product (id), by size, empty where that is not known.
    """

    number: int
    xy: tuple[float, float]
    before_s: float
    after_s: float
    gone: bool
    products: Mapping[str, float] = field(default_factory=dict)
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A reach with what is known of it by now: what its hand held, and how its slots changed."""

    reach: Reach
    hand: HandChange | None
    changes: Sequence[SlotChange]


Evidence = Judged | SlotChange | Stop | Meeting | Lying
"""What cameras show; plates' steps come beside it."""
