from __future__ import annotations

import numpy as np
import pytest

from tests.vision.shop.painted_shelves import CAMERAS, SIZE, Shop, moment, plan
from vision.shop.evidence import SlotChange
from vision.shop.shelves import ShelfWatcher

EVERYWHERE = (0, 0, 320, 180)
SLOTS = tuple(slot.id for slot in plan().slots())
SLOT = "g/2/2"


def watched(*scenes: tuple[float, float, Shop, dict[str, tuple[int, int, int, int]]]) -> ShelfWatcher:
    """A watcher that saw each scene from a time to another, at 5 moments a second, with boxes of people before it."""
    watcher = ShelfWatcher(plan(), CAMERAS)
    for start_s, end_s, shop, standing in scenes:
        for time_s in np.arange(start_s, end_s, 0.2):
            watcher.update(moment(float(time_s), shop, standing))
    return watcher


def changes(watcher: ShelfWatcher, before_s: float = 3.0, after_s: float = 4.0, **bounds) -> dict[str, SlotChange]:
    return {
        change.slot: change
        for change in watcher.change(SLOTS, [before_s] * len(SLOTS), [after_s] * len(SLOTS), **bounds)
    }


@pytest.mark.parametrize("column", [0, 1])
def test_a_package_that_is_gone_changes_its_own_slot_alone(column):
    found = changes(watched((1.5, 3, Shop(), {}), (4, 5.5, Shop({(SLOT, column): 1}), {})))
    assert found[SLOT].log(-1) > 4
    # Killed: patches that reach into the slots beside, or the change of the whole picture.
    assert all(max(found[slot].log(-1), found[slot].log(1)) < -1 for slot in SLOTS if slot != SLOT)
    assert found[SLOT].cameras == ("left", "right")


def test_nothing_is_said_of_a_slot_that_somebody_hides():
    gone = Shop({(SLOT, 0): 1})
    half = changes(watched((1.5, 3, Shop(), {}), (4, 5.5, gone, {"left": EVERYWHERE})))
    assert half[SLOT].cameras == ("right",)  # killed: looks under a person's box are kept
    assert half[SLOT].log(-1) > 2
    whole = changes(watched((1.5, 3, Shop(), {}), (4, 5.5, gone, dict.fromkeys(("left", "right"), EVERYWHERE))))
    assert whole[SLOT] == SlotChange(SLOT, {})


def test_an_answer_comes_once_whoever_stood_there_is_gone():
    hidden = dict.fromkeys(("left", "right"), EVERYWHERE)
    watcher = watched((1.5, 3, Shop(), {}), (3, 9, Shop({(SLOT, 0): 1}), hidden))
    assert changes(watcher)[SLOT].cameras == ()
    for time_s in np.arange(9, 10.5, 0.2):
        watcher.update(moment(float(time_s), Shop({(SLOT, 0): 1})))
    late = changes(watcher)[SLOT]
    assert late.log(-1) > 4  # killed: a memory that forgets by time what nobody could see since
    assert late.before_s < 3
    assert 9 <= late.after_s < 10.5


def test_other_light_is_no_change():
    found = changes(watched((1.5, 3, Shop(), {}), (4, 5.5, Shop(light=(0.5, 0.6, 0.7)), {})))
    assert all(change.log(-1) < -1 for change in found.values())  # killed: no gain between the looks
    both = changes(watched((1.5, 3, Shop(), {}), (4, 5.5, Shop({(SLOT, 1): 1}, light=(1.15, 1.0, 0.9)), {})))
    assert max(both, key=lambda slot: both[slot].log(-1)) == SLOT
    assert both[SLOT].log(-1) > 4


def test_looks_of_other_hands_are_left_out():
    gone = Shop({(SLOT, 0): 1})
    watcher = watched((0, 2, Shop(), {}), (2, 3, gone, {}), (4, 5, gone, {}), (5, 6, Shop(), {}))
    early = changes(watcher, before_s=1.9, after_s=5.0)
    assert early[SLOT].log(-1) < -1  # the same before and after
    assert changes(watcher, before_s=1.9, after_s=2.2, until_s={SLOT: 4.9})[SLOT].log(-1) > 4
    assert changes(watcher, since_s={SLOT: 2.1})[SLOT].log(-1) < -1
    assert changes(watcher, since_s={SLOT: 3.1})[SLOT].cameras == ()  # killed: bounds that are not used


def test_one_glance_says_nothing():
    found = changes(watched((1.5, 3, Shop(), {}), (4, 4.1, Shop({(SLOT, 0): 1}), {})))
    assert found[SLOT].cameras == ()  # killed: a single look counts, with whatever passed through it


def test_reset_forgets_and_unknown_slots_are_refused():
    watcher = watched((1.5, 3, Shop(), {}), (4, 5.5, Shop({(SLOT, 0): 1}), {}))
    watcher.reset()
    assert changes(watcher)[SLOT].cameras == ()
    with pytest.raises(KeyError, match="g/9/9"):
        watcher.change(["g/9/9"], [3.0], [4.0])


@pytest.mark.parametrize("gone", [1, 2])
def test_the_way_of_a_package_is_told_from_what_is_seen_behind_it(gone):
    fuller, emptier = Shop({(SLOT, 0): gone - 1}), Shop({(SLOT, 0): gone})
    taken = changes(watched((1.5, 3, fuller, {}), (4, 5.5, emptier, {})))[SLOT]
    returned = changes(watched((1.5, 3, emptier, {}), (4, 5.5, fuller, {})))[SLOT]
    assert taken.log(-1) > taken.log(1) + 2
    assert returned.log(1) > returned.log(-1) + 2  # killed: the signs of the sweep, or the way left out
    assert min(taken.log(-1), returned.log(1)) > 2


def test_a_column_that_is_half_hidden_is_not_told_the_wrong_way():
    slot = plan().slots()[SLOTS.index(SLOT)]
    corner, along = np.array(slot.corner), np.array([*slot.along, 0.0])
    # Somebody hides its upper part after the reach.
    middle = corner + along * slot.width_m * 0.25 + np.array([0.0, 0.0, 0.17])
    standing = {model.camera: (0, 0, SIZE[0], round(float(model.project(middle)[1]))) for model in CAMERAS}
    found = changes(watched((1.5, 3, Shop({(SLOT, 0): 1}), {}), (4, 5.5, Shop(), standing)))[SLOT]
    assert found.cameras == ("right",)
    assert found.log(-1) < 1  # killed: what nobody saw counts as black


def test_a_strange_package_is_not_taken_for_one_that_belongs_there():
    emptier = Shop({(SLOT, 0): 1})
    strange = Shop({(SLOT, 0): 1}, {(SLOT, 0): 0})
    own = changes(watched((1.5, 3, emptier, {}), (4, 5.5, Shop(), {})))[SLOT]
    other = changes(watched((1.5, 3, emptier, {}), (4, 5.5, strange, {})))[SLOT]
    assert other.misplaced - other.log(1) > own.misplaced - own.log(1) + 1  # killed: the strange features left out
    assert other.misplaced > 4
