"""The floor as one picture: everybody once, whoever tells of them."""

from __future__ import annotations

import numpy as np
import pytest

from insights.floor_heatmap import FLOOR, FloorGrid, floor_heatmap
from insights.service import InsightsService
from store import tables
from store.bus import Bus
from store.events import PersonLeft, PersonMoved
from store.plan import Plan
from store.records import Records
from store.settings import Settings
from store.views import CameraView

T0 = 1_795_338_000.0
STORE = "shop"
GRID = FloorGrid(0.25, (0, 0), 20, 12)
EYE = ((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 1.0))
PLAN = Plan(store=STORE, cameras=tuple(CameraView(camera=c, size=(500, 300), homography=EYE) for c in ("a", "b")))


def moved(
    track: str, at: float, places: list[tuple[float, float]], camera: str | None = None, step: float = 0.5
) -> PersonMoved:
    times = tuple(T0 + at + step * k for k in range(len(places)))
    own = {} if camera is None else {
        "camera": camera, "size": (500, 300), "xy": tuple((100 * x, 100 * y) for x, y in places),
    }  # fmt: skip
    return PersonMoved(
        store=STORE, time=times[-1], cameras=("a", "b") if camera is None else (camera,),
        track_id=(track,) * len(places), time_s=times, xy_m=tuple(places) if camera is None else None, **own,
    )  # fmt: skip


def left(track: str, at: float, cameras: tuple[str, ...] = ("a", "b")) -> PersonLeft:
    return PersonLeft(store=STORE, time=T0 + at, cameras=cameras, track_id=track, entered_at=T0)


@pytest.fixture
def counted(bus: Bus, records: Records, settings: Settings):
    service = InsightsService(bus, records, settings, PLAN)

    def handle(*events, k: int = 1, start: float = 0.0, end: float = 3600.0):
        service.handle(events)
        return floor_heatmap(records, STORE, GRID, T0 + start, T0 + end, k)

    return handle


HERE = [(1.1, 0.6)] * 5


def seconds(heatmap) -> dict[tuple[int, int], float]:
    return {(int(x), int(y)): float(heatmap.seconds[y, x]) for y, x in np.argwhere(~np.isnan(heatmap.seconds))}


def test_people_who_are_followed_over_the_floor_count_once(counted):
    walk = [(1.1, 0.6), (1.1, 0.6), (1.4, 0.6), (1.4, 0.6)]
    seen = [moved("t", 0, walk, camera) for camera in (None, "a", "b")]
    assert seconds(counted(*seen, left("t", 2))) == {(4, 2): 1.0, (5, 2): 0.5}


def test_without_them_the_camera_that_saw_most_counts(counted):
    one, other = moved("t", 0, HERE, "a"), moved("u", 0, HERE[:3], "b")
    heatmap = counted(one, other, left("t", 9, ("a",)), left("u", 9, ("b",)))
    assert seconds(heatmap) == {(4, 2): 2.0}
    assert heatmap.visitors[2, 4] == 1


def test_minutes_of_both_kinds_add_up(counted):
    early, late = moved("t", 0, HERE, "a"), moved("u", 120, HERE)
    heatmap = counted(early, moved("v", 125, HERE, "a"), late, left("t", 9, ("a",)), left("u", 190))
    assert seconds(heatmap) == {(4, 2): 4.0}
    assert heatmap.visitors[2, 4] == 2


def test_few_visitors_are_not_shown(counted):
    for number in range(3):
        heatmap = counted(moved(f"t{number}", 60 * number, HERE), left(f"t{number}", 60 * number + 5), k=3)
        assert seconds(heatmap) == ({} if number < 2 else {(4, 2): 6.0})
        assert heatmap.hidden == (number < 2)
    assert seconds(counted(k=3, start=120)) == {}
    with pytest.raises(ValueError, match="1 or more"):
        counted(k=0)


def test_the_floor_adds_nothing_but_its_cells(counted, records: Records):
    counted(moved("t", 0, HERE), moved("t", 0, HERE, "a"), left("t", 10))
    with records.read() as connection:
        kept = {
            table.name: {row.camera for row in connection.execute(table.select())}
            for table in (tables.visits, tables.occupancy, tables.cameras, tables.tiles)
        }
        spaces = {row.space for row in connection.execute(tables.tiles.select().where(tables.tiles.c.camera == FLOOR))}
    assert kept == {"visits": {"a"}, "occupancy": {"a"}, "cameras": {"a"}, "tiles": {"a", FLOOR}}
    assert spaces == {"floor"}


def test_a_restart_counts_nothing_twice(bus: Bus, records: Records, settings: Settings):
    events = [moved("t", 0, HERE), moved("t", 2.5, HERE), left("t", 10)]
    bus.publish(events)
    for event in events:
        InsightsService(bus, records, settings, PLAN).handle([event])
    assert seconds(floor_heatmap(records, STORE, GRID, T0, T0 + 600, 1)) == {(4, 2): 4.5}


def test_places_outside_the_grid_have_no_cell(counted):
    assert seconds(counted(moved("t", 0, [(-0.1, 0.1)] * 3 + [(5.2, 1.0)] * 3 + [(1.0, 3.1)] * 3), left("t", 9))) == {}


@pytest.mark.parametrize(
    ("low", "high", "grid"),
    [
        ((0, 0), (5, 3), FloorGrid(0.25, (0, 0), 20, 12)),
        ((-0.1, 0.3), (0.1, 0.4), FloorGrid(0.25, (-1, 1), 2, 1)),
        ((0, 0), (0, 0), FloorGrid(0.25, (0, 0), 1, 1)),
    ],
)
def test_a_grid_covers_what_it_is_made_for(low, high, grid):
    assert FloorGrid.around(low, high, 0.25) == grid
    assert grid.origin == (grid.first[0] * 0.25, grid.first[1] * 0.25)
