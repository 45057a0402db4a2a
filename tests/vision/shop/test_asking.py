import numpy as np

from vision.floor.tracks import FloorMoment, FloorTracks
from vision.shop.asking import AGAIN_S, Questions, Settled
from vision.shop.evidence import HandChange, Reach, SlotChange

HAND = HandChange(before=0.1, after=0.9)


def reach(track=1, start_s=10.0, end_s=11.0, slots=("a",), xy=(1.0, 1.0)):
    return Reach(track, 0, start_s, end_s, (start_s + end_s) / 2, (1, 1, 1), xy, dict.fromkeys(slots, 1 / len(slots)))


def people(time_s, **places):
    ids = np.array([int(name[1:]) for name in places], np.int64)
    state = np.array([[*xy, 0, 0] for xy in places.values()], np.float64).reshape(-1, 4)
    n = len(ids)
    return FloorMoment(
        time_s, FloorTracks.of(ids, state, np.tile(np.eye(4), (n, 1, 1)), np.ones(n), np.ones((n, 1), np.bool_))
    )


def settled(*moments):
    found = Settled()
    found.add(moments)
    return found


class Shelves:
    def __init__(self):
        self.asked = []

    def __call__(self, slots, before_s, after_s, since_s, until_s):
        self.asked.append((tuple(slots), before_s, after_s, since_s, until_s))
        return [SlotChange(slot, {-1: 1.0}, ("c",)) for slot in slots]


def questions(shelves=None, reads=None, wait_s=1.2):
    reads = [] if reads is None else reads

    def read(each):
        reads.append(each)
        return HAND

    return Questions(read, shelves or Shelves(), wait_s)


def test_a_reach_waits_for_its_hand_and_for_the_floor_to_settle():
    asking = questions()
    asking.add([reach()])
    assert asking.due(12.1, settled(people(12.0, t1=(1, 1)))) == []  # the hand is not seen yet
    assert asking.due(12.3, settled(people(10.4, t1=(1, 1)))) == []  # who stood there is not settled yet
    [judged] = asking.due(12.3, settled(people(10.5, t1=(1, 1))))
    found, hand, changes = judged.reach, judged.hand, judged.changes
    assert (found.track_id, hand, [each.slot for each in changes]) == (1, HAND, ["a"])


def test_slots_are_asked_again_and_the_hand_is_read_once():
    shelves, reads = Shelves(), []
    asking = questions(shelves, reads)
    asking.add([reach()])
    floor = settled(people(20.0, t1=(1, 1)))
    told = [bool(asking.due(12.2 + after_s, floor)) for after_s in (0.0, 1.0, *AGAIN_S[1:], 20.0)]
    assert told == [True, False, True, False]
    assert len(shelves.asked) == len(AGAIN_S)
    assert len(reads) == 1


def test_the_end_tells_what_waits_once():
    asking = questions()
    asking.add([reach()])
    assert len(asking.due(np.inf, settled(), last=True)) == 1
    assert asking.due(np.inf, settled(), last=True) == []


def test_other_hands_in_the_same_slot_bound_what_is_compared():
    shelves = Shelves()
    asking = questions(shelves)
    asking.add([reach(start_s=5.0, end_s=6.0), reach(start_s=15.0, end_s=16.0), reach(start_s=4.0, slots=("b",))])
    asking.add([reach(track=2)])
    asking.due(13.0, settled(people(20.0, t1=(1, 1), t2=(1, 1.2))))
    slots, before_s, after_s, since_s, until_s = shelves.asked[-1]
    assert (slots, before_s, after_s) == (("a",), [10.0], [11.0])
    assert (since_s, until_s) == ({"a": 6.0}, {"a": 15.0})


def test_a_reach_belongs_to_whom_the_floor_settles_there():
    moment = people(10.5, t1=(4.0, 4.0), t7=(1.1, 1.0), t8=(1.6, 1.0))
    floor = settled(people(2.0, t1=(1, 1)), moment, people(13.0, t1=(1, 1)))
    assert floor.track(1, 10.5, (1.0, 1.0)) == 7  # the live id turned out to be somebody else's
    assert floor.track(8, 10.5, (1.2, 1.0)) == 8  # two who stand close are not exchanged
    assert floor.track(9, 10.5, (7.0, 7.0)) == 9  # nobody was settled there
    assert settled().track(3, 10.5, (1.0, 1.0)) == 3


def test_settled_moments_are_forgotten():
    floor = settled(*(people(float(second), t1=(1, 1)) for second in range(200)))
    assert len(floor.moments) <= 31
    assert floor.until_s == 199.0
