"""Stays in zones: entry, exit and dwell, flicker, and staff."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.definitions import Rules
from insights.facts import Facts
from insights.zones import Stay
from store.plan import CameraView, Line, Zone

T0 = 1_700_000_000.0
INSIDE, OUTSIDE = (150.0, 150.0), (400.0, 150.0)
SHELF = Zone(name="shelf", polygon=((100, 100), (200, 100), (200, 200), (100, 200)))
VIEW = CameraView(camera="door", size=(640, 480), zones=(SHELF,))
Play = Callable[..., Facts]
Script = Callable[..., list]


def walk(*legs: tuple[float, float, tuple[float, float]], step_s: float = 0.25) -> list[tuple[float, float, float]]:
    """Sightings every quarter of a second from each leg's first to its last second, at its place."""
    rows = []
    for first, last, (x, y) in legs:
        rows += [(T0 + first + step_s * i, x, y) for i in range(round((last - first) / step_s) + 1)]
    return rows


def stays(facts: Facts, zone: str = "shelf") -> list[tuple[float, float | None]]:
    return [
        (stay.entered_at - T0, None if stay.left_at is None else stay.left_at - T0)
        for name, _, stay in facts.stays
        if name == zone
    ]


def test_a_stay_is_announced_and_then_ended(play: Play, script: Script):
    facts = play(VIEW, script({"p": walk((0, 2, OUTSIDE), (2.25, 6, INSIDE), (6.25, 9, OUTSIDE))}, rows=3))
    assert facts.stays == [
        ("shelf", "p", Stay(facts.stays[0][2].slot, T0 + 2.25)),
        ("shelf", "p", Stay(facts.stays[0][2].slot, T0 + 2.25, T0 + 6)),
    ]


def test_a_stay_is_announced_while_it_lasts(play: Play, script: Script):
    still_there = script({"p": walk((0, 8, INSIDE))}, leave=False, rows=3)
    assert stays(play(VIEW, still_there)) == [(0, None)]


def test_leaving_the_picture_ends_the_stay_at_the_last_sighting(play: Play, script: Script):
    assert stays(play(VIEW, script({"p": walk((0, 5, INSIDE))}))) == [(0, None), (0, 5)]


@pytest.mark.parametrize(("away", "expected"), [(1.5, [(0, 12)]), (1.75, [(0, 3), (5, 12)])])
def test_whoever_is_outside_for_less_than_two_seconds_stayed(play: Play, script: Script, away, expected):
    # Last seen inside at 3 s, again a quarter of a second after the last sighting outside.
    gone = walk((0, 3, INSIDE), (3.25, 3 + away, OUTSIDE), (3.25 + away, 12, INSIDE))
    assert [each for each in stays(play(VIEW, script({"p": gone}, rows=4))) if each[1]] == expected


def test_whoever_is_unseen_and_found_again_inside_stayed(play: Play, script: Script):
    unseen = walk((0, 3, INSIDE), (33, 36, INSIDE))
    assert stays(play(VIEW, script({"p": unseen}, rows=4))) == [(0, None), (0, 36)]


def test_somebody_who_flickered_and_came_back_may_be_unseen_again(play: Play, script: Script):
    flickers = walk((0, 3, INSIDE), (3.25, 4, OUTSIDE), (4.25, 6, INSIDE), (20, 22, INSIDE))
    somebody = walk((0, 30, OUTSIDE))
    found = stays(play(VIEW, script({"p": flickers, "q": somebody}, rows=4)))
    assert found == [(0, None), (0, 22)]


def test_a_stay_ends_while_the_person_is_still_about(play: Play, script: Script):
    still_there = script({"p": walk((0, 3, INSIDE), (3.25, 8, OUTSIDE))}, leave=False, rows=3)
    assert stays(play(VIEW, still_there)) == [(0, None), (0, 3)]


def test_whoever_is_unseen_after_going_out_left_when_last_inside(play: Play, script: Script):
    out_and_back = walk((0, 3, INSIDE), (3.25, 3.25, OUTSIDE), (33, 36, INSIDE))
    assert [each for each in stays(play(VIEW, script({"p": out_and_back}))) if each[1]] == [(0, 3), (33, 36)]


@pytest.mark.parametrize(("last", "count"), [(0.75, 0), (1.0, 1)])
def test_less_than_a_second_is_no_stay(play: Play, script: Script, last, count):
    passing = walk((0, last, INSIDE), (last + 0.25, 5, OUTSIDE))
    assert len([each for each in stays(play(VIEW, script({"p": passing}))) if each[1]]) == count
    assert len(stays(play(VIEW, script({"p": passing})))) == 2 * count


def test_an_edge_belongs_to_the_zone(play: Play, script: Script):
    assert stays(play(VIEW, script({"p": walk((0, 3, (100.0, 150.0)))}))) == [(0, None), (0, 3)]


flips = st.lists(st.tuples(st.booleans(), st.integers(1, 14)), min_size=1, max_size=12)


@given(flips, st.integers(1, 9))
def test_stays_are_runs_inside_joined_over_short_absences(play: Play, script: Script, legs, rows):
    rule = Rules()
    inside, t, path = [], 0.0, []
    for within, length in legs:
        for _ in range(length):
            path.append((T0 + t, *(INSIDE if within else OUTSIDE)))
            inside += [t] if within else []
            t += 0.25
    expected: list[list[float]] = []
    for t in inside:
        # Between two sightings inside there are sightings outside as soon as they are not neighbours.
        if expected and t - expected[-1][1] < rule.flicker_s:
            expected[-1][1] = t
        else:
            expected.append([t, t])
    found = stays(play(VIEW, script({"p": path}, rows=rows)))
    assert [list(each) for each in found if each[1] is not None] == [e for e in expected if e[1] - e[0] >= 1]
    assert [each[0] for each in found if each[1] is None] == [e[0] for e in expected if e[1] - e[0] >= 1]


def test_zones_may_overlap_and_people_do_not_disturb_each_other(play: Play, script: Script):
    larger = Zone(name="aisle", polygon=((0, 0), (450, 0), (450, 300), (0, 300)))
    view = VIEW.model_copy(update={"zones": (SHELF, larger)})
    facts = play(view, script({"p": walk((0, 4, INSIDE), (4.25, 8, OUTSIDE)), "q": walk((1, 6, INSIDE))}))
    assert sorted((zone, track, s.entered_at - T0, s.left_at - T0) for zone, track, s in facts.stays if s.left_at) == [
        ("aisle", "p", 0, 8),
        ("aisle", "q", 1, 6),
        ("shelf", "p", 0, 4),
        ("shelf", "q", 1, 6),
    ]


class TestStaffZones:
    """A position in a staff zone counts nowhere."""

    counter = Zone(name="counter", staff=True, polygon=((0, 0), (320, 0), (320, 480), (0, 480)))
    line = Line(name="edge", a=(200, 0), b=(200, 480))
    zone = Zone(name="till", polygon=((100, 0), (500, 0), (500, 480), (100, 480)))
    view = CameraView(camera="door", size=(640, 480), zones=(counter, zone), lines=(line,))

    def test_somebody_behind_the_counter_is_not_there(self, play: Play, script: Script):
        facts = play(self.view, script({"p": walk((0, 5, (50, 50)), (5.25, 10, (250, 50)))}))
        assert facts == Facts()

    def test_a_shopper_counts_outside_of_it_alone(self, play: Play, script: Script):
        facts = play(self.view, script({"p": walk((0, 4, (400, 50)), (4.25, 10, (250, 50)), (10.25, 12, (400, 50)))}))
        assert stays(facts, "till") == [(0, None), (0, 4), (10.25, None), (10.25, 12)]
        assert stays(facts, "counter") == []
        # The step that leads to the counter began outside of it.
        assert sum(m.person_seconds for area, m in facts.occupied if area == "till") == pytest.approx(4.25 + 1.75)
        assert sum(m.person_seconds for area, m in facts.occupied if area == "") == pytest.approx(4.25 + 1.75)
        assert {area for area, _ in facts.occupied} == {"", "till"}
        assert sum(rows.seconds.sum() for rows in facts.tiles) == pytest.approx(4.25 + 1.75)
        assert {x for rows in facts.tiles for x in rows.x.tolist()} == {400 // 13}
        assert len(facts.visits) == 1

    def test_no_line_is_crossed_inside_of_it(self, play: Play, script: Script):
        across = script({"p": walk((0, 1, (300, 50)), (1.25, 2, (100, 50)))})
        assert play(self.view, across).crossings == []
        # Through the staff's room: both sides were reached outside of it, the positions inside are as if unseen.
        door = self.view.model_copy(
            update={"zones": (Zone(name="s", staff=True, polygon=((150, 0), (250, 0), (250, 480), (150, 480))),)}
        )
        through = script({"p": walk((0, 1, (300, 50)), (1.25, 2, (210, 50)), (2.25, 3, (100, 50)))})
        assert [c.into for c in play(door, through).crossings] == [True]
