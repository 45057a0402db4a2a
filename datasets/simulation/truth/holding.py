"""Which hand holds what, and when: from a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Held:
    """``product`` is in ``hand`` (0 left, 1 right) of ``track_id`` from ``start_s`` to ``end_s`` (seconds, UTC)."""

    track_id: str
    hand: int
    start_s: float
    end_s: float
    product: str


@dataclass(frozen=True, slots=True)
class Holding:
    """All that hands of a run hold, each time once."""

    held: tuple[Held, ...]

    @classmethod
    def of(cls, timeline: Timeline) -> Self:
        """Everything that is in a hand at some time. The handle of a basket, a trolley or a bag is no product."""
        found = []
        for item in timeline.moved:
            ends = [after.start_s for _, after in pairwise(item.stays)]
            for stay, end_s in zip(item.stays, [*ends, np.inf], strict=True):
                if stay.where == "hand":
                    assert stay.actor is not None
                    owner = timeline.actors[stay.actor].track_id
                    times = timeline.start + stay.start_s, timeline.start + end_s
                    found.append(Held(owner, stay.hand or 0, *times, item.product))
        return cls(tuple(sorted(found, key=lambda each: (each.start_s, each.track_id, each.hand))))

    def at(self, track_ids: Sequence[str], time_s: float) -> NDArray[np.bool_]:
        """Whether the left and the right hand (n, 2) of each visit holds something at ``time_s`` (seconds, UTC)."""
        now = {(each.track_id, each.hand) for each in self.held if each.start_s <= time_s < each.end_s}
        return np.array([[(name, hand) in now for hand in (0, 1)] for name in track_ids], np.bool_).reshape(-1, 2)
