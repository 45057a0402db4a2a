"""Reaches that wait until all is seen that tells what came of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from vision.floor.tracks import FloorMoment
from vision.shop.evidence import HandChange, Judged, Reach, SlotChange

SeeSlots = Callable[
    [Sequence[str], Sequence[float], Sequence[float], dict[str, float], dict[str, float]], list[SlotChange]
]
"""Slots, before and after which time each, and by slot since and until when looks count, to how those that were seen
changed; ``ShelfWatcher.change`` without the slots that no camera saw.
"""

AGAIN_S: Final = (0.0, 4.0)
"""How long after a reach can first be judged its slots' pictures are asked again, for views that were hidden."""
_FAR_M: Final = 1.0
_REMEMBERED_S: Final = 30.0


@dataclass(slots=True, eq=False)
class Asked:
    """A reach, by the settled track where that is known; ``hand`` is read once, slots ``times``."""

    reach: Reach
    ready_s: float
    hand: HandChange | None = None
    times: int = 0
    settled: Reach | None = None


@dataclass(slots=True, eq=False)
class Settled:
    """Who was where, as it was settled, for the last half minute: to find the settled track of a live one."""

    moments: deque[FloorMoment] = field(default_factory=deque)

    @property
    def until_s(self) -> float:
        """The time of the newest settled moment."""
        return self.moments[-1].time_s if self.moments else -np.inf

    def add(self, moments: Sequence[FloorMoment]) -> None:
        """Take moments in order of time."""
        self.moments.extend(moments)
        while self.moments and self.moments[0].time_s < self.until_s - _REMEMBERED_S:
            self.moments.popleft()

    def track(self, live: int, time_s: float, xy: tuple[float, float]) -> int:
        """The settled track at ``xy`` (metres) at ``time_s``; ``live`` where nobody was settled within a metre."""
        if not self.moments:
            return live
        moment = min(self.moments, key=lambda each: abs(each.time_s - time_s))
        if not len(moment.tracks):
            return live
        apart = np.linalg.norm(moment.tracks.xy - np.array(xy), axis=1)
        own = np.flatnonzero(moment.tracks.track_id == live)
        # Who is live under this id stays so while it is about there: two who stand close are not exchanged.
        if len(own) and apart[own[0]] <= _FAR_M / 2:
            return live
        nearest = int(apart.argmin())
        return int(moment.tracks.track_id[nearest]) if apart[nearest] <= _FAR_M else live


class Questions:
    """Asks of every reach what the hand held and how the slots changed, when that is to be seen.

    ``read_hand`` and ``see_slots`` answer; looks count since and until somebody else reached there. A reach is ready
    ``wait_s`` after its end. ``past`` are the reaches of the last half minute.
    """

    def __init__(
        self,
        read_hand: Callable[[Reach], HandChange | None],
        see_slots: SeeSlots,
        wait_s: float,
    ) -> None:
        self._read_hand, self._see_slots, self._wait_s = read_hand, see_slots, wait_s
        self.reset()

    def reset(self) -> None:
        """Forget all reaches."""
        self._waiting: list[Asked] = []
        self.past: deque[Reach] = deque()

    def add(self, reaches: Sequence[Reach]) -> None:
        """Take reaches that have ended."""
        self._waiting += [Asked(reach, reach.end_s + self._wait_s) for reach in reaches]
        self.past.extend(reaches)

    def due(self, now_s: float, people: Settled, *, last: bool = False) -> list[Judged]:
        """What can be said of reaches at ``now_s``; again of some, when more is seen. ``last``: nothing more comes."""
        told = []
        for asked in self._waiting:
            reach = asked.reach
            if not last and (now_s < asked.ready_s + AGAIN_S[asked.times] or people.until_s < reach.at_s):
                continue
            if asked.settled is None:
                number = people.track(reach.track_id, reach.at_s, reach.person_xy)
                asked.settled = replace(reach, track_id=number)
                asked.hand = self._read_hand(reach)
            asked.times += 1
            told.append(Judged(asked.settled, asked.hand, self._changes(reach)))
        self._waiting = [asked for asked in self._waiting if asked.times < len(AGAIN_S) and not last]
        while self.past and self.past[0].end_s < now_s - _REMEMBERED_S:
            self.past.popleft()
        return told

    def _changes(self, reach: Reach) -> list[SlotChange]:
        since: dict[str, float] = {}
        until: dict[str, float] = {}
        for other in self.past:
            for slot in other.slots.keys() & reach.slots.keys():
                if other.end_s <= reach.start_s:
                    since[slot] = max(since.get(slot, -np.inf), other.end_s)
                elif other.start_s >= reach.end_s:
                    until[slot] = min(until.get(slot, np.inf), other.start_s)
        slots = list(reach.slots)
        return self._see_slots(slots, [reach.start_s] * len(slots), [reach.end_s] * len(slots), since, until)
