"""Queues: as many people as the limit, for long enough, told once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.facts import Facts
from store.plan import CameraView, Zone

T0 = 1_700_000_000.0
TILL = Zone(name="till", polygon=((0, 0), (200, 0), (200, 480), (0, 480)), queue_limit=2)
VIEW = CameraView(camera="door", size=(640, 480), zones=(TILL,))
Play = Callable[..., Facts]
Script = Callable[..., list]


def stand(first: float, last: float, x: float = 100.0) -> list[tuple[float, float, float]]:
    return [(T0 + first + 0.5 * i, x, 100.0) for i in range(round((last - first) / 0.5) + 1)]


def queues(facts: Facts) -> list[tuple[str, float, int]]:
    return [(zone, queue.time_s - T0, queue.people) for zone, queue in facts.queues]


def test_a_queue_is_told_once_when_it_has_held(play: Play, script: Script):
    people = {"p": stand(0, 30), "q": stand(3, 30), "r": stand(6, 30)}
    assert queues(play(VIEW, script(people, rows=2))) == [("till", 8.0, 3)]


@pytest.mark.parametrize(("last", "expected"), [(7.5, []), (8.0, [("till", 8.0, 2)])])
def test_it_must_hold_for_five_seconds(play: Play, script: Script, last, expected):
    people = {"p": stand(0, 30), "q": stand(3, last)}
    assert queues(play(VIEW, script(people, rows=3))) == expected


def test_a_second_queue_is_told_again(play: Play, script: Script):
    people = {"p": stand(0, 60), "q": stand(0, 10), "r": stand(20, 40)}
    assert queues(play(VIEW, script(people, rows=3))) == [("till", 5.0, 2), ("till", 25.0, 2)]


def test_a_short_absence_does_not_break_it_a_longer_one_does(play: Play, script: Script):
    short = {"p": stand(0, 12), "q": stand(0, 3) + stand(3.5, 4.5, 400.0) + stand(5, 12)}
    longer = {"p": stand(0, 9), "q": stand(0, 3) + stand(3.5, 5, 400.0) + stand(5.5, 9)}
    assert queues(play(VIEW, script(short, rows=3))) == [("till", 5.0, 2)]
    assert queues(play(VIEW, script(longer, rows=3))) == []


def test_people_elsewhere_and_zones_without_a_limit_make_no_queue(play: Play, script: Script):
    people = {"p": stand(0, 20), "q": stand(0, 20, 400.0)}
    assert queues(play(VIEW, script(people))) == []
    unlimited = VIEW.model_copy(update={"zones": (TILL.model_copy(update={"queue_limit": None}),)})
    assert queues(play(unlimited, script({"p": stand(0, 20), "q": stand(0, 20)}))) == []


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=6)


@given(spans, st.integers(1, 3), st.integers(1, 12), st.integers(1, 6))
def test_queues_are_where_the_count_says_so(play: Play, script: Script, people, limit, rows, batch):
    view = VIEW.model_copy(update={"zones": (TILL.model_copy(update={"queue_limit": limit}),)})
    paths = {f"p{i}": stand(first, first + length) for i, (first, length) in enumerate(people)}
    expected, since = [], None
    ticks = [i / 2 for i in range(2 * 90)]
    counts = [sum(first <= t < first + length for first, length in people) for t in ticks]
    for t, count in zip(ticks, counts, strict=True):
        if since is not None and t - since == 5:
            expected.append(("till", t, counts[ticks.index(t) - 1]))
        since = (t if since is None else since) if count >= limit else None
    assert queues(play(view, script(paths, rows=rows), batch=batch)) == expected
