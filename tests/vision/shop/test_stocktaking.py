from __future__ import annotations

import numpy as np
import pytest

from store.furniture import Fixture, Shelf, Slot, placed_slots
from tests.vision.shop.test_asking import people
from vision.shop.evidence import SlotChange
from vision.shop.stocktaking import ARM_M, FREE_S, LONG_S, Stocktaking
from vision.shop.trust import FREE, STAYING, trusted

BOARD = Shelf(
    z_m=1.0,
    depth_m=0.3,
    slots=(Slot(product="a", at_m=0.1, width_m=0.4), Slot(product="b", at_m=2.4, width_m=0.4)),
)
FIXTURE = Fixture(
    name="wall", xy=(0.0, 0.2), heading_deg=-90.0, length_m=3.0, depth_m=0.4, height_m=1.5, shelves=(BOARD,)
)
SLOTS = list(placed_slots(FIXTURE))
FIRST = SLOTS[0].id
FRONT = np.array(SLOTS[0].corner[:2]) + 0.2 * np.array(SLOTS[0].along)
BEFORE = tuple(FRONT + 0.5 * np.array(SLOTS[0].normal))  # where somebody stands who reaches into it
BEHIND = tuple(FRONT - 0.5 * np.array(SLOTS[0].normal))
FAR = (9.0, -9.0)


class Shelves:
    """Slots that are seen by ``cameras`` since ``seen_s``; remembers what it was asked."""

    def __init__(self, cameras=("c", "d"), seen_s=0.0):
        self.cameras, self.seen_s, self.asked = cameras, seen_s, []
        self.now_s = 0.0

    def __call__(self, slots, before_s, after_s, since_s, until_s):
        self.asked += [(self.now_s, *each, since_s.get(each[0])) for each in zip(slots, before_s, after_s, strict=True)]
        seen = self.cameras if self.now_s >= self.seen_s else ()
        return [SlotChange(slot, {-1: 3.0}, seen) for slot in slots if seen]


def walk(shelves, *stays, until_s=30.0, xy=BEFORE):
    """What is told, each with its time, while somebody is at ``xy`` in each span of ``stays``."""
    finder, found = Stocktaking(SLOTS, shelves), []
    for step in range(int(until_s * 5)):
        shelves.now_s = time_s = step / 5
        where = xy if any(start <= time_s <= end for start, end in stays) else FAR
        found += [(time_s, change) for change in finder.update(time_s, people(time_s, t1=where).tracks)]
    return found


def test_a_slot_is_compared_once_whoever_stood_there_has_left():
    shelves = Shelves()
    ((told_s, change),) = walk(shelves, (5.0, 9.0))
    assert FREE_S <= told_s - 9.0 <= FREE_S + 0.8  # killed: looks between bodies, before a whole picture was sent
    assert (change.slot, change.before_s, change.after_s) == (FIRST, 5.0, pytest.approx(9.2))
    ((_, slot, before_s, after_s, since_s),) = shelves.asked
    assert (slot, before_s, after_s, since_s) == (FIRST, 5.0, pytest.approx(9.2), None)


def test_who_walks_by_or_stands_behind_or_far_changes_nothing():
    assert walk(Shelves(), (5.0, 5.6)) == []
    assert walk(Shelves(), (5.0, 9.0), xy=BEHIND) == []
    assert walk(Shelves(), (5.0, 9.0), xy=tuple(FRONT + (ARM_M + 0.1) * np.array(SLOTS[0].normal))) == []


def test_who_stays_long_is_not_waited_for_and_the_end_is_told_under_the_same_time():
    found = walk(Shelves(), (5.0, 20.0))
    assert len(found) >= 3
    assert found[0][0] <= 5.0 + LONG_S + 1.0
    assert {change.before_s for _, change in found} == {5.0}  # killed: a change told twice
    assert [change.after_s for _, change in found] == sorted(change.after_s for _, change in found)
    between, free = (trusted(SlotChange(FIRST, {-1: 3.0}, ("c", "d")), trust).log(-1) for trust in (STAYING, FREE))
    assert [found[0][1].log(-1), found[-1][1].log(-1)] == [between, free]  # killed: looks between arms believed as much
    assert between < free
    one = walk(Shelves(cameras=("c",)), (5.0, 20.0))
    assert len(one) == 1  # killed: one camera believed while arms are before it


def test_the_next_visit_is_compared_with_what_the_last_one_left():
    shelves = Shelves()
    found = walk(shelves, (5.0, 9.0), (14.0, 17.0))
    assert [change.before_s for _, change in found] == [5.0, 14.0]
    assert shelves.asked[-1][-1] == pytest.approx(9.2)  # killed: a package told again with the next one


def test_a_slot_that_is_hidden_is_asked_for_until_it_is_seen():
    ((told_s, change),) = walk(Shelves(seen_s=19.0), (5.0, 9.0))
    assert told_s == pytest.approx(19.0, abs=0.6)
    assert change.after_s == pytest.approx(9.2)
    joined = walk(Shelves(seen_s=19.0), (5.0, 9.0), (12.0, 16.0))
    assert [change.before_s for _, change in joined] == [5.0]  # two visits, one change
    assert walk(Shelves(seen_s=150.0), (5.0, 9.0), until_s=160.0) == []  # nothing is remembered so long
