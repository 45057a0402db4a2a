"""One camera: batches, order, repetition, silence and memory."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.camera import CameraInsights
from insights.definitions import Rules
from insights.facts import Facts
from store.events import PersonLeft, PersonMoved
from store.plan import CameraView, Line, Zone

T0 = 1_700_000_000.0
VIEW = CameraView(
    camera="door",
    size=(640, 480),
    lines=(Line(name="l", a=(320, 0), b=(320, 480)), Line(name="m", a=(0, 200), b=(300, 200))),
    zones=(
        Zone(name="z", polygon=((0, 0), (330, 0), (330, 480), (0, 480)), queue_limit=2),
        Zone(name="s", staff=True, polygon=((0, 0), (100, 0), (100, 100), (0, 100))),
    ),
    homography=((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)),
)
Play = Callable[..., Facts]
Script = Callable[..., list]


def totals(facts: Facts) -> dict[str, object]:
    """Facts without the order in which they were found."""
    occupied: dict[tuple[str, int], list[float]] = {}
    for area, minute in facts.occupied:
        entry = occupied.setdefault((area, minute.minute), [0.0, 0.0])
        entry[0] += minute.person_seconds
        entry[1] = max(entry[1], minute.peak)
    tiles: dict[tuple[object, ...], list[float]] = {}
    for rows in facts.tiles:
        for key in zip(rows.minute, rows.x, rows.y, rows.visitors, rows.seconds, strict=True):
            entry = tiles.setdefault((rows.space, *map(int, key[:3])), [0.0, 0.0])
            entry[0] += int(key[3])
            entry[1] += float(key[4])
    return {
        "crossings": sorted((c.line, c.track_id, c.time_s, c.into) for c in facts.crossings),
        "stays": sorted((zone, track, s.entered_at, s.left_at or 0.0) for zone, track, s in facts.stays),
        "queues": sorted((zone, queue.time_s, queue.people) for zone, queue in facts.queues),
        "visits": sorted((v.track_id, v.part, v.entered_at, v.left_at) for v in facts.visits),
        "occupied": {key: (round(a, 6), b) for key, (a, b) in occupied.items() if a or b},
        "tiles": {key: (a, round(b, 6)) for key, (a, b) in tiles.items()},
    }


steps = st.tuples(st.sampled_from([0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 59.0, 61.0]), st.integers(0, 640), st.integers(0, 480))
people = st.lists(st.tuples(st.integers(0, 20), st.lists(steps, min_size=1, max_size=15)), min_size=1, max_size=5)


def paths(crowd) -> dict[str, list[tuple[float, float, float]]]:
    made = {}
    for number, (start, walk) in enumerate(crowd):
        t = T0 + start
        path = []
        for step, x, y in walk:
            t += step
            path.append((t, float(x), float(y)))
        made[f"p{number}"] = path
    return made


@settings(max_examples=60)
@given(people, st.integers(1, 30), st.integers(1, 30), st.integers(1, 5))
def test_how_rows_are_batched_changes_nothing(play: Play, script: Script, crowd, rows, others, batch):
    walks = paths(crowd)
    once = totals(play(VIEW, script(walks, rows=10_000)))
    assert totals(play(VIEW, script(walks, rows=rows))) == once
    assert totals(play(VIEW, script(walks, rows=others), batch=batch)) == once


@settings(max_examples=30)
@given(people, st.integers(4, 10), st.randoms(use_true_random=False))
def test_small_disorder_changes_nothing(play: Play, script: Script, crowd, rows, shuffle: random.Random):
    walks = paths(crowd)
    walks["always"] = [(T0 + 2.0 * i, 600.0, 400.0) for i in range(80)]  # the camera is never without anybody
    events = script(walks, rows=rows)
    moved = [event for event in events if isinstance(event, PersonMoved)]
    left = [event for event in events if isinstance(event, PersonLeft)]
    late = sorted(moved, key=lambda event: event.time + shuffle.uniform(0, 0.9))
    patient = Rules(lateness_s=64.0)
    assert totals(play(VIEW, late + left, rules=patient)) == totals(play(VIEW, moved + left, rules=patient))


@settings(max_examples=40)
@given(people, st.integers(1, 10))
def test_what_comes_twice_counts_once(play: Play, script: Script, crowd, rows):
    events = script(paths(crowd), rows=rows)
    again = [copy for event in events for copy in (event, event)]
    assert totals(play(VIEW, again)) == totals(play(VIEW, events))


def test_rows_that_come_too_late_are_dropped_and_counted(script: Script):
    camera = CameraInsights(VIEW)
    early, late = script({"p": [(T0, 200, 300), (T0 + 9, 400, 300)]}, rows=1, leave=False)
    camera.take(late)
    camera.release()
    camera.take(early)
    assert camera.late_rows == 1
    assert camera.close().crossings == []


def test_rows_wait_for_the_lateness_and_no_longer(script: Script):
    camera = CameraInsights(VIEW)
    events = script({"p": [(T0 + t, 200 + 100 * t, 300) for t in range(5)]}, rows=1, leave=False)
    found = []
    for event in events:
        camera.take(event)
        found.append(len(camera.release().crossings))
    # The line is passed by the row at 2 s, which is worked on once the clock says 4 s.
    assert found == [0, 0, 0, 0, 1]


def test_footage_that_ends_with_everybody_gone_is_counted_to_its_end(play: Play, script: Script):
    facts = play(VIEW, script({"p": [(T0, 200, 300), (T0 + 0.5, 400, 300), (T0 + 1.0, 600, 300)]}))
    assert len(facts.crossings) == len(facts.visits) == 1
    assert sum(minute.person_seconds for area, minute in facts.occupied if area == "") == pytest.approx(1.0)


def test_rows_that_come_after_the_word_that_somebody_left_still_count(play: Play, script: Script):
    *moved, left = script({"p": [(T0 + t / 5, 200 + 10 * t, 300) for t in range(20)]})
    facts = play(VIEW, [left, *moved])
    assert totals(facts) == totals(play(VIEW, [*moved, left]))
    assert len(facts.crossings) == 1


def test_nobody_is_seen_after_having_left(play: Play, script: Script):
    *moved, left = script({"p": [(T0, 200, 300), (T0 + 1, 250, 300)]})
    ghost = script({"p": [(T0 + 5, 250, 300), (T0 + 6, 600, 300)]}, leave=False, name="f")
    others = script({"q": [(T0 + t, 600, 400) for t in range(90)]}, name="g")
    facts = play(VIEW, [*moved, left, *ghost, *others])
    assert facts.crossings == []
    assert sorted((v.track_id, v.part) for v in facts.visits) == [("p", 0), ("q", 0)]


def test_a_visit_lasts_from_entering_to_leaving(play: Play, script: Script):
    events = script({"p": [(T0, 200, 300), (T0 + 3, 200, 300)]})
    events[-1] = events[-1].model_copy(update={"entered_at": T0 - 1, "time": T0 + 4})
    visits = play(VIEW, events).visits
    assert [(v.track_id, v.part, v.entered_at, v.left_at) for v in visits] == [("p", 0, T0 - 1, T0 + 4)]


def test_a_visit_of_which_no_row_is_known_is_a_visit(play: Play, script: Script):
    only_left = script({"p": [(T0, 200, 300), (T0 + 3, 200, 300)]})[-1:]
    others = script({"q": [(T0 + t, 200, 300) for t in range(20)]}, name="f")
    assert sorted(v.track_id for v in play(VIEW, only_left + others).visits) == ["p", "q"]


def test_whoever_is_silent_for_a_minute_has_left(play: Play, script: Script):
    gone = script({"p": [(T0, 200, 300), (T0 + 3, 200, 300)]}, leave=False)
    others = script({"q": [(T0 + t, 500, 300) for t in range(70)]}, name="f")
    facts = play(VIEW, gone + others)
    assert [(v.track_id, v.entered_at, v.left_at) for v in facts.visits] == [("p", T0, T0 + 3), ("q", T0, T0 + 69)]
    assert [(track, s.left_at) for _, track, s in facts.stays if s.left_at] == [("p", T0 + 3)]
    # To be told so afterwards makes no second visit.
    told = script({"p": [(T0, 200, 300), (T0 + 3, 200, 300)]}, name="g")[-1:]
    assert play(VIEW, gone + others + told).visits == facts.visits


def test_whoever_comes_back_after_a_minute_is_a_new_visit(play: Play, script: Script):
    events = script({"p": [(T0, 200, 300), (T0 + 3, 200, 300), (T0 + 64, 400, 300), (T0 + 65, 400, 300)]})
    facts = play(VIEW, events)
    assert facts.crossings == []
    assert [(v.part, v.entered_at - T0, v.left_at - T0) for v in facts.visits] == [(0, 0, 3), (1, 64, 65)]


def test_somebody_told_to_have_left_long_after_does_not_hold_up_the_end(play: Play, script: Script):
    *moved, first, last = script({"p": [(T0 + 6, 200, 300)], "q": [(T0 + 19, 200, 300), (T0 + 78, 200, 300)]})
    assert play(VIEW, [*moved, last, first]).visits == play(VIEW, [*moved, first, last]).visits
    assert len(play(VIEW, [*moved, last, first]).visits) == 2


def test_footage_that_begins_anew_is_noticed(script: Script):
    camera = CameraInsights(VIEW)
    first = script({"p": [(T0 + t, 200, 300) for t in range(100)]}, rows=200)
    for event in first[:-1]:
        camera.take(event)
    camera.leave(first[-1])
    camera.release()
    again = script({"new": [(T0, 200, 300)]}, name="f")[0]
    assert camera.is_set_back(again)
    assert not camera.is_set_back(script({"new": [(T0 + 50, 200, 300)]}, name="f")[0])
    # A repetition of what was heard is not it.
    assert not camera.is_set_back(script({"p": [(T0, 200, 300)]}, name="f")[0])


def test_memory_stays_flat_over_days(script: Script):
    camera = CameraInsights(VIEW)

    def hours(first: int, count: int) -> None:
        for minute in range(first * 60, (first + count) * 60):
            t = T0 + 60.0 * minute
            walk = [(t + s, 10.0 + 10 * s + minute % 7, 20.0 + 7 * s) for s in range(50)]
            # Every other visitor is never said to have left.
            for event in script({f"p{minute}": walk}, rows=50, leave=minute % 2 == 0, name=f"e{minute}"):
                if isinstance(event, PersonMoved):
                    camera.take(event)
                else:
                    camera.leave(event)
                camera.release()

    hours(0, 2)
    tracemalloc.start()
    try:
        hours(2, 2)
        before = tracemalloc.get_traced_memory()[0]
        hours(4, 8)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # What Python keeps for itself differs between versions; 480 visitors remembered would be twice this.
    assert grown < 50_000
