"""The answers that the queries give: small frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from store.plan import Homography, Line, Zone


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera as last seen: ``size`` (width, height) in pixels, its plan, and its heatmap cells."""

    camera: str
    size: tuple[int, int]
    first_seen: float
    last_seen: float
    preview: str | None
    lines: tuple[Line, ...]
    zones: tuple[Zone, ...]
    homography: Homography | None
    cell_px: int
    cell_m: float


@dataclass(frozen=True, slots=True)
class FootfallBucket:
    """Crossings in [start, end)."""

    start: float
    end: float
    count_in: int
    count_out: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """One crossing."""

    time: float
    camera: str
    line: str
    direction: Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class DwellBin:
    """Stays of [start_s, end_s) seconds; the last bin has no end."""

    start_s: float
    end_s: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long people stayed; None where there was no stay."""

    count: int
    mean_s: float | None
    median_s: float | None
    p90_s: float | None
    histogram: tuple[DwellBin, ...]


@dataclass(frozen=True, slots=True)
class OccupancyBucket:
    """People present in [start, end): on average, and the most at any moment."""

    start: float
    end: float
    person_seconds: float
    mean: float
    peak: int


@dataclass(frozen=True, slots=True)
class Visits:
    """How many visits, and how long they were; None where there was none."""

    count: int
    mean_s: float | None
    median_s: float | None
