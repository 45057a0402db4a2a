"""Which cameras' pictures go through the network together, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Batch(NamedTuple):
    """``cameras`` to look at now; where there are none, look again after ``wait_s`` seconds."""

    cameras: tuple[str, ...]
    wait_s: float


@dataclass(slots=True)
class BatchPlanner:
    """Fills batches by size or deadline, fair between cameras.

    A batch is due when ``most`` cameras have a picture, when all of them that are known have one, or when the first has
    waited for ``patience_s``. In it are those that were looked at the longest ago, so that no camera starves. A camera
    is not looked at again before ``rest_s`` have passed, which bounds the rate of each.
    """

    most: int
    patience_s: float
    rest_s: float = 0.0
    idle_s: float = 0.1
    _looked: dict[str, float] = field(default_factory=dict)
    _turn: dict[str, int] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)
    _turns: int = 0

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError(f"a batch holds one picture or more, got {self.most}")

    def next(self, waiting: Mapping[str, float], cameras: int, now: float) -> Batch:
        """What to do at ``now``, of ``cameras`` in all: ``waiting`` says since when each has had a new picture."""
        rested = {name: max(since, self._looked.get(name, -1e18) + self.rest_s) for name, since in waiting.items()}
        ready = {name: since for name, since in rested.items() if since <= now}
        if not ready:
            return Batch((), min([self.idle_s, *(since - now for since in rested.values())]))
        first = min(ready.values())
        if len(ready) < min(self.most, cameras) and now - first < self.patience_s:
            return Batch((), min([first + self.patience_s - now, *(s - now for s in rested.values() if s > now)]))
        chosen = sorted(ready, key=lambda name: (self._turn.get(name, -1), self._looks.get(name, 0), ready[name]))[
            : self.most
        ]
        self._turns += 1
        for name in chosen:
            self._looked[name], self._turn[name] = now, self._turns
            self._looks[name] = self._looks.get(name, 0) + 1
        return Batch(tuple(chosen), 0.0)
