"""The read side: what the API, the pages and the reports ask the records.

Times are seconds UTC, ranges half-open [start, end); one that holds no time raises ``RangeError``. Names that do not
exist give empty answers: ``cameras`` says what there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sqlalchemy import Column, ColumnElement, Integer, Select, cast, func, select

from insights.answers import (
    CameraInfo,
    Crossing,
    Dwell,
    DwellBin,
    FootfallBucket,
    OccupancyBucket,
    Visits,
)
from insights.areas import WHOLE_PICTURE
from insights.heatmap import Heatmap, heatmap
from insights.ranges import RangeError, buckets, check_range, minutes
from insights.sightings import Float
from store import tables
from store.plan import Homography, Line, Zone
from store.records import Records

__all__ = [
    "DWELL_EDGES_S",
    "CameraInfo",
    "Crossing",
    "Dwell",
    "DwellBin",
    "FootfallBucket",
    "Heatmap",
    "OccupancyBucket",
    "RangeError",
    "Visits",
    "cameras",
    "crossings",
    "dwell",
    "footfall",
    "heatmap",
    "occupancy_series",
    "visits",
]

DWELL_EDGES_S: Final = (0.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


def cameras(records: Records, store: str) -> list[CameraInfo]:
    """All cameras that anything is known of, by name."""
    table = tables.cameras
    with records.read() as connection:
        rows = connection.execute(select(table).where(table.c.store == store).order_by(table.c.camera)).mappings()
        return [
            CameraInfo(
                camera=row["camera"],
                size=(row["width"], row["height"]),
                first_seen=row["first_seen"],
                last_seen=row["last_seen"],
                preview=row["preview"],
                lines=tuple(Line.model_validate(line) for line in row["lines"]),
                zones=tuple(Zone.model_validate(zone) for zone in row["zones"]),
                homography=None if row["homography"] is None else _homography(row["homography"]),
                cell_px=row["cell_px"],
                cell_m=row["cell_m"],
            )
            for row in rows
        ]


def footfall(
    records: Records,
    store: str,
    camera: str | None,
    line: str | None,
    start: float,
    end: float,
    bucket_s: float = 3600.0,
) -> list[FootfallBucket]:
    """Crossings by bucket and direction, from ``start`` on, quiet buckets included; None for all cameras or lines."""
    spans = buckets(start, end, bucket_s)
    table = tables.crossings
    share = (table.c.time - start) / bucket_s
    # A cast rounds down in SQLite, to the nearest in PostgreSQL.
    index: ColumnElement[Any] = cast(share, Integer) if records.dialect == "sqlite" else func.floor(share)
    statement = _between(select(index, table.c.direction, func.count()), table.c, "time", store, camera, start, end)
    if line is not None:
        statement = statement.where(table.c.line == line)
    counts = {"in": [0] * len(spans), "out": [0] * len(spans)}
    with records.read() as connection:
        for number, direction, count in connection.execute(statement.group_by(index, table.c.direction)):
            counts[direction][min(int(number), len(spans) - 1)] += count
    return [FootfallBucket(*span, *both) for span, both in zip(spans, zip(*counts.values(), strict=True), strict=True)]


def crossings(
    records: Records, store: str, camera: str | None, start: float, end: float, line: str | None = None
) -> list[Crossing]:
    """Every crossing in order of time; None for all cameras or lines."""
    check_range(start, end)
    table = tables.crossings
    columns = select(table.c.time, table.c.camera, table.c.line, table.c.direction)
    statement = _between(columns, table.c, "time", store, camera, start, end).order_by(table.c.time, table.c.id)
    if line is not None:
        statement = statement.where(table.c.line == line)
    with records.read() as connection:
        return [Crossing(*row) for row in connection.execute(statement)]


def dwell(
    records: Records,
    store: str,
    camera: str,
    zone: str,
    start: float,
    end: float,
    edges_s: Sequence[float] = DWELL_EDGES_S,
) -> Dwell:
    """How long the stays lasted that began in the range, with a histogram from the first of ``edges_s`` on."""
    check_range(start, end)
    if len(edges_s) == 0 or any(b <= a for a, b in pairwise(edges_s)):
        raise ValueError(f"edges_s must be seconds in rising order, got {tuple(edges_s)}")
    table = tables.zone_visits
    statement = _between(select(table.c.left_at - table.c.entered_at), table.c, "entered_at", store, camera, start, end)
    lasted = _column(records, statement.where(table.c.zone == zone))
    counts = np.histogram(lasted, [*edges_s, np.inf])[0].tolist()
    ends = [*edges_s[1:], None]
    bins = tuple(DwellBin(*each) for each in zip(edges_s, ends, counts, strict=True))
    return Dwell(len(lasted), _mean(lasted), _percentile(lasted, 50), _percentile(lasted, 90), bins)


def occupancy_series(
    records: Records, store: str, camera: str, zone: str | None, start: float, end: float, bucket_s: float = 60.0
) -> list[OccupancyBucket]:
    """People present by bucket, over the whole minutes that the range touches; ``zone`` None for the whole picture.

    Raises ``RangeError`` also for a bucket that is no whole number of minutes.
    """
    first, last = minutes(start, end)
    if bucket_s <= 0 or bucket_s % 60:
        raise RangeError(f"occupancy is kept by the minute: a bucket must be a multiple of 60 s, got {bucket_s}")
    spans = buckets(first * 60.0, last * 60.0, bucket_s)
    table = tables.occupancy
    statement = select(table.c.minute, table.c.person_seconds, table.c.peak).where(
        table.c.store == store,
        table.c.camera == camera,
        table.c.zone == (zone or WHOLE_PICTURE),
        table.c.minute >= first,
        table.c.minute < last,
    )
    seconds, peaks = [0.0] * len(spans), [0] * len(spans)
    with records.read() as connection:
        for minute, person_seconds, peak in connection.execute(statement):
            where = int((minute - first) // (bucket_s / 60))
            seconds[where] += person_seconds
            peaks[where] = max(peaks[where], peak)
    return [
        OccupancyBucket(a, b, total, total / (b - a), peak)
        for (a, b), total, peak in zip(spans, seconds, peaks, strict=True)
    ]


def visits(records: Records, store: str, camera: str | None, start: float, end: float) -> Visits:
    """The visits that began in the range; with ``camera`` None those to all cameras, each camera's by itself."""
    check_range(start, end)
    table = tables.visits
    lasted = _column(
        records,
        _between(select(table.c.left_at - table.c.entered_at), table.c, "entered_at", store, camera, start, end),
    )
    return Visits(len(lasted), _mean(lasted), _percentile(lasted, 50))


def _between(
    statement: Select[Any], columns: Any, time: str, store: str, camera: str | None, start: float, end: float
) -> Select[Any]:
    column: Column[float] = columns[time]
    statement = statement.where(columns.store == store, column >= start, column < end)
    return statement if camera is None else statement.where(columns.camera == camera)


def _column(records: Records, statement: Select[Any]) -> Float:
    with records.read() as connection:
        return np.array(connection.execute(statement).scalars().all(), np.float64)


def _mean(values: Float) -> float | None:
    return float(values.mean()) if len(values) else None


def _percentile(values: Float, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None


def _homography(rows: list[list[float]]) -> Homography:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return (a, b, c), (d, e, f), (g, h, i)
