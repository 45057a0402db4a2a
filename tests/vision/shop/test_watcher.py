"""The whole of a shop, from boxes and grams; pictures are blank, so that hands and shelves say nothing."""

import numpy as np
import pytest

from cameras.geometry import CameraModel
from datasets.simulation.shop import load_shop
from store.events import PersonEntered, PersonLeft, ProductEvent, ProductTaken
from store.plan import example_plan
from tests.vision.floor.rooms import boxes, detections
from vision.shop.perception import ShopPerception
from vision.shop.watcher import ShopWatcher

START = 1_000.0
RATE = 5.0
WAY = np.array([[1.2, -0.6], [1.2, 1.0], [6.6, 1.0], [7.0, 3.7]])
BLANK = np.zeros((360, 640, 3), np.uint8)


def walked(way, speed=1.4):
    """Places (t, 2) along a way at ``RATE`` a second."""
    lengths = np.linalg.norm(np.diff(way, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    along = np.arange(0.0, at[-1], speed / RATE)
    return np.column_stack([np.interp(along, at, way[:, axis]) for axis in (0, 1)])


@pytest.fixture(scope="module")
def shop():
    plan, catalogue = load_shop(example_plan("nano"), 1)
    views = [view for view in plan.cameras if view.camera in ("door-out", "corner-nw", "aisle-south", "door-in")]
    return plan, catalogue, [CameraModel.of(view) for view in views]


def watch(cameras, watcher, path, plate, lifted_s, grams):
    events = []
    for moment, xy in enumerate(path):
        time_s = START + moment / RATE
        times = time_s + np.arange(4) / 20.0
        watcher.weigh(plate, times, 5000.0 - grams * (times >= START + lifted_s))
        seen = {}
        for model in cameras:
            box = boxes(model, xy[None]) if np.isfinite(xy).all() else np.zeros((0, 4))
            low = np.clip(box, 0, [640, 360, 640, 360])
            seen[model.camera] = detections(low[np.isfinite(low).all(axis=1) & (low[:, 3] - low[:, 1] > 30)])
        captured = {model.camera: (time_s, BLANK) for model in cameras}
        events += watcher.update(captured, time_s, seen)
    return events + watcher.finish()


@pytest.fixture(scope="module")
def visit(shop):
    """Somebody comes in, stands at a shelf, whose plate loses a package, goes out, and is gone for some seconds."""
    plan, catalogue, cameras = shop
    slot = next(slot for slot in plan.slots() if slot.id == "east/3/1")
    product = catalogue.product(slot.slot.product)
    come = walked(WAY)
    stand = np.repeat(WAY[-1:], 30, axis=0)
    go = walked(np.array([[7.0, 3.7], [6.8, 1.0], [6.8, -0.8]]))
    gone = np.full((50, 2), np.nan)
    watcher = ShopWatcher(plan, catalogue, ShopPerception(plan, catalogue, cameras, store="mine"), store="mine")
    lifted_s = len(come) / RATE + 2.0
    path = np.concatenate([come, stand, go, gone])
    events = watch(cameras, watcher, path, slot.slot.plate, lifted_s, product.weight_g)
    return events, product, lifted_s


def test_what_a_plate_misses_is_of_whom_the_floor_has_there(visit):
    events, product, lifted_s = visit
    [entered] = [event for event in events if isinstance(event, PersonEntered)]
    taken = [event for event in events if isinstance(event, ProductTaken) and event.confidence > 0.5]
    [took] = taken
    assert (took.track_id, took.gtin, took.slot) == (entered.track_id, product.gtin, "east/3/1")
    assert took.time == pytest.approx(START + lifted_s, abs=1.0)


def test_facts_are_of_the_store_that_was_named(visit):
    assert {event.store for event in visit[0]} == {"mine"}


def test_a_visit_keeps_its_id_after_it_has_ended(visit):
    events = visit[0]
    entered = next(event.track_id for event in events if isinstance(event, PersonEntered))
    left = [event.track_id for event in events if isinstance(event, PersonLeft)]
    assert left == [entered]
    assert {event.track_id for event in events if isinstance(event, ProductEvent)} == {entered}


def test_names_do_not_pile_up(shop, monkeypatch):
    plan, catalogue, cameras = shop
    monkeypatch.setattr("vision.shop.perception._NAMES", 5)
    perception = ShopPerception(plan, catalogue, cameras)
    names = [perception.name(number) for number in range(40)]
    assert len(set(names)) == 40
    assert perception.name(39) == names[39]
    assert len(perception._names) == 5
