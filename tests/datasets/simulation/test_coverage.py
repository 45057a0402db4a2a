from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon

from datasets.simulation.survey.coverage import floor_coverage, slot_coverage, slot_visibility, visibility
from datasets.simulation.survey.obstacles import Boxes
from store.layout import Fixture, Floor, Plan, Shelf, Slot, Wall, footprint
from store.plan import example_plan, load_plan
from store.views import CameraView, Lens, PlanError, Pose

ROOM = Floor(polygon=((0, 0), (6, 0), (6, 4), (0, 4)))


def camera(
    name: str, position: tuple[float, float, float], target: tuple[float, float, float], view_deg: float = 90.0
) -> CameraView:
    return CameraView(
        camera=name,
        size=(640, 360),
        lens=Lens(horizontal_view_deg=view_deg),
        pose=Pose(position=position, look_at=target),
    )


def rack(name: str, x: float, y: float, heading: float, *, length: float = 2.0, height: float = 1.8) -> Fixture:
    slots = tuple(Slot(product="a", at_m=at, width_m=length / 4) for at in (0.0, length / 4, length / 2))
    shelves = tuple(Shelf(z_m=z, depth_m=0.36, slots=slots) for z in (0.2, 0.8, 1.3) if z < height)
    return Fixture(
        name=name, xy=(x, y), heading_deg=heading, length_m=length, depth_m=0.4, height_m=height, shelves=shelves
    )


def test_a_camera_that_looks_down_covers_its_rectangle() -> None:
    plan = Plan(store="s", floor=ROOM, cameras=(camera("c", (3, 2, 2.5), (3, 2, 0)),))
    floor = floor_coverage(plan, cell_m=0.1)
    assert floor.cameras.shape == (40, 60)
    assert floor.origin == (0, 0)
    # 90 degrees from 2.5 m: 5 m across, and 9/16 of that along y.
    rows, columns = np.nonzero(floor.cameras == 1)
    assert (columns.min(), columns.max()) == (5, 54)
    assert ((rows.min() + 0.5) * 0.1, (rows.max() + 0.5) * 0.1) == pytest.approx((0.65, 3.35), abs=0.06)
    assert floor.share(1) == pytest.approx(5 * 2.8125 / 24, abs=0.01)
    assert (floor.share(0), floor.share(2)) == (1.0, 0.0)


def test_nearer_to_the_camera_it_covers_less() -> None:
    plan = Plan(store="s", floor=ROOM, cameras=(camera("c", (3, 2, 2.5), (3, 2, 0)),))
    assert floor_coverage(plan, height_m=1.5).share(1) == pytest.approx(2 * 1.125 / 24, abs=0.01)


def test_cells_in_furniture_walls_and_outside_are_no_floor() -> None:
    floor = Floor(polygon=((0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)))
    wall = Wall(name="w", a=(0.0, 1.05), b=(1.0, 1.05), thickness_m=0.1)
    coverage = floor_coverage(Plan(store="s", floor=floor, walls=(wall,), fixtures=(rack("r", 3.8, 1, 180),)))
    assert coverage.free.sum() == 1200 - 10 - 4 * 20
    assert coverage.cameras[30, 30] == -1  # outside
    assert coverage.cameras[10, 38] == -1  # in the rack
    assert coverage.cameras[10, 5] == -1  # in the wall
    assert coverage.cameras[10, 15] == 0


def test_a_rack_hides_the_floor_behind_it_and_no_more() -> None:
    rack_between = rack("r", 3.0, 2.0, 180, length=4.0, height=1.8)
    plan = Plan(store="s", floor=ROOM, fixtures=(rack_between,), cameras=(camera("c", (0.5, 2, 2.8), (3, 2, 0), 100),))
    seen = visibility(plan, np.array([[2.0, 2.0, 0.0], [3.6, 2.0, 0.0], [4.6, 2.0, 1.15], [4.6, 2.0, 1.4]]))[0]
    # Past its 1.8 m, 2.68 m away and 1 m below the camera: at 4.1 m looks reach down to 2.8 - 4.1 / 2.68 = 1.27 m.
    assert seen.tolist() == [True, False, False, True]
    low = plan.model_copy(update={"fixtures": (rack("r", 3.0, 2.0, 180, length=4.0, height=0.5),)})
    assert visibility(low, np.array([[4.5, 2.0, 0.0], [3.25, 2.0, 0.0]]))[0].tolist() == [True, False]


def test_walls_hide_and_a_low_one_is_looked_over() -> None:
    points = np.array([[5.0, 2.0, 0.0]])
    for height, seen in ((None, False), (2.0, False), (0.5, True)):
        wall = Wall(name="w", a=(3, 0), b=(3, 4), height_m=height)
        plan = Plan(store="s", floor=ROOM, walls=(wall,), cameras=(camera("c", (1, 2, 2.5), (4, 2, 0)),))
        assert visibility(plan, points)[0, 0] == seen


def test_the_floors_own_corner_hides() -> None:
    corner = Floor(polygon=((0, 0), (6, 0), (6, 2), (2, 2), (2, 6), (0, 6)))
    plan = Plan(store="s", floor=corner, cameras=(camera("c", (1, 5.5, 2.5), (1, 1, 0), 110),))
    assert visibility(plan, np.array([[1.0, 1.0, 0.0], [3.0, 1.0, 0.0]]))[0].tolist() == [True, False]


def test_slots_are_seen_from_before_only() -> None:
    plan = Plan(
        store="s",
        floor=ROOM,
        fixtures=(rack("r", 0.2, 2.0, 0),),
        cameras=(
            camera("before", (3, 2, 2.6), (0.4, 2, 0.8)),
            camera("away", (3, 2, 2.6), (6, 2, 0.8)),
            camera("along", (0.45, 0.2, 2.6), (0.45, 2, 0.8)),  # sees the front from its edge
            CameraView(camera="unknown", size=(640, 360)),
        ),
    )
    visible = slot_visibility(plan)
    assert visible.shape == (4, 9)
    assert (visible[0] == 1).all()
    assert (visible[1:] == 0).all()
    assert slot_coverage(plan).tolist() == [1] * 9


def test_a_board_hides_what_lies_deeper_below_it() -> None:
    slot = Slot(product="a", at_m=0.2, width_m=0.3)
    shelves = (Shelf(z_m=0.2, depth_m=0.2, slots=(slot,)), Shelf(z_m=0.7, depth_m=0.5, slots=(slot,)))
    deep_above = Fixture(name="f", xy=(0.3, 2), length_m=1, depth_m=0.6, height_m=1.5, shelves=shelves)
    plan = Plan(store="s", floor=ROOM, fixtures=(deep_above,), cameras=(camera("c", (1.2, 2, 2.6), (0.5, 2, 0.8)),))
    assert slot_coverage(plan).tolist() == [0, 1]


def test_a_plan_without_floor_has_no_floor_coverage() -> None:
    with pytest.raises(PlanError, match="plan of s has no `floor`"):
        floor_coverage(Plan(store="s"))
    assert slot_coverage(Plan(store="s")).shape == (0,)


@given(st.integers(0, 10_000))
def test_a_box_hides_what_a_line_through_it_meets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fixture = Fixture(
        name="f", xy=tuple(rng.uniform(1, 5, 2)), heading_deg=float(rng.uniform(0, 360)), kind="table",
        length_m=float(rng.uniform(0.3, 3)), depth_m=float(rng.uniform(0.3, 2)), height_m=2.0,
    )  # fmt: skip
    eye = np.array([*rng.uniform(-3, 9, 2), 1.0])
    points = np.column_stack([rng.uniform(-3, 9, (40, 2)), np.full(40, 1.0)])
    hidden = Boxes.of(Plan(store="s", fixtures=(fixture,))).hide(eye, points)
    body = Polygon(footprint(fixture))
    if body.covers(Point(eye[:2])):
        assert not hidden.any()
        return
    # Level looks at 1 m, below the table's top: the plan decides. A hair's breadth may go either way.
    for point, found in zip(points, hidden, strict=True):
        look = LineString([eye[:2], point[:2]])
        if look.intersection(body).length > 1e-6:
            assert found
        elif look.distance(body) > 1e-6:
            assert not found


def test_looks_pass_over_and_under_a_box() -> None:
    fixture = Fixture(name="f", xy=(3, 2), kind="table", length_m=1, depth_m=1, height_m=1.0)
    boxes = Boxes.of(Plan(store="s", fixtures=(fixture,)))
    eye = np.array([0.0, 2.0, 2.0])
    # Over the far edge (3.5) at height h the look ends at 7 m lower by (2 - h) * 2.
    assert boxes.hide(eye, np.array([[7.0, 2.0, 0.1], [7.0, 2.0, -0.1], [2.0, 2.0, 0.0]])).tolist() == [
        False,
        True,
        False,
    ]
    assert not boxes.hide(np.array([3.0, 2.0, 0.5]), np.array([[9.0, 2.0, 0.5]])).any()


@pytest.mark.parametrize(("name", "fewest", "share"), [("nano", 2, 0.99), ("shop", 1, 0.95)])
def test_the_examples_cameras_see_their_slots_and_floor(name: str, fewest: int, share: float) -> None:
    plan = load_plan(example_plan(name))  # type: ignore[arg-type]
    assert slot_coverage(plan).min() >= fewest
    assert floor_coverage(plan, cell_m=0.2).share(2) >= share


@pytest.mark.parametrize("name", ["nano", "shop"])
def test_two_people_can_pass_everywhere_in_the_examples(name: str) -> None:
    plan = load_plan(example_plan(name))  # type: ignore[arg-type]
    assert plan.floor is not None
    bodies = [Polygon(footprint(fixture)) for fixture in plan.fixtures]
    free = Polygon(plan.floor.polygon)
    for body in bodies:
        free = free.difference(body)
    wide = free.buffer(-0.6)  # where the middle of 1.2 m is free
    assert wide.geom_type == "Polygon"
    for slot in plan.slots():
        middle = (
            slot.corner[0] + slot.along[0] * slot.width_m / 2 + slot.normal[0] * 0.75,
            slot.corner[1] + slot.along[1] * slot.width_m / 2 + slot.normal[1] * 0.75,
        )
        assert wide.distance(Point(middle)) < 0.6, slot.id
