"""Stops before shelves: who stands, and when their hands are looked at."""

import numpy as np
import pytest

from tests.vision.shop.test_asking import people
from tests.vision.shop.test_stocktaking import SLOTS
from vision.shop.slot_views import front_of
from vision.shop.stops import APART_S, LOOKED_S, NEAR_M, SHORTEST_S, StopFinder


def spot(place=0, out_m=0.5):
    """Where somebody stands so far before a slot."""
    return np.array(front_of(SLOTS[place])[:2]) + out_m * np.array(SLOTS[place].normal)


class Hands:
    """The right hand of everybody is full from ``full_s`` on; remembers the spans that it was asked for."""

    def __init__(self, full_s=np.inf):
        self.full_s, self.asked = full_s, []

    def held(self, track_id, hand, from_s, to_s):
        self.asked.append((track_id, from_s, to_s))
        return 0.9 if hand == 1 and (from_s + to_s) / 2 >= self.full_s else 0.1


AWAY = np.array([0.0, -5.0])  # where people come from and go to, seen from where they stand
VISIT = ((0.0, spot() + AWAY), (4.0, spot()), (8.0, spot()), (12.0, spot() + AWAY))


def place(knots, time_s):
    times = [time for time, _ in knots]
    return tuple(float(np.interp(time_s, times, [xy[axis] for _, xy in knots])) for axis in (0, 1))


def played(finder, until_s=20.0, **ways):
    """What is told, with the time of telling, of people who walk from knot to knot (time, place) and are seen so long
    as their knots go.
    """
    found = []
    for time_s in np.arange(0.0, until_s, 0.2).tolist():
        there = {name: place(knots, time_s) for name, knots in ways.items() if time_s <= knots[-1][0]}
        found += [(time_s, stop) for stop in finder.update(people(time_s, **there).tracks, time_s)]
    return found


def finder(hands=None):
    return StopFinder(SLOTS, hands or Hands())


def test_hands_are_looked_at_while_people_come_and_while_they_go_on():
    hands = Hands(full_s=6.0)
    ((told_s, stop),) = played(finder(hands), t7=VISIT)
    assert (stop.track_id, stop.xy) == (7, pytest.approx(spot(), abs=0.1))
    # Standing is known from two places .6 s apart: killed by the time of the later one.
    assert (stop.start_s, stop.end_s) == (pytest.approx(4.0, abs=0.31), pytest.approx(8.0, abs=0.31))
    assert (stop.before, stop.after) == ((0.1, 0.1), (0.1, 0.9))  # killed: left for right
    assert 0 < told_s - stop.end_s - LOOKED_S < 0.5  # killed: told before the hands were seen
    before, after = (7, stop.start_s - LOOKED_S, stop.start_s), (7, stop.end_s, stop.end_s + LOOKED_S)
    assert set(hands.asked) == {before, after}


def test_who_walks_by_or_stands_elsewhere_or_shortly_makes_no_stop():
    along = 3.0 * np.array(SLOTS[0].along)
    assert played(finder(), t1=((0.0, spot() - along), (8.0, spot() + along))) == []
    for where in (spot(out_m=-0.5), spot(out_m=NEAR_M + 0.1)):  # killed: behind the board; any distance
        assert played(finder(), t1=((0.0, where), (15.0, where))) == []
    pause = SHORTEST_S - 0.2
    assert played(finder(), t1=((0.0, spot() + AWAY), (4.0, spot()), (4.0 + pause, spot()), (9.0, spot() + AWAY))) == []


def test_between_two_stops_hands_are_looked_at_once_for_both():
    hands = Hands(full_s=8.5)
    way = ((0.0, spot()), (8.0, spot()), (9.2, spot(1)), (13.0, spot(1)), (17.0, spot(1) + AWAY))
    (_, first), (_, second) = played(finder(hands), until_s=22.0, t1=way)
    right = [pair[1] for stop in (first, second) for pair in (stop.before, stop.after)]
    assert right == [0.1, 0.9, 0.9, 0.9]
    assert second.start_s - first.end_s < LOOKED_S
    # Killed: hands looked at while the person reaches at the next stop, or did at the one before.
    assert hands.asked.count((1, first.end_s, second.start_s)) == 4


def test_a_step_aside_does_not_end_a_stop():
    aside, short = spot() + 0.5 * np.array(SLOTS[0].along), APART_S / 2
    way = ((0.0, spot()), (5.0, spot()), (5.0 + short, aside), (9.0, aside), (12.0, aside + AWAY))
    assert len(played(finder(), t1=way)) == 1


def test_each_stops_by_themselves_and_who_is_seen_no_more_stopped_too():
    other = tuple((time_s + 3.0, xy + spot(1) - spot()) for time_s, xy in VISIT[:3])
    stops = [stop for _, stop in played(finder(), t1=VISIT, t2=other)]
    assert [(stop.track_id, round(stop.end_s)) for stop in stops] == [(1, 8), (2, 11)]
    assert stops[1].xy == pytest.approx(spot(1), abs=0.1)


def test_nothing_is_left_of_who_is_gone():
    finding = finder()
    played(finding, until_s=8.0, t1=VISIT)
    finding.reset()
    assert played(finding, t1=VISIT[:1]) == []
    played(finding, t1=VISIT)
    assert finding._walks == {}
