"""Occupancy and heatmap cells: seconds that add up, peaks, and visits counted once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.definitions import Rules
from insights.facts import Facts
from store.plan import CameraView, Zone

T0 = 28_333_333 * 60.0  # a whole minute
LEFT = Zone(name="left", polygon=((0, 0), (320, 0), (320, 480), (0, 480)))
VIEW = CameraView(camera="door", size=(640, 480), zones=(LEFT,))
Play = Callable[..., Facts]
Script = Callable[..., list]


def seconds(facts: Facts, area: str = "") -> dict[int, float]:
    total: Counter[int] = Counter()
    for name, minute in facts.occupied:
        if name == area:
            total[minute.minute - 28_333_333] += minute.person_seconds
    return {minute: round(value, 6) for minute, value in total.items() if value}


def peaks(facts: Facts, area: str = "") -> dict[int, int]:
    most: dict[int, int] = {}
    for name, minute in facts.occupied:
        if name == area:
            number = minute.minute - 28_333_333
            most[number] = max(minute.peak, most.get(number, 0))
    return {minute: peak for minute, peak in most.items() if peak}


def cells(facts: Facts, space: str = "image") -> dict[tuple[int, int, int], tuple[int, float]]:
    found: dict[tuple[int, int, int], tuple[int, float]] = {}
    for rows in facts.tiles:
        if rows.space == space:
            for m, x, y, v, s in zip(rows.minute, rows.x, rows.y, rows.visitors, rows.seconds, strict=True):
                before = found.get((int(m) - 28_333_333, int(x), int(y)), (0, 0.0))
                found[int(m) - 28_333_333, int(x), int(y)] = (before[0] + int(v), before[1] + float(s))
    return found


def stand(first: float, last: float, x: float = 100.0, y: float = 100.0, step_s: float = 0.5):
    return [(T0 + first + step_s * i, x, y) for i in range(round((last - first) / step_s) + 1)]


def test_presence_is_counted_by_minute_and_area(play: Play, script: Script):
    facts = play(VIEW, script({"p": stand(50, 70) + stand(70.5, 80, 500.0), "q": stand(62, 66)}, rows=7))
    assert seconds(facts) == {0: 10.0, 1: 20.0 + 4.0}
    assert seconds(facts, "left") == {0: 10.0, 1: 10.5 + 4.0}
    assert peaks(facts) == {0: 1, 1: 2}
    assert peaks(facts, "left") == {0: 1, 1: 2}


def test_the_peak_of_a_zone_is_its_own(play: Play, script: Script):
    facts = play(VIEW, script({"p": stand(0, 5), "q": stand(0, 5, 500.0), "r": stand(6, 9)}))
    assert peaks(facts) == {0: 2}
    assert peaks(facts, "left") == {0: 1}


def test_people_in_the_same_picture_are_there_at_once_and_successors_are_not(play: Play, script: Script):
    together = {"p": stand(0, 1), "q": stand(1, 2)}
    after = {"p": stand(0, 1), "q": stand(1.5, 2)}
    assert peaks(play(VIEW, script(together))) == {0: 2}
    assert peaks(play(VIEW, script(after))) == {0: 1}


def test_pictures_that_come_seldom_still_have_peaks(play: Play, script: Script):
    seldom = {"p": stand(0, 30, step_s=10), "q": stand(0, 30, step_s=10)}
    assert peaks(play(VIEW, script(seldom))) == {0: 2}


def test_somebody_unseen_for_a_second_or_less_is_there(play: Play, script: Script):
    unseen = {"p": [(T0, 100, 100), (T0 + 1, 100, 100)], "q": [(T0 + 0.5, 100, 100)]}
    longer = {"p": [(T0, 100, 100), (T0 + 1.1, 100, 100)], "q": [(T0 + 0.5, 100, 100)]}
    for rows in (1, 20):  # also when it is known only afterwards
        assert peaks(play(VIEW, script(unseen, rows=rows), rules=Rules(lateness_s=0.0))) == {0: 2}
        assert peaks(play(VIEW, script(longer, rows=rows), rules=Rules(lateness_s=0.0))) == {0: 1}


def test_a_peak_belongs_to_its_own_minute(play: Play, script: Script):
    paths = {"p": [(T0 + 59.75, 100, 100), (T0 + 60.5, 100, 100)], "q": [(T0 + 60.25, 100, 100)]}
    assert peaks(play(VIEW, script(paths, rows=1), rules=Rules(lateness_s=0.0))) == {0: 1, 1: 2}


def test_time_unseen_counts_for_a_second_at_most(play: Play, script: Script):
    facts = play(VIEW, script({"p": [(T0, 100, 100), (T0 + 20, 100, 100), (T0 + 20.5, 100, 100)]}))
    assert seconds(facts) == {0: 1.5}
    assert cells(facts) == {(0, 100 // 13, 100 // 13): (1, 1.5)}


def test_seconds_go_to_the_cell_where_a_step_began(play: Play, script: Script):
    # 640 / 48 is 13 px.
    facts = play(VIEW, script({"p": [(T0, 5, 20), (T0 + 0.5, 14, 20), (T0 + 1.25, 30, 20)]}))
    assert cells(facts) == {(0, 0, 1): (1, 0.5), (0, 1, 1): (1, 0.75)}


def test_a_visit_counts_once_in_a_cell_however_often_it_comes_back(play: Play, script: Script):
    back = stand(55, 58, 5, 5) + stand(58.5, 62, 300, 300) + stand(62.5, 65, 5, 5)
    facts = play(VIEW, script({"p": back, "q": stand(61, 64, 5, 5)}, rows=4))
    assert cells(facts)[0, 0, 0] == (1, 3.5)
    assert cells(facts)[1, 0, 0] == (1, 2.5 + 3.0)
    assert sum(visitors for visitors, _ in cells(facts).values()) == 3


def test_every_visit_counts_in_a_cell(play: Play, script: Script):
    one_after_the_other = script({"p": stand(0, 3, 5, 5)}) + script({"q": stand(10, 13, 5, 5)}, name="f")
    assert cells(play(VIEW, one_after_the_other)) == {(0, 0, 0): (2, 6.0)}


def test_feet_outside_the_picture_count_at_its_edge(play: Play, script: Script):
    facts = play(VIEW, script({"p": [(T0, -5, 500), (T0 + 1, 700, -3), (T0 + 2, 0, 0)]}))
    assert set(cells(facts)) == {(0, 0, 479 // 13), (0, 639 // 13, 0)}


def test_floor_cells_are_quarter_metres_either_side_of_zero(play: Play, script: Script):
    view = VIEW.model_copy(update={"homography": ((0.01, 0, -1.0), (0, 0.01, 0), (0, 0, 1))})
    facts = play(view, script({"p": stand(0, 1, 90, 30), "q": stand(0, 1, 126, 30)}))
    assert cells(facts, "floor") == {(0, -1, 1): (1, 1.0), (0, 1, 1): (1, 1.0)}
    assert cells(play(VIEW, script({"p": stand(0, 1)})), "floor") == {}


def test_points_at_the_horizon_are_nowhere_on_the_floor(play: Play, script: Script):
    view = VIEW.model_copy(update={"homography": ((1, 0, 0), (0, 1, 0), (0, 1, -100.0))})
    facts = play(view, script({"p": stand(0, 1, 90, 100), "q": stand(0, 1, 90, 100.01)}))
    assert cells(facts, "floor") == {}
    assert len(cells(facts)) == 1


moves = st.lists(
    st.tuples(st.sampled_from([0.1, 0.25, 0.5, 1.0, 3.0]), st.integers(0, 660), st.integers(0, 500)),
    min_size=1,
    max_size=20,
)


@given(st.lists(moves, min_size=1, max_size=4), st.integers(1, 9))
def test_seconds_are_conserved(play: Play, script: Script, people, rows):
    paths, expected, visited = {}, 0.0, set()
    for number, walk in enumerate(people):
        t, path = T0 + 50.0, []
        for step, x, y in walk:
            t += step
            path.append((t, float(x), float(y)))
        paths[f"p{number}"] = path
        for before, now in itertools.pairwise(path):
            expected += min(now[0] - before[0], 1.0)
            visited.add((number, min(before[1], 639.9) // 13, min(before[2], 479.9) // 13))
    facts = play(VIEW, script(paths, rows=rows))
    assert sum(seconds(facts).values()) == pytest.approx(expected)
    assert sum(value for _, value in cells(facts).values()) == pytest.approx(expected)
    assert sum(seconds(facts, "left").values()) <= expected + 1e-6
    assert sum(visitors for visitors, _ in cells(facts).values()) == len(visited)
