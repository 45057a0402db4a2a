"""What the API and the reports ask, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from insights import queries
from insights.heatmap import Heatmap
from insights.queries import (
    Crossing,
    DwellBin,
    FootfallBucket,
    OccupancyBucket,
    RangeError,
    Visits,
)
from store import tables
from store.plan import Line, Zone
from store.records import Records

T0 = 28_333_333 * 60.0
SHOP = {"store": "shop", "camera": "door"}
MINUTE = 28_333_333


def insert(records: Records, table, *rows: dict) -> None:
    with records.begin() as connection:
        records.insert(connection, table, [{**SHOP, **row} for row in rows])


def crossing(number: int, t: float, direction: str = "in", **other: object) -> dict:
    return {"id": f"c{number}", "line": "a", "direction": direction, "time": T0 + t, **other}


def stay(number: int, entered: float, lasted: float, **other: object) -> dict:
    times = {"entered_at": T0 + entered, "left_at": T0 + entered + lasted}
    return {"id": f"s{number}", "zone": "till", "staff": False, **times, **other}


def camera(**other: object) -> dict:
    row = {
        "width": 100, "height": 60, "first_seen": T0, "last_seen": T0 + 9, "preview": None, "lines": [], "zones": [],
        "homography": None, "cell_px": 20, "cell_m": 0.25,
    }  # fmt: skip
    return {**row, **other}


@pytest.fixture
def filled(either_records: Records) -> Records:
    insert(
        either_records,
        tables.crossings,
        crossing(0, -0.001),
        crossing(1, 0),
        crossing(2, 59.999, "out"),
        crossing(3, 60),
        crossing(4, 130, line="b"),
        crossing(5, 150),
        crossing(6, 10, camera="back"),
        crossing(7, 10, store="elsewhere"),
    )
    return either_records


def test_footfall_by_bucket_and_direction(filled: Records):
    assert queries.footfall(filled, "shop", "door", "a", T0, T0 + 150, 60) == [
        FootfallBucket(T0, T0 + 60, 1, 1),
        FootfallBucket(T0 + 60, T0 + 120, 1, 0),
        FootfallBucket(T0 + 120, T0 + 150, 0, 0),
    ]
    assert queries.footfall(filled, "shop", "door", None, T0 + 120, T0 + 200, 60)[0].count_in == 2
    assert queries.footfall(filled, "shop", None, None, T0, T0 + 60, 60) == [FootfallBucket(T0, T0 + 60, 2, 1)]
    assert queries.footfall(filled, "shop", "door", "none", T0, T0 + 60)[0].count_in == 0


def test_crossings_in_order_of_time(filled: Records):
    found = queries.crossings(filled, "shop", None, T0, T0 + 130)
    assert [(round(each.time - T0, 3), each.camera, each.direction) for each in found] == [
        (0, "door", "in"),
        (10, "back", "in"),
        (59.999, "door", "out"),
        (60, "door", "in"),
    ]
    assert queries.crossings(filled, "shop", "door", T0 + 100, T0 + 200, "b") == [Crossing(T0 + 130, "door", "b", "in")]


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.floats(0, 1000), max_size=30),
    st.floats(0, 900),
    st.floats(1, 1000),
    st.sampled_from([0.7, 7.0, 60.0, 333.3]),
)
def test_buckets_part_the_range(either_records: Records, times, start, length, bucket_s):
    with either_records.begin() as connection:
        connection.execute(tables.crossings.delete())
    insert(either_records, tables.crossings, *(crossing(n, t) for n, t in enumerate(times)))
    begin, end = T0 + start, T0 + start + length
    buckets = queries.footfall(either_records, "shop", "door", "a", begin, end, bucket_s)
    assert (buckets[0].start, buckets[-1].end) == (begin, end)
    assert all(a.end == b.start for a, b in itertools.pairwise(buckets))
    assert all(0 < b.end - b.start <= bucket_s * (1 + 1e-6) for b in buckets)
    inside = [T0 + t for t in times if begin <= T0 + t < end]
    assert sum(b.count_in for b in buckets) == len(inside)
    for b in buckets:
        # A moment on the edge itself may round to either side.
        surely = sum(b.start + 1e-4 < t < b.end - 1e-4 for t in inside)
        maybe = sum(b.start - 1e-4 <= t <= b.end + 1e-4 for t in inside)
        assert surely <= b.count_in <= maybe


def test_dwell_of_the_stays_that_began_in_the_range(either_records: Records):
    insert(
        either_records,
        tables.zone_visits,
        *(stay(n, 10 * n, lasted) for n, lasted in enumerate([2.0, 4.0, 6.0, 8.0, 2000.0])),
        stay(10, -0.01, 100),
        stay(11, 50, 100),
        stay(12, 5, 100, zone="other"),
        stay(13, 5, 100, camera="back"),
        stay(14, 5, 100, store="elsewhere"),
    )
    found = queries.dwell(either_records, "shop", "door", "till", T0, T0 + 50)
    assert found.count == 5
    assert found.mean_s == pytest.approx(404)
    assert found.median_s == pytest.approx(6)
    assert found.p90_s == pytest.approx(8 + 0.6 * 1992)
    assert [(b.start_s, b.end_s, b.count) for b in found.histogram[:3]] == [(0, 5, 2), (5, 10, 2), (10, 20, 0)]
    assert found.histogram[-1] == DwellBin(1800, None, 1)
    assert sum(b.count for b in found.histogram) == 5
    coarse = queries.dwell(either_records, "shop", "door", "till", T0, T0 + 50, edges_s=(0, 4))
    assert coarse.histogram == (DwellBin(0, 4, 1), DwellBin(4, None, 4))
    nobody = queries.dwell(either_records, "shop", "door", "nowhere", T0, T0 + 50)
    assert (nobody.count, nobody.mean_s, nobody.median_s, nobody.p90_s) == (0, None, None, None)
    with pytest.raises(ValueError, match="rising order"):
        queries.dwell(either_records, "shop", "door", "till", T0, T0 + 50, edges_s=(5, 5))


def test_occupancy_over_the_minutes_that_the_range_touches(either_records: Records):
    insert(
        either_records,
        tables.occupancy,
        *({"zone": "", "minute": MINUTE + m, "person_seconds": 30.0 * m, "peak": m} for m in range(-1, 6)),
        {"zone": "till", "minute": MINUTE, "person_seconds": 6.0, "peak": 1},
    )
    by_minute = queries.occupancy_series(either_records, "shop", "door", None, T0 + 61, T0 + 180)
    assert by_minute == [
        OccupancyBucket(T0 + 60, T0 + 120, 30.0, 0.5, 1),
        OccupancyBucket(T0 + 120, T0 + 180, 60.0, 1.0, 2),
    ]
    by_two = queries.occupancy_series(either_records, "shop", "door", None, T0, T0 + 290, 120)
    assert by_two == [
        OccupancyBucket(T0, T0 + 120, 30.0, 0.25, 1),
        OccupancyBucket(T0 + 120, T0 + 240, 150.0, 1.25, 3),
        OccupancyBucket(T0 + 240, T0 + 300, 120.0, 2.0, 4),
    ]
    assert queries.occupancy_series(either_records, "shop", "door", "till", T0, T0 + 60)[0].person_seconds == 6.0
    with pytest.raises(RangeError, match="multiple of 60"):
        queries.occupancy_series(either_records, "shop", "door", None, T0, T0 + 60, 90)


def test_visits_that_began_in_the_range(either_records: Records):
    rows = [("a", 0, 10), ("b", 30, 20), ("c", 59.9, 60), ("d", 60, 1), ("e", -1, 30)]
    times = [{"id": n, "entered_at": T0 + t, "left_at": T0 + t + lasted} for n, t, lasted in rows]
    insert(either_records, tables.visits, *times, {**times[0], "id": "f", "camera": "back"})
    assert queries.visits(either_records, "shop", "door", T0, T0 + 60) == Visits(
        3, pytest.approx(30), pytest.approx(20)
    )
    assert queries.visits(either_records, "shop", None, T0, T0 + 60).count == 4
    assert queries.visits(either_records, "shop", "none", T0, T0 + 60) == Visits(0, None, None)


def test_cameras_with_their_plans(either_records: Records):
    line = Line(name="a", a=(0, 0), b=(5, 5))
    zone = Zone(name="till", polygon=((0, 0), (9, 0), (9, 9)), queue_limit=3)
    plan = {"lines": [line.model_dump(mode="json")], "zones": [zone.model_dump(mode="json")]}
    eye = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    insert(either_records, tables.cameras, camera(**plan, homography=eye), camera(camera="back", preview="p.jpg"))
    back, door = queries.cameras(either_records, "shop")
    assert (back.camera, back.preview, back.homography, back.lines) == ("back", "p.jpg", None, ())
    assert (door.size, door.lines, door.zones, door.homography) == ((100, 60), (line,), (zone,), eye)
    assert (door.first_seen, door.last_seen, door.cell_px, door.cell_m) == (T0, T0 + 9, 20, 0.25)
    assert queries.cameras(either_records, "elsewhere") == []


def tile(x: int, y: int, visitors: int, seconds: float, minute: int = 0, **other: object) -> dict:
    at = {"space": "image", "minute": MINUTE + minute, "x": x, "y": y}
    return {**at, "visitors": visitors, "seconds": seconds, **other}


class TestHeatmap:
    """Only cells to which enough visits came."""

    def filled(self, records: Records) -> Records:
        insert(records, tables.cameras, camera())
        insert(
            records,
            tables.tiles,
            tile(0, 0, 2, 5.0),
            tile(0, 0, 1, 1.5, minute=1),
            tile(4, 2, 3, 7.0),
            tile(1, 0, 2, 100.0),
            tile(2, 1, 2, 3.0),
            tile(2, 1, 9, 3.0, minute=2),
            tile(9, 9, 9, 9.0),
            tile(3, 1, 9, 9.0, camera="back"),
            tile(3, 1, 9, 9.0, store="elsewhere"),
        )
        return records

    def test_cells_with_few_visits_are_hidden(self, either_records: Records):
        found = queries.heatmap(self.filled(either_records), "shop", "door", "image", T0, T0 + 120, 3)
        assert found.seconds.shape == (3, 5)
        assert found.seconds.dtype == np.float32
        shown = {(int(x), int(y)): float(found.seconds[y, x]) for y, x in np.argwhere(~np.isnan(found.seconds))}
        assert shown == {(0, 0): 6.5, (4, 2): 7.0}
        assert found.visitors.sum() == 6
        assert found.visitors[0, 0] == 3
        assert (found.hidden, found.min_visitors, found.cell, found.size) == (2, 3, 20.0, (100, 60))
        assert found.extent == (0, 0, 100, 60)
        assert not found.empty

    def test_the_rule_is_over_the_whole_range(self, either_records: Records):
        records = self.filled(either_records)
        one_minute = queries.heatmap(records, "shop", "door", "image", T0 + 60, T0 + 61, 3)
        assert one_minute.empty
        assert one_minute.hidden == 1
        assert one_minute.seconds.shape == (3, 5)
        three = queries.heatmap(records, "shop", "door", "image", T0 + 119.9, T0 + 121, 1)
        assert [float(v) for v in three.seconds[~np.isnan(three.seconds)]] == [1.5, 3.0]

    def test_the_floor_ends_where_shown_cells_end(self, either_records: Records):
        insert(either_records, tables.cameras, camera())
        floor = {"space": "floor"}
        insert(
            either_records,
            tables.tiles,
            tile(-3, 2, 5, 1.0, **floor),
            tile(1, 4, 3, 2.0, **floor),
            tile(-90, -90, 2, 50.0, **floor),
        )
        found = queries.heatmap(either_records, "shop", "door", "floor", T0, T0 + 60, 3)
        assert found.seconds.shape == (3, 5)
        assert (found.seconds[0, 0], found.seconds[2, 4]) == (1.0, 2.0)
        assert found.origin == (-0.75, 0.5)
        assert found.extent == (-0.75, 0.5, 0.5, 1.25)
        assert (found.hidden, found.size) == (1, None)

    def test_nothing_known_is_empty(self, either_records: Records):
        found = queries.heatmap(either_records, "shop", "door", "image", T0, T0 + 60, 3)
        assert found.empty
        assert found.seconds.shape == (0, 0)

    def test_nobody_may_ask_for_all_cells(self, either_records: Records):
        with pytest.raises(ValueError, match="1 or more, got 0"):
            queries.heatmap(either_records, "shop", "door", "image", T0, T0 + 60, 0)

    def test_grids_must_agree(self):
        with pytest.raises(ValueError, match=r"\(2, 2\) and \(2, 3\)"):
            Heatmap("image", 1, (0, 0), np.zeros((2, 2), np.float32), np.zeros((2, 3), np.int64), 3, 0)


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (0, math.inf), (math.nan, 5)])
def test_a_range_without_time_is_refused(records: Records, start: float, end: float):
    for ask in (
        lambda: queries.footfall(records, "shop", "door", "a", start, end),
        lambda: queries.crossings(records, "shop", "door", start, end),
        lambda: queries.dwell(records, "shop", "door", "till", start, end),
        lambda: queries.occupancy_series(records, "shop", "door", None, start, end),
        lambda: queries.visits(records, "shop", "door", start, end),
        lambda: queries.heatmap(records, "shop", "door", "image", start, end, 3),
    ):
        with pytest.raises(RangeError, match="start before its end"):
            ask()


def test_too_many_buckets_are_refused(records: Records):
    with pytest.raises(RangeError, match="20001 buckets, at most 20000"):
        queries.footfall(records, "shop", "door", "a", 0, 20_001, 1)
    assert len(queries.footfall(records, "shop", "door", "a", 0, 20_000, 1)) == 20_000
    with pytest.raises(RangeError, match="longer than 0 s"):
        queries.footfall(records, "shop", "door", "a", 0, 5, 0)
