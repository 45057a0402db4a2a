import numpy as np
import pytest

from store.furniture import Fixture, Shelf, Slot, placed_slots
from vision.shop.reaches import ReachFinder, visits
from vision.shop.shelf_room import ShelfRoom
from vision.shop.wrists import Hands

BOARDS = (0.1, 0.5, 0.9, 1.3, 1.7)
CAMERAS = ("c0", "c1")


def shelf(z_m, count=4, depth_m=0.4, side="front"):
    slots = tuple(Slot(product=f"p{n}", at_m=0.3 * n, width_m=0.3) for n in range(count))
    return Shelf(z_m=z_m, depth_m=depth_m, side=side, slots=slots)


# Its front is at y = 2, it faces -y, and its slots go from x = -0.6 to 0.6.
GONDOLA = Fixture(
    name="wall",
    xy=(0.0, 2.22),
    heading_deg=-90.0,
    length_m=1.2,
    depth_m=0.44,
    height_m=2.0,
    shelves=tuple(map(shelf, BOARDS)),
)
TABLE = Fixture(
    name="table",
    kind="table",
    xy=(0.0, -2.0),
    heading_deg=90.0,
    length_m=1.2,
    depth_m=0.8,
    height_m=0.8,
    shelves=(shelf(0.8, depth_m=0.8),),
)
SLOTS = [*placed_slots(GONDOLA), *placed_slots(TABLE)]
HOME = (0.25, 1.65, 0.85)


def there_and_back(*stops, home=HOME, rate=5.0, hold_s=0.3, way_s=0.8):
    """Tips (k, 3) that go from ``home`` to each stop and back at the end."""
    path = [np.array(home)] * 4
    for stop in (*stops, home):
        steps = int(way_s * rate)
        path += [path[-1] + (np.array(stop) - path[-1]) * (1 - np.cos(np.pi * n / steps)) / 2 for n in range(1, steps)]
        path += [np.array(stop)] * max(int(hold_s * rate), 1)
    return np.array(path + [np.array(home)] * 4)


def played(finder, tips, person_xy=(0.1, 1.45), rate=5.0, error_m=0.03, number=7, hand=1, seen=(True, False)):
    """The reaches of one hand whose tips are (k, 3), NaN where unknown."""
    found = []
    for step, tip in enumerate(tips):
        found += finder.update(hands(10 + step / rate, {number: (person_xy, {hand: tip})}, error_m, seen))
    return found


def hands(time_s, people, error_m=0.03, seen=(True, False)):
    n = len(people)
    tip = np.full((n, 2, 3), np.nan)
    for row, (_, tips) in enumerate(people.values()):
        for hand, at in tips.items():
            tip[row, hand] = at
    xy = np.array([xy for xy, _ in people.values()], np.float64).reshape(n, 2)
    way = np.zeros((n, 2, 3))
    way[..., :2] = tip[..., :2] - xy[:, None]
    wrist = tip - 0.15 * way / np.linalg.norm(way, axis=-1, keepdims=True)
    return Hands(
        time_s,
        np.array(list(people), np.int64),
        xy,
        wrist,
        np.full((n, 2, 3), np.nan),
        tip,
        np.tile(np.eye(3) * error_m**2, (n, 2, 1, 1)),
        np.tile(np.array(seen), (n, 2, 1)),
    )


def best(reach):
    return next(iter(reach.slots))


@pytest.mark.parametrize(("board", "z"), list(enumerate(BOARDS, 1)))
def test_a_reach_is_told_with_its_slot_time_and_hand_on_every_board(board, z):
    tips = there_and_back((0.15, 2.1, z + 0.12))
    found = played(ReachFinder(SLOTS, CAMERAS), tips)
    assert len(found) == 1
    (reach,) = found
    # The gondola faces -y: its left end is at x = -0.6 for who looks at it.
    assert best(reach) == f"wall/{board}/3"
    assert reach.slots[best(reach)] > 0.6
    assert sum(reach.slots.values()) <= 1
    assert (reach.track_id, reach.hand, reach.cameras) == (7, 1, ("c0",))
    deepest = 10 + np.flatnonzero(np.isclose(tips[:, 1], 2.1)) / 5
    assert deepest[0] - 0.01 <= reach.at_s <= deepest[-1] + 0.01
    assert reach.start_s < reach.at_s < reach.end_s
    assert reach.xyz == pytest.approx((0.15, 2.1, z + 0.12))
    assert reach.person_xy == pytest.approx((0.1, 1.45))


def test_the_hand_hardly_enters_to_take_what_stands_in_front():
    (reach,) = played(ReachFinder(SLOTS), there_and_back((-0.45, 2.02, 1.02)))
    assert best(reach) == "wall/3/1"


def test_an_uncertain_hand_may_have_been_in_several_slots():
    (sure,) = played(ReachFinder(SLOTS), there_and_back((0.15, 2.1, 1.05)))
    (unsure,) = played(ReachFinder(SLOTS), there_and_back((0.15, 2.1, 1.05)), error_m=0.15)
    assert best(unsure) == best(sure)
    assert unsure.slots[best(unsure)] < 0.6 * sure.slots[best(sure)]
    assert len(unsure.slots) > len(sure.slots)


def test_two_slots_one_after_the_other_are_two_reaches_though_the_hand_does_not_leave():
    # It draws back by 8 cm, which is still in the shelf's room.
    tips = there_and_back((-0.15, 2.12, 1.05), (0.0, 2.04, 1.05), (0.15, 2.12, 1.05), way_s=0.6)
    found = played(ReachFinder(SLOTS), tips)
    assert [best(reach) for reach in found] == ["wall/3/2", "wall/3/3"]
    assert found[0].end_s <= found[1].at_s


def test_a_hand_that_trembles_in_a_shelf_reaches_once():
    tips = there_and_back((0.15, 2.1, 1.05), hold_s=2.0)
    tips[:, 1] += np.where(np.arange(len(tips)) % 2, 0.015, -0.015)
    assert len(played(ReachFinder(SLOTS), tips)) == 1


def test_an_arm_that_hangs_beside_a_shelf_does_not_reach():
    # Who stands right before it, and who walks along it.
    still = np.tile((0.25, 2.02, 0.8), (25, 1))
    assert played(ReachFinder(SLOTS), still, person_xy=(0.0, 1.85)) == []
    finder, found = ReachFinder(SLOTS), []
    for step in range(25):
        x = -0.8 + 0.07 * step
        swing = 0.06 * np.sin(step)
        found += finder.update(hands(10 + step / 5, {7: ((x, 1.8), {0: (x + swing, 2.0, 0.8)})}))
    assert [*found, *finder.finish()] == []


def test_both_hands_of_one_person_and_anothers_arm_across_are_told_apart():
    finder, found = ReachFinder(SLOTS), []
    paths = {
        (7, 0): there_and_back((-0.45, 2.1, 1.05)),
        (7, 1): there_and_back((-0.15, 2.1, 1.45)),
        (9, 1): there_and_back((-0.2, 2.1, 0.62), home=(0.5, 1.7, 0.85)),
    }
    for step in range(min(map(len, paths.values()))):
        people = {
            7: ((-0.3, 1.45), {0: paths[7, 0][step], 1: paths[7, 1][step]}),
            9: ((0.35, 1.5), {1: paths[9, 1][step]}),
        }
        found += finder.update(hands(10 + step / 5, people))
    assert {(reach.track_id, reach.hand): best(reach) for reach in found} == {
        (7, 0): "wall/3/1",
        (7, 1): "wall/4/2",
        (9, 1): "wall/2/2",
    }


def test_a_table_is_reached_from_above():
    # The table's front is at y = -1.6.
    tips = there_and_back((0.15, -1.8, 0.95), home=(0.2, -1.0, 0.85))
    (reach,) = played(ReachFinder(SLOTS), tips, person_xy=(0.2, -1.15))
    assert reach.slots[best(reach)] > 0.5
    assert best(reach).startswith("table/1/")
    over = there_and_back((0.15, -1.8, 1.3), home=(0.2, -1.0, 0.85))
    assert played(ReachFinder(SLOTS), over, person_xy=(0.2, -1.15)) == []


def test_what_goes_on_can_be_looked_at_and_is_told_when_it_ends():
    finder = ReachFinder(SLOTS)
    tips = there_and_back((0.15, 2.1, 1.05))
    middle = int(np.argmax(tips[:, 1])) + 1
    assert played(finder, tips[:middle]) == []
    (now,) = finder.open
    assert best(now) == "wall/3/3"
    (reach,) = finder.finish()
    assert best(reach) == "wall/3/3"
    assert finder.open == []


def test_a_hand_that_is_lost_in_the_shelf_has_reached_by_then():
    finder = ReachFinder(SLOTS)
    tips = there_and_back((0.15, 2.1, 1.05))
    middle = int(np.argmax(tips[:, 1])) + 1
    # Out of sight for two moments it goes on; for a second it is over.
    gone = np.full((2, 3), np.nan)
    whole = np.concatenate([tips[:middle], gone, tips[middle:]])
    (reach,) = played(finder, whole)
    assert best(reach) == "wall/3/3"
    finder.reset()
    (lost,) = played(finder, np.concatenate([tips[:middle], np.full((6, 3), np.nan)]))
    assert lost.end_s == pytest.approx(10 + (middle - 1) / 5)


def test_a_hand_that_rests_in_a_shelf_for_long_is_told_before_it_leaves():
    finder = ReachFinder(SLOTS)
    tips = there_and_back((0.15, 2.1, 1.05), hold_s=30.0)
    found = played(finder, tips[: 5 * 15])
    assert len(found) == 1
    assert best(found[0]) == "wall/3/3"


def test_a_shop_without_shelves_has_no_reaches():
    finder = ReachFinder([])
    assert played(finder, there_and_back((0.15, 2.1, 1.05))) == []
    assert finder.finish() == []


def test_depth_is_measured_from_the_front_edge_between_the_ends():
    room = ShelfRoom(SLOTS)
    points = np.array([[0.0, 2.1, 1.0], [0.0, 1.9, 1.0], [0.0, 2.1, 2.2], [0.9, 2.1, 1.0], [0.0, 2.1, -0.3]])
    depth = room.depth(points)[:, 0]
    assert depth[:2] == pytest.approx([0.1, -0.1])
    assert (depth[2:] < -0.1).all()
    own, shares = room.shares(points[:1], np.full((1, 3), 0.01), 0)
    # On the line between two slots.
    assert sorted(shares[0])[-2:] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert {room.slots[place] for place in own} == {slot.id for slot in SLOTS if slot.fixture == "wall"}


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        ([], []),
        ([0.0, 0.1, 0.0], [(0, 2)]),
        ([0.0, 0.1, 0.02, 0.1, 0.0], [(0, 2), (2, 4)]),
        ([0.0, 0.1, 0.07, 0.1, 0.0], [(0, 4)]),
        ([0.1, 0.0, -0.1, 0.2], [(0, 2), (2, 3)]),
    ],
)
def test_visits_are_parted_where_the_hand_draws_back(depth, expected):
    assert visits(np.array(depth), 0.05) == expected
