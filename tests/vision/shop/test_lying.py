"""Things on the floor, as cameras of a painted room see them."""

import cv2
import numpy as np
import pytest

from store.catalogue import Catalogue, Package, Product
from store.layout import Plan
from tests.vision.shop.corner import ANNA, catalogue, gtin, plan
from tests.vision.shop.painted_floor import CAMERAS, PLAN, Room
from vision.shop.floor_views import CELL_M, FloorChart, FloorView
from vision.shop.lying import LyingFinder
from vision.shop.lying_sizes import LyingSizes, hidden_hull

SPOT, BESIDE, AWAY = (2.2, 1.4), (2.2, 1.0), (0.4, 2.7)
BOX = (0.14, 0.1, 0.2)


@pytest.fixture
def finder() -> LyingFinder:
    return LyingFinder(PLAN, CAMERAS, catalogue())


@pytest.fixture
def room(finder) -> Room:
    """Looked at for some seconds, empty."""
    room = Room()
    assert room.watch(finder, 3) == []
    return room


def lay(room: Room, finder: LyingFinder, size=BOX) -> list:
    """Somebody comes, lays a box down and goes."""
    room.people = {ANNA: BESIDE}
    found = room.watch(finder, 2)
    room.boxes = [(SPOT, size)]
    found += room.watch(finder, 2)
    room.people = {ANNA: AWAY}
    return found + room.watch(finder, 4)


def test_what_somebody_lays_down_is_told_when_they_are_away(room, finder):
    (laid,) = lay(room, finder)
    assert (laid.number, laid.gone) == (1, False)
    assert np.linalg.norm(np.subtract(laid.xy, SPOT)) < 0.08
    assert 2.0 < laid.before_s <= 3.2  # the last look before Anna came
    assert 7.0 < laid.after_s < 8.0
    assert set(laid.cameras) == {"a", "b", "c"}
    assert room.watch(finder, 30) == []  # and only once


def test_what_is_picked_up_has_the_number_of_what_was_laid_down(room, finder):
    (laid,) = lay(room, finder)
    room.people = {ANNA: BESIDE}
    room.watch(finder, 2)
    room.boxes = []
    room.watch(finder, 1)
    room.people = {}
    (gone,) = room.watch(finder, 4)
    assert (gone.number, gone.gone, gone.xy) == (laid.number, True, laid.xy)
    assert 10.8 < gone.before_s <= 11.2
    assert 14.0 < gone.after_s < 15.0
    assert room.watch(finder, 10) == []
    (again,) = lay(room, finder)
    assert (again.number, again.gone) == (laid.number + 1, False)


def test_light_that_changes_is_no_thing(room, finder):
    for light in (1.25, 0.8, 1.0):
        room.light = light
        assert room.watch(finder, 5) == []


@pytest.mark.parametrize("blind", [{"a"}, {"a", "b"}])
def test_what_a_third_of_the_cameras_see_bare_is_no_thing(room, finder, blind):
    room.blind = frozenset(blind)
    assert lay(room, finder) == []


@pytest.mark.parametrize(("count", "told"), [(2, 1), (1, 0)])
def test_it_takes_two_cameras(count, told):
    room, finder = Room(), LyingFinder(PLAN, CAMERAS[:count], catalogue())
    room.watch(finder, 3)
    assert len(lay(room, finder)) == told


def test_what_is_as_large_as_furniture_is_no_package(room, finder):
    assert lay(room, finder, (0.6, 0.6, 0.5)) == []


def test_its_size_tells_small_packages_from_large_ones(room):
    sizes = {"small": (0.07, 0.07, 0.1), "right": BOX, "large": (0.3, 0.25, 0.35)}
    products = tuple(
        Product(id=id, gtin=gtin(own), name=id, brand="b", package=Package.BOX, size_m=size, weight_g=100, price=100)
        for own, (id, size) in zip(("beans", "oats", "rice"), sizes.items(), strict=True)
    )
    finder = LyingFinder(PLAN, CAMERAS, Catalogue(products=products))
    room.watch(finder, 3)
    (laid,) = lay(room, finder)
    assert laid.products["right"] > max(laid.products["small"], laid.products["large"]) + 0.5
    assert max(laid.products.values()) <= 0.0


def test_a_reset_forgets_what_lies_there(room, finder):
    lay(room, finder)
    finder.reset()
    assert room.watch(finder, 5) == []  # it belongs to the floor from the first look on
    room.boxes = []
    (told,) = room.watch(finder, 5)
    assert (told.number, told.gone) == (1, False)  # a bare spot: for all that is known, something new


def test_a_box_hides_its_own_ground_from_above_and_more_from_aside():
    def hidden_m2(*eye: float) -> float:
        return cv2.contourArea(hidden_hull(np.zeros(2), np.array(BOX), 0.3, np.array(eye)).astype(np.float32))

    assert hidden_m2(0.0, 0.0, 1e6) == pytest.approx(0.14 * 0.1, rel=1e-3)
    assert 0.14 * 0.1 < hidden_m2(1.0, 0.0, 2.5) < hidden_m2(4.0, 0.0, 2.5)


def test_what_a_thing_hides_beyond_the_floor_is_not_expected():
    chart = FloorChart.of(PLAN)
    (view,) = FloorView.all_of(PLAN, chart, CAMERAS[:1])
    sizes = LyingSizes(catalogue(), chart)

    def fitting(xy: tuple[float, float]) -> list[int]:
        logs = {count: sizes.logs(np.array(xy), {"a": count}, {"a": view})["tea"] for count in range(1, 60)}
        return [count for count, log in logs.items() if log == 0.0]

    corner, middle = fitting((3.95, 2.95)), fitting((2.0, 1.5))
    assert max(corner) < max(middle) / 2
    assert min(middle) == pytest.approx(0.4 * max(middle), abs=1)


def test_no_cell_lies_under_furniture_or_off_the_floor():
    chart = FloorChart.of(plan())
    places = chart.places()
    under = (np.abs(places - [0.0, -0.3]) < [0.79, 0.29]).all(axis=-1)
    assert under.any()
    assert not chart.inside[under].any()
    assert chart.inside.mean() == pytest.approx(1 - 1.6 * 0.6 / 36, abs=0.01)
    assert chart.around(np.array([[1.0, 2.0]]), 0.4).sum() * CELL_M**2 == pytest.approx(np.pi * 0.4**2, rel=0.1)


def test_a_camera_sees_what_no_wall_hides():
    hidden = Plan.model_validate({**PLAN.model_dump(), "walls": [{"name": "w", "a": (3.0, 0.0), "b": (3.0, 2.9)}]})
    chart = FloorChart.of(hidden)
    bare, walled = (FloorView.all_of(each, chart, CAMERAS[:1])[0].seen for each in (PLAN, hidden))
    behind = chart.places()[..., 0] > 3.1
    assert bare[behind].any()
    assert not walled[behind & (chart.places()[..., 1] < 2.5)].any()
    with pytest.raises(ValueError, match="room has no floor"):
        FloorChart.of(Plan(store="room"))
