from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.furniture import Fixture
from store.layout import Plan
from tests.vision.shop.painted_shelves import CAMERAS, SIZE, camera, plan
from vision.detections import Detections
from vision.shop.covered import covered
from vision.shop.slot_change import Goods, cells_of
from vision.shop.slot_counts import FEATURES, GONE, features
from vision.shop.slot_memory import KEPT, SPACINGS_S, SlotMemory
from vision.shop.slot_views import COLUMNS, ROWS, SlotViews


def test_a_patch_shows_the_front_of_its_slot_upright():
    model, slot = CAMERAS[0], plan().slots()[4]
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    corner, along = np.array(slot.corner), np.array([*slot.along, 0.0])
    # The left half of its front, up to a third of its height.
    low = [corner, corner + along * slot.width_m / 2]
    quad = [*low, low[1] + [0, 0, 0.4 / 3], low[0] + [0, 0, 0.4 / 3]]
    cv2.fillConvexPoly(image, np.round(model.project(np.array(quad))).astype(np.int32), (255, 255, 255))
    views = SlotViews.of(plan(), model)
    patch = views.patches(image, np.flatnonzero(views.slots == 4))[0, ..., 0]
    # Killed: rows from the board up, columns from the right.
    assert patch[ROWS * 2 // 3 + 1 :, : COLUMNS // 2 - 1].mean() > 200
    assert patch[: ROWS * 2 // 3 - 1].mean() < 30
    assert patch[:, COLUMNS // 2 + 1 :].mean() < 30


def test_a_deeper_plane_is_found_where_its_points_are_seen():
    model, slots = CAMERAS[1], plan().slots()
    views = SlotViews.of(plan(), model)
    slot = slots[int(views.slots[0])]
    point = np.array(slot.corner) + np.array([*slot.along, 0.0]) * 0.1 + np.array([0.0, 0.0, 0.1])
    deep = point - np.array([*slot.normal, 0.0]) * 0.12
    column, row = 0.1 / slot.width_m * COLUMNS - 0.5, (1 - 0.1 / views.extent[0, 1]) * ROWS - 0.5
    at = views.deeper(0, 0.12) @ [column, row, 1.0]
    pixels = views.pixels[0].astype(np.float64)
    j, i = int(at[0]), int(at[1])
    seen = (
        pixels[i, j] + (at[0] - j) * (pixels[i, j + 1] - pixels[i, j]) + (at[1] - i) * (pixels[i + 1, j] - pixels[i, j])
    )
    assert seen == pytest.approx(model.project(deep), abs=0.15)  # killed: the share of the depth turned round


def test_slots_seen_too_flat_from_behind_or_through_furniture_are_left_out():
    assert len(SlotViews.of(plan(), CAMERAS[0])) == 6
    assert len(SlotViews.of(plan(), camera("behind", (2.0, -2.0, 2.0)))) == 0
    assert len(SlotViews.of(plan(), camera("flat", (4.5, 0.62, 1.0)))) == 0
    wall = Fixture(name="w", xy=(2.7, 1.5), heading_deg=90.0, length_m=3.0, depth_m=0.4, height_m=2.2)
    behind = Plan(store="walled", fixtures=(*plan().fixtures, wall))
    assert len(SlotViews.of(behind, CAMERAS[0])) < 6  # killed: furniture is looked through
    low = wall.model_copy(update={"height_m": 0.3})
    assert len(SlotViews.of(Plan(store="low", fixtures=(*plan().fixtures, low)), CAMERAS[0])) == 6


def test_a_body_covers_less_than_its_box_and_a_bodiless_box_all():
    box = np.array([[100, 20, 180, 170]], np.float32)
    joints = np.zeros((1, 17, 3), np.float32)
    joints[0] = [140, 35, 1.0]
    places = {5: (128, 55), 6: (152, 55), 7: (120, 80), 8: (160, 80), 9: (112, 60), 10: (165, 100)}
    places |= {11: (132, 100), 12: (148, 100), 13: (132, 135), 14: (148, 135), 15: (132, 165), 16: (148, 165)}
    for joint, at in places.items():
        joints[0, joint, :2] = at
    whole = covered(Detections(box, np.ones(1, np.float32)), (180, 320)) > 0
    body = covered(Detections(box, np.ones(1, np.float32), joints), (180, 320)) > 0
    assert whole[15:175, 95:185].all()
    assert 0.3 * whole.sum() < body.sum() < 0.8 * whole.sum()
    assert all(body[y, x] for x, y in places.values())
    assert body[90, 140]  # the trunk between the joints
    assert body[115, 165]  # what hangs from a hand
    assert not body[160, 105]
    joints[..., 2] = 0.1
    assert (covered(Detections(box, np.ones(1, np.float32), joints), (180, 320)) > 0).sum() == whole.sum()


def test_memory_keeps_a_bounded_number_of_looks_and_the_older_ones_apart():
    memory, rows = SlotMemory(1), np.array([0])
    free = np.ones((1, ROWS, COLUMNS), np.bool_)
    span = SPACINGS_S[-1] * (KEPT + 5)
    for n in range(round(span / 0.1)):
        memory.add(n * 0.1, rows, np.full((1, ROWS, COLUMNS, 3), n % 256, np.uint8), free)
    always = np.full(1, -np.inf)
    assert memory.before(rows, np.array([span - 0.1]), always).last_s[0, 0, 0] == pytest.approx(span - 0.1, abs=0.4)
    old = memory.before(rows, np.array([span - 8.0]), always)
    assert old.count[0, 0, 0] >= 2  # killed: one ring of close looks alone
    assert memory.before(rows, np.array([span - 0.1 - (KEPT + 3) * SPACINGS_S[-1]]), always).count[0, 0, 0] == 0


def test_the_features_of_a_flat_package_are_numbers():
    slot = plan().slots()[4]
    views = SlotViews.of(plan(), CAMERAS[0])
    goods = Goods.of(slot, (0.14, 0.1, 0.03))
    cells = cells_of(goods, slot)
    looks = np.random.default_rng(3).uniform(0, 255, (2, ROWS, COLUMNS, 3)).astype(np.float32)
    deviation, seen = np.full((ROWS, COLUMNS), 4.0, np.float32), np.ones((ROWS, COLUMNS), np.bool_)
    found = features(*looks, deviation, seen, views, 4, goods, cells)
    assert found.shape == (len(cells), FEATURES)
    assert np.isfinite(found).all()  # killed: levels without lines
    back = features(*looks[::-1], deviation, seen, views, 4, goods, cells)
    # The way back is the way turned round: rows deeper are rows nearer.
    matches = slice(2, 2 + 2 * (len(GONE) - 1))
    turned = found[:, matches].reshape(-1, len(GONE) - 1, 2)[:, ::-1]
    assert back[:, matches] == pytest.approx(turned.reshape(len(cells), -1))
    seen[:, : COLUMNS // goods.columns] = False
    assert np.isnan(features(*looks, deviation, seen, views, 4, goods, cells)).all(axis=1).any()


@given(
    st.tuples(st.floats(0.05, 0.5), st.floats(0.03, 0.5), st.floats(0.02, 0.5)),
    st.integers(0, len(plan().slots()) - 1),
)
def test_cells_are_inside_the_patch(size_m, number):
    slot = plan().slots()[number]
    goods = Goods.of(slot, size_m)
    cells = cells_of(goods, slot)
    assert len(cells) == goods.columns * goods.layers
    for cell in cells:
        lines, columns = cell.place
        assert 0 <= lines.start < lines.stop <= ROWS
        assert 0 <= columns.start < columns.stop <= COLUMNS
    layers = {cell.layer: cell.place[0].stop for cell in cells}
    assert layers[0] == ROWS  # the lowest stands on the board
