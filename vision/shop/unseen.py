"""Slots that changed without a hand that was seen: reaches that only the shelves' pictures tell of.

A body, a board or the picture's edge often hides a hand just while it reaches. The slot's own look before and after
tells that something happened; who stood within arm's reach meanwhile may have done it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.furniture import PlacedSlot
from vision.floor.tracks import FloorTracks
from vision.shop.asking import SeeSlots, Settled
from vision.shop.evidence import Reach, SlotChange
from vision.shop.slot_views import front_of

Float = NDArray[np.float64]

ARM_M: Final = 1.0
"""From where somebody stands to the front of a slot that they reach."""
_EVERY_S: Final = 1.0
_APART_S: Final = (3.0, 1.0)  # looks older than the first are compared with those younger than the second
_AFTER_S: Final = 8.0  # so long after somebody was near a slot it is looked at: until nobody hides it
_LEAST: Final = (7.0, 5.0)  # log likelihood from which a slot has changed: by one camera, and by more
_FREE_S: Final = 1.2  # so long after the last one left, nobody stands before a slot
_LEFT_S: Final = 0.3
_STILL: Final = (6.0, 3.0)  # as _LEAST, of what is looked at again
_LOOKS_S: Final = 2.5  # looks that make one picture of a slot lie so far apart
_PATIENCE_S: Final = 8.0  # a change is looked at again when nobody stands there, at the latest after so long
_SLACK_S: Final = 0.6
_KNOWN: Final = 0.05  # a hand that was in the slot with this probability explains the change
_SURE: Final = 0.9  # that somebody who stood there reached into it


@dataclass(frozen=True, slots=True)
class _Changed:
    """``change`` of a slot between two times, noticed at ``noticed_s``; looks before are since ``since_s``."""

    slot: str
    from_s: float
    to_s: float
    change: SlotChange
    noticed_s: float
    since_s: float | None


class UnseenReaches:
    """Finds changes of ``slots`` that no hand explains; ``see_slots`` compares their looks, as for ``Questions``."""

    def __init__(self, slots: Sequence[PlacedSlot], see_slots: SeeSlots) -> None:
        self._names = [slot.id for slot in slots]
        self._place = {name: place for place, name in enumerate(self._names)}
        self._front = np.array([front_of(slot) for slot in slots], np.float64).reshape(-1, 3)
        self._normal = np.array([slot.normal for slot in slots], np.float64).reshape(-1, 2)
        self._see_slots = see_slots
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._near_s = np.full(len(self._names), -np.inf)
        self._asked_s = -math.inf
        self._since: dict[str, float] = {}
        self._noticed: list[_Changed] = []
        self._waiting: list[_Changed] = []

    def update(
        self, time_s: float, tracks: FloorTracks, people: Settled, reaches: Iterable[Reach]
    ) -> list[tuple[Reach, SlotChange]]:
        """The reaches that must have been, with how the slot changed, given where people are and the ``reaches`` seen
        so far, those that go on among them.
        """
        if len(tracks) and self._names:
            way = tracks.xy[None] - self._front[:, None, :2]
            before = (way * self._normal[:, None]).sum(axis=2) > 0
            near = (np.linalg.norm(way, axis=2) <= ARM_M) & before
            self._near_s[near.any(axis=1)] = time_s
        if time_s >= self._asked_s + _EVERY_S:
            self._asked_s = time_s
            self._ask(time_s)
        known = list(reaches) if self._waiting else []
        found = []
        for each in [each for each in self._waiting if people.until_s >= each.to_s]:
            self._waiting.remove(each)
            if not any(_explains(other, each) for other in known):
                reach = self._proposed(each, people)
                found += [] if reach is None else [(reach, each.change)]
        return found

    def _ask(self, time_s: float) -> None:
        self._confirm(time_s)
        active = np.flatnonzero(self._near_s >= time_s - _AFTER_S).tolist()
        if not active:
            return
        names = [self._names[place] for place in active]
        since = {name: self._since[name] for name in names if name in self._since}
        old_s, new_s = _APART_S
        for change in self._see_slots(names, time_s - old_s, time_s - new_s, since, {}):
            if _changed(change):
                old = self._since.get(change.slot)
                self._noticed.append(_Changed(change.slot, change.before_s, change.after_s, change, time_s, old))
                # What comes next is compared with what is there now.
                self._since[change.slot] = change.after_s

    def _confirm(self, time_s: float) -> None:
        """Look again at what was noticed, when nobody stands before it: shadows and arms have gone, changes stay."""
        for each in list(self._noticed):
            near_s = float(self._near_s[self._place[each.slot]])
            free = near_s < time_s - _FREE_S
            if not free and time_s < each.noticed_s + _PATIENCE_S:
                continue
            since = {} if each.since_s is None else {each.slot: each.since_s}
            after_s = max(each.noticed_s - _FREE_S, near_s + _LEFT_S) if free else time_s - _APART_S[1]
            # The looks that it was noticed by: later ones may show what was changed in between.
            before_s = min(each.from_s + _LOOKS_S, each.noticed_s - _APART_S[0])
            again = self._see_slots([each.slot], before_s, after_s, since, {})
            if not again and time_s < max(each.noticed_s, near_s) + _PATIENCE_S:
                continue  # nobody hides it any more, and it will be looked at
            self._noticed.remove(each)
            if again and max(again[0].taken, again[0].returned) >= _STILL[len(again[0].cameras) > 1]:
                self._waiting.append(replace(each, change=again[0]))
            elif self._since.get(each.slot) == each.to_s:
                if each.since_s is None:
                    del self._since[each.slot]
                else:
                    self._since[each.slot] = each.since_s

    def _proposed(self, changed: _Changed, people: Settled) -> Reach | None:
        """The reach of who came nearest to the slot between its looks; None where nobody was within arm's reach."""
        front = self._front[self._place[changed.slot]]
        nearest: dict[int, tuple[float, float, tuple[float, float]]] = {}
        spans: dict[int, list[float]] = {}
        for moment in people.moments:
            if not changed.from_s - _SLACK_S <= moment.time_s <= changed.to_s + _SLACK_S:
                continue
            for track, xy in zip(moment.tracks.track_id.tolist(), moment.tracks.xy, strict=True):
                away = float(np.linalg.norm(xy - front[:2]))
                if away > ARM_M:
                    continue
                spans.setdefault(track, []).append(moment.time_s)
                if track not in nearest or away < nearest[track][0]:
                    nearest[track] = (away, moment.time_s, (float(xy[0]), float(xy[1])))
        if not nearest:
            return None
        track = min(nearest, key=lambda each: nearest[each][0])
        _, at_s, xy = nearest[track]
        x, y, z = front.tolist()
        start_s, end_s = min(spans[track]), max(spans[track])
        return Reach(track, 0, start_s, end_s, at_s, (x, y, z), xy, {changed.slot: _SURE}, changed.change.cameras)


def _changed(change: SlotChange) -> bool:
    return max(change.taken, change.returned) >= _LEAST[len(change.cameras) > 1]


def _explains(reach: Reach, changed: _Changed) -> bool:
    then = reach.start_s <= changed.to_s + _SLACK_S and reach.end_s >= changed.from_s - _SLACK_S
    return then and reach.slots.get(changed.slot, 0.0) >= _KNOWN
