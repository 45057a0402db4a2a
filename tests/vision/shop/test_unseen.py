from dataclasses import replace

import numpy as np
import pytest

from store.furniture import Fixture, Shelf, Slot, placed_slots
from tests.vision.shop.test_asking import people
from vision.shop.asking import Settled
from vision.shop.evidence import Reach, SlotChange
from vision.shop.unseen import UnseenReaches

BOARD = Shelf(
    z_m=1.0,
    depth_m=0.3,
    slots=(Slot(product="a", at_m=0.1, width_m=0.4), Slot(product="b", at_m=1.4, width_m=0.4)),
)
FIXTURE = Fixture(
    name="wall", xy=(0.0, 0.2), heading_deg=-90.0, length_m=2.0, depth_m=0.4, height_m=1.5, shelves=(BOARD,)
)
SLOTS = list(placed_slots(FIXTURE))
FIRST = SLOTS[0].id
FRONT = np.array(SLOTS[0].corner[:2]) + 0.2 * np.array(SLOTS[0].along)
BEFORE = tuple(FRONT + 0.5 * np.array(SLOTS[0].normal))  # where somebody stands who reaches into it
BEHIND = tuple(FRONT - 0.5 * np.array(SLOTS[0].normal))


class Shelves:
    """Slots that change at ``at_s``, and are seen by ``cameras``; what is only a shadow is over at ``until_s``."""

    def __init__(self, at_s, until_s=np.inf, cameras=("c", "d"), strength=8.0):
        self.at_s, self.until_s, self.cameras, self.strength = at_s, until_s, cameras, strength

    def __call__(self, slots, before_s, after_s, since_s, until_s):
        found = []
        for slot in slots:
            if slot == FIRST:
                seen = before_s < self.at_s <= after_s < self.until_s and since_s.get(slot, -1) < self.at_s
                log = self.strength if seen else -5.0
                found.append(SlotChange(slot, log, log / 2, self.cameras, 0.0, self.at_s - 1.0, self.at_s + 0.5))
        return found


def walk(finder, xy, stay=(5.0, 12.0), until_s=30.0, reaches=(), **others):
    """What is found while somebody stands at ``xy`` from the first to the second of ``stay``."""
    floor, found = Settled(), []
    for step in range(int(until_s * 5)):
        time_s = step / 5
        where = xy if stay[0] <= time_s <= stay[1] else (9.0, -9.0)
        moment = people(time_s, t1=where, **others)
        floor.add([moment])
        found += finder.update(time_s, moment.tracks, floor, reaches)
    return found


def test_a_slot_that_changed_was_reached_by_who_stood_before_it():
    [(reach, change)] = walk(UnseenReaches(SLOTS, Shelves(8.0)), BEFORE, t2=(9.0, 9.0))
    assert (reach.track_id, max(reach.slots, key=reach.slots.get), change.slot) == (1, FIRST, FIRST)
    assert 6.0 <= reach.start_s <= reach.at_s <= reach.end_s <= 9.2
    assert reach.person_xy == pytest.approx(BEFORE)


def test_nobody_reaches_from_behind_or_from_far():
    for xy in (BEHIND, tuple(FRONT + 1.4 * np.array(SLOTS[0].normal))):
        assert walk(UnseenReaches(SLOTS, Shelves(8.0)), xy) == []


def test_a_shadow_that_passes_is_no_change():
    assert walk(UnseenReaches(SLOTS, Shelves(8.0, until_s=11.5)), BEFORE) == []


def test_one_camera_must_be_surer():
    weak = Shelves(8.0, cameras=("c",), strength=5.5)
    assert walk(UnseenReaches(SLOTS, weak), BEFORE) == []
    assert len(walk(UnseenReaches(SLOTS, Shelves(8.0, cameras=("c",), strength=9.0)), BEFORE)) == 1


def test_a_hand_that_was_seen_explains_it():
    seen = Reach(2, 0, 7.5, 8.5, 8.0, (0, 0, 1), BEFORE, {FIRST: 0.6})
    assert walk(UnseenReaches(SLOTS, Shelves(8.0)), BEFORE, reaches=[seen]) == []
    elsewhere = replace(seen, slots={SLOTS[1].id: 0.9})
    earlier = replace(seen, start_s=1.0, end_s=2.0)
    for other in (elsewhere, earlier):
        assert len(walk(UnseenReaches(SLOTS, Shelves(8.0)), BEFORE, reaches=[other])) == 1


def test_without_people_nothing_is_asked():
    def refuse(*asked):
        raise AssertionError(asked)

    assert walk(UnseenReaches(SLOTS, refuse), (9.0, 9.0)) == []
