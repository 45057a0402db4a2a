"""What a report tells: what was watched, and what the records say about that time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from insights.definitions import DEFAULT_RULES, Rules, definitions
from insights.queries import (
    Crossing,
    Dwell,
    FootfallBucket,
    Heatmap,
    OccupancyBucket,
    Visits,
    crossings,
    dwell,
    footfall,
    heatmap,
    occupancy_series,
    visits,
)
from store.records import Records
from store.views import CameraView
from vision.blurred import BlurredPicture

_FOOTFALL_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_OCCUPANCY_BUCKETS_S = tuple(seconds for seconds in _FOOTFALL_BUCKETS_S if seconds % 60 == 0)
_MOST_BUCKETS = 48


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What the run itself knows about a camera.

    ``source`` is a label without credentials. ``started_at`` and ``ended_at`` are the times of the first and the last
    frame, seconds UTC; ``dropped`` counts frames that a live source skipped; ``wall_s`` is how long watching took.
    ``video`` and ``tracks`` name files in the report's folder. ``background`` is the place without people.
    """

    view: CameraView
    source: str
    frames: int
    frame_rate: float
    started_at: float
    ended_at: float
    dropped: int = 0
    wall_s: float | None = None
    video: str | None = None
    tracks: str | None = None
    background: BlurredPicture | None = None

    @property
    def end(self) -> float:
        """When the last frame was over."""
        return self.ended_at + 1 / self.frame_rate

    @property
    def seconds(self) -> float:
        """Seconds of footage."""
        return self.end - self.started_at


@dataclass(frozen=True, slots=True)
class LineReport:
    """Crossings of a line over the time watched."""

    name: str
    buckets: tuple[FootfallBucket, ...]

    @property
    def count_in(self) -> int:
        """Everybody who came in."""
        return sum(bucket.count_in for bucket in self.buckets)

    @property
    def count_out(self) -> int:
        """Everybody who went out."""
        return sum(bucket.count_out for bucket in self.buckets)

    @property
    def bucket_s(self) -> float:
        """The length of a bucket; the last may be shorter."""
        return self.buckets[0].end - self.buckets[0].start


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """Stays in a zone that is not for staff, and the most people in it at once."""

    name: str
    dwell: Dwell
    peak: int


@dataclass(frozen=True, slots=True, eq=False)
class CameraReport:
    """What one camera saw. ``heatmaps`` are of the picture, and of the floor where that is calibrated."""

    watched: Watched
    visits: Visits
    lines: tuple[LineReport, ...]
    zones: tuple[ZoneReport, ...]
    staff_zones: tuple[str, ...]
    occupancy: tuple[OccupancyBucket, ...]
    heatmaps: tuple[Heatmap, ...]
    crossings: tuple[Crossing, ...]

    @property
    def name(self) -> str:
        """The camera's name."""
        return self.watched.view.camera

    @property
    def bucket_s(self) -> float:
        """The length of a bucket of ``occupancy``."""
        return self.occupancy[0].end - self.occupancy[0].start

    @property
    def peak(self) -> int:
        """The most people at once."""
        return max((bucket.peak for bucket in self.occupancy), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class ReportData:
    """Everything in a report of the shop ``store``, made at ``written_at`` seconds UTC."""

    store: str
    written_at: float
    min_visitors: int
    cameras: tuple[CameraReport, ...]
    definitions: dict[str, str] = field(default_factory=dict)


def collect_report(
    records: Records,
    store: str,
    watched: Sequence[Watched],
    *,
    min_visitors: int,
    written_at: float,
    rules: Rules = DEFAULT_RULES,
) -> ReportData:
    """Ask the records about each camera's own time. Call it when the facts of the footage have been counted."""
    return ReportData(
        store=store,
        written_at=written_at,
        min_visitors=min_visitors,
        cameras=tuple(_camera(records, store, each, min_visitors) for each in watched),
        definitions=definitions(rules, min_visitors),
    )


def _camera(records: Records, store: str, watched: Watched, min_visitors: int) -> CameraReport:
    view, start, end = watched.view, watched.started_at, watched.end
    camera = view.camera
    bucket_s = bucket_length(watched.seconds, _FOOTFALL_BUCKETS_S)
    minutes_s = bucket_length(watched.seconds, _OCCUPANCY_BUCKETS_S)
    spaces: tuple[str, ...] = ("image",) if view.homography is None else ("image", "floor")

    def occupancy(zone: str | None) -> tuple[OccupancyBucket, ...]:
        return tuple(occupancy_series(records, store, camera, zone, start, end, minutes_s))

    return CameraReport(
        watched=watched,
        visits=visits(records, store, camera, start, end),
        lines=tuple(
            LineReport(line.name, tuple(footfall(records, store, camera, line.name, start, end, bucket_s)))
            for line in view.lines
        ),
        zones=tuple(
            ZoneReport(
                zone.name,
                dwell(records, store, camera, zone.name, start, end),
                max((bucket.peak for bucket in occupancy(zone.name)), default=0),
            )
            for zone in view.zones
            if not zone.staff
        ),
        staff_zones=tuple(zone.name for zone in view.zones if zone.staff),
        occupancy=occupancy(None),
        heatmaps=tuple(
            heatmap(records, store, camera, "floor" if space == "floor" else "image", start, end, min_visitors)
            for space in spaces
        ),
        crossings=tuple(crossings(records, store, camera, start, end)),
    )


def bucket_length(seconds: float, lengths_s: Sequence[int]) -> int:
    """The shortest of ``lengths_s`` (rising) that cuts ``seconds`` into few enough buckets, or the longest."""
    return next((length for length in lengths_s if seconds / length <= _MOST_BUCKETS), lengths_s[-1])
