from __future__ import annotations

import numpy as np
import pytest

from datasets.simulation.survey.coverage import floor_coverage, slot_coverage
from datasets.simulation.survey.drawing import INK, Canvas, text_size
from datasets.simulation.survey.plan_legend import COVERAGE, UNSEEN
from datasets.simulation.survey.plan_picture import draw_plan
from store.layout import Fixture, Floor, Gate, Plan, Shelf, Slot, Wall
from store.views import CameraView, Lens, PlanError, Pose

PX = 120  # pixels per metre of a small plan
MARGIN = 0.9  # metres around the floor


def shop(*cameras: CameraView) -> Plan:
    shelf = Shelf(z_m=0.3, depth_m=0.36, slots=(Slot(product="a", at_m=0.0, width_m=2.0),))
    rack = Fixture(name="rack", xy=(2, 2.8), heading_deg=-90, length_m=2, depth_m=0.4, height_m=1.8, shelves=(shelf,))
    return Plan(
        store="corner",
        floor=Floor(polygon=((0, 0), (4, 0), (4, 3), (0, 3))),
        gates=(Gate(name="entry", a=(0.5, 0), b=(1.5, 0), way="in"),),
        walls=(Wall(name="screen", a=(3, 0), b=(3, 0.8)),),
        fixtures=(rack,),
        cameras=cameras,
    )  # fmt: skip


def over(name: str) -> CameraView:
    return CameraView(
        camera=name,
        size=(640, 360),
        lens=Lens(horizontal_view_deg=120),
        pose=Pose(position=(2, 1.5, 2.8), look_at=(2, 1.5, 0)),
    )


def colours(plan: Plan, x: float, y: float) -> set[tuple[int, ...]]:
    """The colours of the picture around a point of the floor."""
    image = draw_plan(plan, floor_coverage(plan), slot_coverage(plan))
    top = (image.shape[0] - round((3 + 2 * MARGIN) * PX)) // 2
    column, row = round((x + MARGIN) * PX), top + round((3 + MARGIN - y) * PX)
    return {tuple(pixel) for pixel in image[row - 8 : row + 8, column - 8 : column + 8].reshape(-1, 3).tolist()}


def test_the_floor_shows_how_many_cameras_see_it() -> None:
    assert colours(shop(), 0.6, 1.0) == {COVERAGE[0], UNSEEN}  # hatched
    assert colours(shop(over("a")), 0.6, 1.0) == {COVERAGE[1]}
    assert colours(shop(over("a"), over("b")), 0.6, 1.0) == {COVERAGE[2]}
    assert colours(shop(*(over(str(i)) for i in range(9))), 0.6, 1.0) == {COVERAGE[-1]}


def test_a_slot_shows_how_many_cameras_see_it() -> None:
    # Left of the name in the middle of the fixture.
    assert UNSEEN in colours(shop(), 1.3, 2.75)
    assert COVERAGE[1] in colours(shop(over("a")), 1.3, 2.75)
    assert UNSEEN not in colours(shop(over("a")), 1.3, 2.75)


def test_the_picture_is_wide_enough_for_large_and_small_plans() -> None:
    for side in (2.0, 60.0):
        plan = Plan(store="s", floor=Floor(polygon=((0, 0), (side, 0), (side, side), (0, side))))
        image = draw_plan(plan, floor_coverage(plan, cell_m=0.5), slot_coverage(plan))
        assert image.dtype == np.uint8
        assert 700 <= image.shape[1] <= 2000
    with pytest.raises(PlanError, match="no `floor`"):
        draw_plan(Plan(store="s"), floor_coverage(plan), slot_coverage(plan))


def test_labels_keep_clear_of_one_another() -> None:
    canvas = Canvas((0, 0), (10, 10), 60)
    places = []
    for _ in range(3):
        before = canvas.image.copy()
        canvas.label("camera", (5, 5), 16)
        rows, columns = np.nonzero((canvas.image != before).any(axis=2))
        places.append((columns.min(), rows.min(), columns.max(), rows.max()))
    for i, a in enumerate(places):
        for b in places[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_labels_stay_within_the_picture() -> None:
    canvas = Canvas((0, 0), (2, 2), 100)
    for at in ((0, 0), (2, 0), (2, 2), (0, 2)):
        canvas.label_on("corner", at, 16)
    width, _ = text_size("corner", 16, bold=True)
    dark = (canvas.image < 128).all(axis=2)
    for rows in (slice(0, 30), slice(170, 200)):
        for columns in (slice(0, width + 12), slice(200 - width - 12, 200)):
            assert dark[rows, columns].sum() > 60
    upright = Canvas((0, 0), (2, 2), 100)
    upright.label_on("corner", (1, 1), 16, upright=True)
    rows, columns = np.nonzero((upright.image < 128).all(axis=2))
    assert np.ptp(rows) > 2 * np.ptp(columns)


def test_a_glaze_lets_through_what_is_under_it() -> None:
    canvas = Canvas((0, 0), (1, 1), 100)
    canvas.area([(0, 0), (0.5, 0), (0.5, 1), (0, 1)], INK)
    canvas.glaze([(0, 0), (1, 0), (1, 0.5), (0, 0.5)], (0, 0, 255), 0.5)
    assert canvas.image[80, 80].tolist() == [128, 128, 255]
    assert canvas.image[80, 20].tolist() == [26, 22, 146]
    assert canvas.image[20, 80].tolist() == [255, 255, 255]
