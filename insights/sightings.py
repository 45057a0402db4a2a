"""Sightings of people as parallel arrays, and the steps between them: what all the counting works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Who was where: one row a person and moment, in order of ``slot`` and then of time.

    ``slot`` (n,) is a small number that stands for a person while followed; ``time_s`` (n,) seconds UTC; ``xy`` (n, 2)
    pixels; ``xy_m`` (n, 2) metres, NaN where the floor is not known; ``inside`` (n, areas) whether the person is in
    each area. Area 0 is the whole picture without its staff zones.
    """

    slot: Int
    time_s: Float
    xy: Float
    xy_m: Float
    inside: Bool

    def __post_init__(self) -> None:
        n = len(self.slot)
        found = [self.time_s.shape, self.xy.shape, self.xy_m.shape, self.inside.shape[:1]]
        if found != [(n,), (n, 2), (n, 2), (n,)]:
            raise ValueError(
                f"sightings of {n} rows need time_s ({n},), xy and xy_m ({n}, 2), inside ({n}, areas), got {found}"
            )

    def __len__(self) -> int:
        return len(self.slot)

    def __getitem__(self, index: Bool | Int) -> Sightings:
        return Sightings(self.slot[index], self.time_s[index], self.xy[index], self.xy_m[index], self.inside[index])


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Each sighting ``now`` with the same person's sighting ``before``, where ``known`` (n,); else both are the same.

    ``first`` and ``last`` (n,) are the rows where a person's group of rows begins and ends.
    """

    before: Sightings
    now: Sightings
    known: Bool
    first: Int
    last: Int

    def __len__(self) -> int:
        return len(self.now)

    def seconds(self, longest: float) -> Float:
        """How long each step took, (n,); what is longer than ``longest`` counts for that."""
        return np.minimum(self.now.time_s - self.before.time_s, longest)


class PerSlot(Generic[T]):
    """One value, or one row of values, for every slot; grows as needed and starts from ``fill``."""

    def __init__(self, fill: float | bool, dtype: type[T], width: tuple[int, ...] = ()) -> None:
        self._fill = fill
        self._values: NDArray[T] = np.full((8, *width), fill, dtype)

    def __getitem__(self, slots: Int) -> NDArray[T]:
        self._reach(slots)
        return self._values[slots]

    def __setitem__(self, slots: Int, values: NDArray[T] | float | bool) -> None:
        self._reach(slots)
        self._values[slots] = values

    def clear(self, slots: Int) -> None:
        """Start these slots anew."""
        self[slots] = self._fill

    def _reach(self, slots: Int) -> None:
        needed = int(slots.max()) + 1 if len(slots) else 0
        while needed > len(self._values):
            self._values = np.concatenate([self._values, np.full_like(self._values, self._fill)])


class Trail:
    """Remembers everybody's last sighting, so that the next one makes a step."""

    def __init__(self, areas: int) -> None:
        self._time: PerSlot[np.float64] = PerSlot(np.nan, np.float64)
        self._xy: PerSlot[np.float64] = PerSlot(np.nan, np.float64, (2,))
        self._xy_m: PerSlot[np.float64] = PerSlot(np.nan, np.float64, (2,))
        self._inside: PerSlot[np.bool_] = PerSlot(False, np.bool_, (areas,))

    def steps(self, now: Sightings) -> Steps:
        """The steps that lead to ``now`` (in order of slot and time, later than all before) and remember its ends."""
        n = len(now)
        index = np.arange(n)
        begins = np.ones(n, np.bool_)
        begins[1:] = now.slot[1:] != now.slot[:-1]
        first = index[begins]
        last = np.append(first[1:], n)[: len(first)] - 1
        previous = np.maximum(index - 1, 0)
        known = np.ones(n, np.bool_)
        known[first] = np.isfinite(self._time[now.slot[first]])

        def before(array: NDArray[T], kept: PerSlot[T]) -> NDArray[T]:
            earlier = array[previous]
            earlier[first] = kept[now.slot[first]]
            earlier[~known] = array[~known]
            kept[now.slot[last]] = array[last]
            return earlier

        return Steps(
            Sightings(
                now.slot,
                before(now.time_s, self._time),
                before(now.xy, self._xy),
                before(now.xy_m, self._xy_m),
                before(now.inside, self._inside),
            ),
            now,
            known,
            first,
            last,
        )

    def clear(self, slots: Int) -> None:
        """Forget these people."""
        for kept in (self._time, self._xy, self._xy_m, self._inside):
            kept.clear(slots)
