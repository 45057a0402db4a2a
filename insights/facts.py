"""What the counting of one camera found out, before it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from insights.occupancy import OccupiedMinute
from insights.queues import Queue
from insights.tiles import TileRows
from insights.zones import Stay


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody passed a line at ``time_s``, ``into`` its right-hand side or out of it."""

    line: str
    track_id: str
    time_s: float
    into: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's time in the picture, seconds. ``part`` counts from 0 the visits of a track that was long lost."""

    track_id: str
    part: int
    entered_at: float
    left_at: float


@dataclass(slots=True)
class Facts:
    """Facts about lines, zones and visits, and sums that are to be added to what is already there, by area name."""

    crossings: list[Crossing] = field(default_factory=list)
    stays: list[tuple[str, str, Stay]] = field(default_factory=list)  # zone, track id, stay
    queues: list[tuple[str, Queue]] = field(default_factory=list)  # zone, queue
    occupied: list[tuple[str, OccupiedMinute]] = field(default_factory=list)  # area, minute
    tiles: list[TileRows] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)

    def add(self, other: Facts) -> None:
        """Take over what another found."""
        self.crossings += other.crossings
        self.stays += other.stays
        self.queues += other.queues
        self.occupied += other.occupied
        self.tiles += other.tiles
        self.visits += other.visits
