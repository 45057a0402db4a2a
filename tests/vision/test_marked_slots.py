"""Takes and returns in slots marked in the picture, in films drawn here: a shelf, packages, an arm from above."""

import cv2
import numpy as np
import pytest

from vision.marked import MarkedSlots, MarkedSlotWatcher
from vision.marked.slots import SIDE

RATE = 10.0
SLOTS = {"left": (60, 60, 110, 130), "right": (180, 60, 230, 130)}
HELD = 8  # pictures that an arm takes to come, stays, and takes to go


def shelf(packages, rng, light=1.0):
    """A board before a wall, with the packages (left edges, in pixels) on it, and a camera's noise."""
    image = np.full((200, 320, 3), (150, 160, 165), np.uint8)
    image[130:] = (90, 110, 130)
    for x in packages:
        cv2.rectangle(image, (x, 70), (x + 34, 129), (40, 60, 190), -1)
        cv2.rectangle(image, (x + 6, 85), (x + 28, 105), (230, 240, 240), -1)
    return np.clip(image * light + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def with_arm(image, x, reach, holding):
    """An arm from the upper edge down to ``reach`` rows, above ``x``, with a package below it or none."""
    image = image.copy()
    if holding:
        cv2.rectangle(image, (x, reach - 10), (x + 34, reach + 49), (40, 60, 190), -1)
        cv2.rectangle(image, (x + 6, reach + 5), (x + 28, reach + 25), (230, 240, 240), -1)
    cv2.rectangle(image, (x + 8, 0), (x + 26, reach), (110, 140, 200), -1)
    return image


def film(before, after, x, *, seed=0, light=1.0):
    """An arm comes down to ``x`` and goes up again; packages stand as ``before``, then as ``after``. Also: when."""
    rng = np.random.default_rng(seed)
    pictures = [shelf(before, rng) for _ in range(15)]
    depths = np.linspace(0, 80, HELD).astype(int)
    without = tuple({*before} & {*after})
    coming, going = len(after) > len(before), len(after) < len(before)
    pictures += [with_arm(shelf(without if coming else before, rng, light), x, depth, coming) for depth in depths]
    pictures += [with_arm(shelf(before if going else after, rng, light), x, 80, False) for _ in range(HELD)]
    contact = len(pictures) - (HELD if coming else 0)
    pictures += [with_arm(shelf(without if going else after, rng, light), x, depth, going) for depth in depths[::-1]]
    pictures += [shelf(after, rng, light) for _ in range(15)]
    return pictures, contact / RATE


def watch(pictures, slots=SLOTS, people=None):
    watcher = MarkedSlotWatcher(MarkedSlots.of_boxes(slots, (320, 200)))
    found = []
    for n, picture in enumerate(pictures):
        found += watcher.update(n / RATE, picture, None if people is None else people(n))
    return found


@pytest.mark.parametrize("light", [1.0, 0.8])
def test_what_goes_is_taken_and_what_comes_is_returned(light):
    for before, after, kind in (((68, 188), (188,), "take"), ((188,), (68, 188), "return")):
        pictures, contact_s = film(before, after, 68, light=light)
        found = watch(pictures)
        assert [(event.name, event.kind) for event in found] == [("left", kind)]
        assert found[0].time_s == pytest.approx(contact_s, abs=0.3)
        assert found[0].probability >= 0.7


def test_a_package_taken_and_put_back_is_two_events():
    away, first_s = film((68, 188), (188,), 68)
    back, second_s = film((188,), (68, 188), 68, seed=1)
    found = watch([*away, *back])
    assert [event.kind for event in found] == ["take", "return"]
    assert [event.time_s for event in found] == pytest.approx([first_s, len(away) / RATE + second_s], abs=0.3)


def test_reaching_without_taking_is_nothing():
    assert watch(film((68, 188), (68, 188), 68)[0]) == []


def test_an_arm_that_stays_is_nothing_until_it_is_gone():
    rng = np.random.default_rng(3)
    still = [shelf((68, 188), rng) for _ in range(15)]
    stays = [with_arm(shelf((68, 188), rng), 68, 80, False) for _ in range(40)]
    gone = [shelf((188,), rng) for _ in range(15)]
    assert watch([*still, *stays]) == []
    assert [(event.name, event.kind) for event in watch([*still, *stays, *gone])] == [("left", "take")]


def test_light_and_what_changes_without_a_hand_are_nothing():
    rng = np.random.default_rng(4)
    still = [shelf((68, 188), rng) for _ in range(15)]
    assert watch([*still, *(shelf((68, 188), rng, light) for light in np.linspace(1, 0.6, 30))]) == []
    assert watch([*still, *(shelf((188,), rng) for _ in range(20))]) == []


def test_slots_under_people_are_not_judged():
    pictures, _ = film((68, 188), (188,), 68)
    body = np.array([[40, 0, 130, 200]], np.float32)
    nobody = np.zeros((0, 4), np.float32)
    assert watch(pictures, people=lambda n: body) == []
    assert len(watch(pictures, people=lambda n: nobody)) == 1


def test_slots_are_cut_out_as_they_are_marked():
    slots = MarkedSlots({"a": ((10, 10), (50, 10), (30, 90))}, (320, 200))
    assert slots.inside.shape == (1, SIDE, SIDE)
    # A triangle is half of its box, and the box 1 / 1.6 squared of what is looked at.
    assert slots.inside.mean() == pytest.approx(0.5 / 1.6 / 1.6, abs=0.07)
    assert slots.middle.tolist() == [[30, 50]]
    with pytest.raises(ValueError, match="slot b needs"):
        MarkedSlots({"b": ((400, 10), (500, 10), (500, 90))}, (320, 200))
    with pytest.raises(ValueError, match="marked in pictures of"):
        slots.looks(np.zeros((100, 100, 3), np.uint8))
    watcher = MarkedSlotWatcher(slots)
    watcher.update(1.0, np.zeros((200, 320, 3), np.uint8))
    with pytest.raises(ValueError, match="in order"):
        watcher.update(1.0, np.zeros((200, 320, 3), np.uint8))
