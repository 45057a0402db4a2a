"""Slots compared before people came near and after they left: what pictures tell surely, and of every slot.

Bodies, boards and the picture's edge hide hands just while they reach, and what stands before a slot is seen through an
arm for a change. Once nobody is near any more a slot is seen by all its cameras, and each has sent a whole picture
since: shop cameras send one every two seconds, and leave out small changes in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.furniture import PlacedSlot
from vision.floor.tracks import FloorTracks
from vision.shop.asking import SeeSlots
from vision.shop.evidence import SlotChange
from vision.shop.slot_views import front_of, stand_before
from vision.shop.trust import FREE, STAYING, Believe, trusted

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

ARM_M: Final = 1.0
"""From where somebody stands to the front of a slot that they may reach."""
FREE_S: Final = 2.5
"""So long after the last one left, all cameras show what is there."""
SHORT_S: Final = 1.0  # who is near for less walks by
LONG_S: Final = 6.0  # who stays longer is not waited for: slots are looked at between their arms
_EVERY_S: Final = 0.5
_AGAIN_S: Final = 4.0  # how often while people stay
_BETWEEN_S: Final = 2.0  # looks while people stay are that young at most
_FEWEST: Final = 2  # cameras, while people stay
_MARGIN_S: Final = 0.2
_GIVEN_UP_S: Final = 60.0


class Stocktaking:
    """Compares ``slots`` by ``see_slots``, as for ``asking.Questions``, each time that people were near; ``believe``
    says what a comparison is worth.
    """

    def __init__(self, slots: Sequence[PlacedSlot], see_slots: SeeSlots, believe: Believe = trusted) -> None:
        self._names = [slot.id for slot in slots]
        self._place = {name: place for place, name in enumerate(self._names)}
        self._front = np.array([front_of(slot)[:2] for slot in slots], np.float64).reshape(-1, 2)
        self._normal = np.array([slot.normal for slot in slots], np.float64).reshape(-1, 2)
        self._see_slots, self._believe = see_slots, believe
        self.reset()

    def reset(self) -> None:
        """Forget who was near."""
        count = len(self._names)
        self._came_s, self._near_s = np.full(count, np.nan), np.full(count, -np.inf)
        self._asked_s, self._known_s = np.full(count, -np.inf), np.full(count, -np.inf)
        self._looked_s = -np.inf

    def update(self, time_s: float, tracks: FloorTracks) -> list[SlotChange]:
        """How slots changed, given who is where; each from ``before_s``, when somebody came near, to ``after_s``.

        A slot is told again with the same ``before_s`` when more was seen of it, also that it did not change.
        """
        near = stand_before(tracks.xy, self._front, self._normal, ARM_M).any(axis=0)
        self._came_s[near & np.isnan(self._came_s)] = time_s
        self._near_s[near] = time_s
        if time_s < self._looked_s + _EVERY_S:
            return []
        self._looked_s = time_s
        there = ~np.isnan(self._came_s)
        left = there & (self._near_s < time_s - FREE_S)
        self._came_s[left & (self._near_s - self._came_s < SHORT_S)] = np.nan
        self._came_s[there & (self._near_s < time_s - _GIVEN_UP_S)] = np.nan
        there = ~np.isnan(self._came_s)
        stays = there & near & (time_s - self._came_s > LONG_S) & (time_s - self._asked_s > _AGAIN_S)
        self._asked_s[stays] = time_s
        found = self._compared(np.flatnonzero(stays), np.full(len(self._names), time_s - _BETWEEN_S))
        # Arms are seen for changes: between them one camera alone is not believed.
        found = [self._believe(change, STAYING) for change in found if len(change.cameras) >= _FEWEST]
        # Who was hidden once nobody is there is asked for until it is seen.
        free = self._compared(np.flatnonzero(left & there), self._near_s + _MARGIN_S)
        for change in free:
            place = self._place[change.slot]
            self._known_s[place] = self._near_s[place] + _MARGIN_S
            self._came_s[place] = np.nan
        return [*found, *(self._believe(change, FREE) for change in free)]

    def _compared(self, places: Ints, from_s: Float) -> list[SlotChange]:
        """How slots differ from before somebody came to their looks since ``from_s`` (slots,)."""
        names = [self._names[place] for place in places.tolist()]
        came, known = self._came_s[places], self._known_s[places]
        until = np.maximum(from_s[places], self._near_s[places])
        since = {name: time_s for name, time_s in zip(names, known.tolist(), strict=True) if np.isfinite(time_s)}
        spans = {name: span for name, *span in zip(names, came.tolist(), until.tolist(), strict=True)}
        found = self._see_slots(names, came.tolist(), from_s[places].tolist(), since, {}) if names else []
        return [replace(change, before_s=spans[change.slot][0], after_s=spans[change.slot][1]) for change in found]
