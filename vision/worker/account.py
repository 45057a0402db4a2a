"""Where a worker's time goes: each stage's share, by camera, and which one holds the others up."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

Stage = Literal["decode", "copy", "network", "describe", "follow"]
STAGES: Final[tuple[Stage, ...]] = ("decode", "copy", "network", "describe", "follow")
_KEPT: Final = 600


class CameraAccount(NamedTuple):
    """One camera, since the worker began: ``seconds`` a stage; pictures that came, were still and of those ``held``
    back undecoded, were passed over, were looked at. ``age_s`` are the ages of the last pictures when it was known what
    they show: median, 99th percentile. ``rate_hz`` is how many a second are looked at, over the last pictures.
    """

    camera: str
    state: str
    came: int
    still: int
    held: int
    missed: int
    looked: int
    restarts: int
    seconds: Mapping[Stage, float]
    age_s: tuple[float, float]
    rate_hz: float


@dataclass(slots=True)
class Counting:
    """Adds up what one camera costs."""

    looked: int = 0
    missed: int = 0
    network_s: float = 0.0
    describe_s: float = 0.0
    follow_s: float = 0.0
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def age_s(self) -> tuple[float, float]:
        """Median and 99th percentile; NaN before the first picture."""
        if not self.ages:
            return float("nan"), float("nan")
        median, late = np.percentile(np.array(self.ages), [50, 99])
        return float(median), float(late)

    def rate_hz(self) -> float:
        """Pictures a second over the last ones; 0 with less than two."""
        if len(self.times) < 2 or self.times[-1] <= self.times[0]:
            return 0.0
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


def bottleneck(cameras: Mapping[str, CameraAccount]) -> tuple[Stage, float]:
    """The stage on which the most time was spent, of that of all stages, and its share in [0, 1].

    Decoders run side by side, one process a camera: theirs is the time of the busiest one.
    """
    spent = {stage: sum(each.seconds[stage] for each in cameras.values()) for stage in STAGES}
    for stage in ("decode", "copy"):
        spent[stage] = max((each.seconds[stage] for each in cameras.values()), default=0.0)
    total = sum(spent.values())
    stage = max(STAGES, key=lambda each: spent[each])
    return stage, spent[stage] / total if total else 0.0
