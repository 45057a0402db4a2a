"""How far to believe a comparison of a slot: by how many cameras made it, and whether anybody stood there.

A network tells what one camera sees; cameras err together, and bodies, arms and shadows look like changes. How often
slots had changed, given what was told of them, is counted on simulated runs whose truth is known, and fitted by
logistic regression: ``python -m training.slot_trust``. The numbers here are that fit's for seeds 500, 501 and 506,
drawn towards less by judgement where there were few changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from vision.shop.evidence import SlotChange


@dataclass(frozen=True, slots=True)
class Trust:
    """A log likelihood x by c cameras is worth ``scale`` x + ``camera`` c + ``offset``, ``alone`` less by one camera,
    within -``most`` and ``most``; of something foreign ``foreign`` at most: arms look foreign.
    """

    scale: float
    camera: float
    offset: float
    alone: float
    most: float
    foreign: float

    def of(self, log: float, cameras: int) -> float:
        """What a log likelihood is worth."""
        found = self.scale * log + self.camera * cameras + self.offset - (self.alone if cameras == 1 else 0.0)
        return min(max(found, -self.most), self.most)


FREE: Final = Trust(2.5, 0.36, 2.2, 1.4, 8.0, 8.0)
"""Nobody is there any more."""
STAYING: Final = Trust(1.2, 0.6, 0.0, 0.6, 6.0, 1.0)
"""Somebody stands there; looks between arms."""
REACHING: Final = Trust(1.2, 0.7, -0.7, 0.0, 6.0, 1.0)
"""A moment after a hand was there."""


Believe = Callable[[SlotChange, Trust], SlotChange]
"""What a comparison made under some circumstances is worth."""


def trusted(change: SlotChange, trust: Trust) -> SlotChange:
    """The same change with what it is worth; how many packages it was is told by the same differences as before."""
    count = len(change.cameras)
    if not count:
        return change
    best = max(change.gained.values(), default=0.0)
    shift = trust.of(best, count) - best
    return replace(
        change,
        gained={number: log + shift for number, log in change.gained.items()},
        # Where packages are gone a hole looks as if something foreign went: that is worth no more than beside them.
        misplaced=min(trust.of(change.misplaced, count), change.misplaced + shift, trust.foreign),
        removed=min(trust.of(change.removed, count), change.removed + shift, trust.foreign),
    )
