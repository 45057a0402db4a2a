"""What every benchmark shares: CPU time of this process and others, turns between ours and the peer, what is asked."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured: ``ours`` and ``peer`` as they are shown, ``ratio`` of them, and ``asked``,
    the least that it should be, or with ``at_most`` the most; None where nothing is asked. ``note`` says what a reader
    must know to believe it.
    """

    what: str
    ours: str
    peer: str
    ratio: float
    asked: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as asked; None where nothing is asked."""
        if self.asked is None:
            return None
        return self.ratio <= self.asked if self.at_most else self.ratio >= self.asked

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ratio": round(self.ratio, 4), "met": self.met}


def spent_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def spent_by_s(pids: Iterable[int | None]) -> float:
    """CPU seconds of processes that live, by their ids, in steps of the kernel's clock (10 ms); None is nobody."""
    ticks = 0
    for pid in pids:
        if pid is not None:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                # The name before may hold spaces and brackets. Then come state, 10 other fields, and both times.
                fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def cpu_s(do: Callable[[], int]) -> float:
    """CPU seconds an item that ``do`` takes; it says how many items there were."""
    before = spent_s()
    count = do()
    return (spent_s() - before) / count


def in_turns(ways: Mapping[str, Callable[[], float]], turns: int) -> dict[str, float]:
    """The median of what each way measures, over ``turns`` in which all ways take their turn one after the other."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            found[name].append(way())
    return {name: statistics.median(values) for name, values in found.items()}


def cpu_in_turns(ways: Mapping[str, Callable[[], int]], turns: int) -> dict[str, float]:
    """CPU seconds an item of each way, the median over turns; each way runs once before, unmeasured."""
    for way in ways.values():
        way()
    return in_turns({name: partial(cpu_s, way) for name, way in ways.items()}, turns)


def milliseconds(seconds: float, of: str) -> str:
    """``seconds`` as they are shown."""
    return f"{seconds * 1e3:.3g} ms {of}"


def wall_s(do: Callable[[], object]) -> float:
    """Seconds by the clock that ``do`` takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
