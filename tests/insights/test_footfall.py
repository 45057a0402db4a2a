"""Crossings of a line: direction, margin, span and time, on made paths and on real footage's truth."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.definitions import Rules
from insights.facts import Facts
from store.events import PersonMoved
from store.plan import CameraView, Line

DATA = Path(__file__).parents[3] / "shared" / "data" / "vtest"
T0 = 1_700_000_000.0
HEIGHT = 480
MARGIN = 20 / 576 * HEIGHT  # 16.7 px
Play = Callable[..., Facts]
Script = Callable[..., list]

# Down the middle: walking from a to b, the right-hand side is the picture's left.
MIDDLE = Line(name="middle", a=(320, 0), b=(320, HEIGHT))


def view(*lines: Line, **fields: object) -> CameraView:
    return CameraView(camera="door", size=(640, HEIGHT), lines=lines or (MIDDLE,), **fields)


def path(*points: tuple[float, float], step_s: float = 0.2) -> list[tuple[float, float, float]]:
    return [(T0 + step_s * i, x, y) for i, (x, y) in enumerate(points)]


def directions(facts: Facts) -> list[str]:
    return ["in" if each.into else "out" for each in sorted(facts.crossings, key=lambda each: each.time_s)]


@pytest.mark.parametrize(
    ("a", "b", "start", "end", "expected"),
    [
        # Up the screen: right is right.
        ((320, 480), (320, 0), (200, 240), (440, 240), "in"),
        ((320, 480), (320, 0), (440, 240), (200, 240), "out"),
        # Down the screen: right is left.
        ((320, 0), (320, 480), (440, 240), (200, 240), "in"),
        # To the right: right is below, where y is larger.
        ((0, 240), (640, 240), (320, 100), (320, 400), "in"),
        ((640, 240), (0, 240), (320, 100), (320, 400), "out"),
    ],
)
def test_in_is_from_the_left_hand_side_to_the_right(play: Play, script: Script, a, b, start, end, expected):
    line = Line(name="l", a=a, b=b)
    facts = play(view(line), script({"p": path(start, end)}))
    assert directions(facts) == [expected]
    assert facts.crossings[0].line == "l"
    assert facts.crossings[0].track_id == "p"


def test_the_time_is_when_the_line_itself_was_passed(play: Play, script: Script):
    # 100 px before the line at 0 s, 300 px past it at 4 s: on it at 1 s.
    facts = play(view(), script({"p": [(T0, 220, 240), (T0 + 4, 620, 240)]}))
    assert facts.crossings[0].time_s == pytest.approx(T0 + 1)


def test_of_several_passes_the_last_is_the_crossing(play: Play, script: Script):
    facts = play(view(), script({"p": path((300, 9), (325, 9), (316, 9), (322, 9), (340, 9))}))
    assert directions(facts) == ["out"]
    assert facts.crossings[0].time_s == pytest.approx(T0 + 0.4 + 0.2 * 4 / 6)


@pytest.mark.parametrize(("reach", "count"), [(MARGIN, 1), (MARGIN - 0.01, 0)])
def test_a_crossing_counts_from_the_margin_on_both_sides(play: Play, script: Script, reach, count):
    assert len(play(view(), script({"p": path((320 - reach, 50), (500, 50))})).crossings) == count
    assert len(play(view(), script({"p": path((200, 50), (320 + reach, 50))})).crossings) == count


def test_the_margin_grows_with_the_picture(play: Play, script: Script):
    events = script({"p": path((2 * 320 - 32, 50), (1000, 50))}, size=(1280, 960))
    large = CameraView(camera="door", size=(1280, 960), lines=(Line(name="l", a=(640, 0), b=(640, 960)),))
    assert len(play(large, events).crossings) == 0
    # The same plan drawn on a picture of half the size counts the same events alike.
    assert len(play(view(), events).crossings) == 0
    further = script({"p": path((2 * 320 - 35, 50), (1000, 50))}, size=(1280, 960))
    assert len(play(large, further).crossings) == len(play(view(), further).crossings) == 1


def test_a_calibrated_camera_asks_for_metres_too(play: Play, script: Script):
    # 1 px is 8 mm, so that the margin in pixels is 13.3 cm; 15 cm are asked for.
    scale = ((0.008, 0, 0), (0, 0.008, 0), (0, 0, 1))
    reached = {18: 0, 19: 1}
    for pixels, count in reached.items():
        events = script({"p": path((200, 50), (320 + pixels, 50))})
        assert len(play(view(homography=scale), events).crossings) == count
        assert len(play(view(), events).crossings) == 1


def test_only_what_passes_between_the_ends_counts(play: Play, script: Script):
    short = view(Line(name="door", a=(320, 100), b=(320, 200)))
    around = path((200, 50), (440, 50))
    through = path((200, 150), (440, 150))
    assert len(play(short, script({"p": around})).crossings) == 0
    assert len(play(short, script({"p": through})).crossings) == 1
    # Around the end to the other side, and back through the door.
    back = path((200, 50), (440, 50), (440, 150), (200, 150))
    assert directions(play(short, script({"p": back}))) == ["in"]
    # Through and back around within the margin: nobody crossed.
    turn = path((200, 150), (325, 150), (325, 50), (200, 50), (440, 50))
    assert len(play(short, script({"p": turn})).crossings) == 0


def test_every_line_counts_by_itself(play: Play, script: Script):
    second = Line(name="second", a=(500, 480), b=(500, 0))
    facts = play(view(MIDDLE, second), script({"p": path((100, 9), (400, 9), (600, 9)), "q": path((600, 9), (400, 9))}))
    assert sorted((c.line, c.track_id, c.into) for c in facts.crossings) == [
        ("middle", "p", False),
        ("second", "p", True),
        ("second", "q", False),
    ]


x_values = st.one_of(st.integers(0, 640), st.integers(300, 340)).map(float)
points = st.lists(st.tuples(x_values, st.integers(0, 480).map(float)), min_size=1, max_size=25)


def side(x: float) -> int:
    return 0 if abs(x - 320) < MARGIN else (1 if x < 320 else -1)  # the picture's left is the line's right


@given(points)
def test_in_minus_out_is_the_change_of_side(play: Play, script: Script, walk):
    found = directions(play(view(), script({"p": path(*walk)}, rows=3)))
    sides = [side(x) for x, _ in walk if side(x)]
    expected = (sides[-1] - sides[0]) // 2 if sides else 0
    assert found.count("in") - found.count("out") == expected
    assert all(a != b for a, b in itertools.pairwise(found))


@given(points)
def test_the_way_back_counts_the_other_way(play: Play, script: Script, walk):
    short = view(Line(name="door", a=(320, 120), b=(320, 360)))
    there = directions(play(short, script({"p": path(*walk)})))
    back = directions(play(short, script({"p": path(*walk[::-1])})))
    swapped = {"in": "out", "out": "in"}
    assert [swapped[each] for each in reversed(there)] == back


@given(st.lists(st.floats(-MARGIN + 1e-6, MARGIN - 1e-6), min_size=2, max_size=30))
def test_jitter_below_the_margin_never_counts(play: Play, script: Script, offsets):
    standing = path(*[(320 + dx, 240) for dx in offsets])
    assert play(view(), script({"p": standing})).crossings == []
    # Nor does it after somebody came up to the line.
    arrived = path((200, 240), *[(320 + dx, 240) for dx in offsets])
    assert play(view(), script({"p": arrived})).crossings == []


@given(points, points, st.integers(1, 7))
def test_people_do_not_disturb_each_other(play: Play, script: Script, one, other, rows):
    both = play(view(), script({"p": path(*one), "q": path(*other)}, rows=rows))
    alone = play(view(), script({"p": path(*one)})).crossings + play(view(), script({"q": path(*other)})).crossings
    assert sorted((c.track_id, c.time_s, c.into) for c in both.crossings) == sorted(
        (c.track_id, c.time_s, c.into) for c in alone
    )


def test_a_gap_in_a_path_is_bridged_by_a_straight_line(play: Play, script: Script):
    facts = play(view(), script({"p": [(T0, 120, 100), (T0 + 30, 520, 100)]}))
    assert directions(facts) == ["out"]
    assert facts.crossings[0].time_s == pytest.approx(T0 + 15)


def test_the_margin_is_a_rule(play: Play, script: Script):
    events = script({"p": path((310, 50), (330, 50))})
    assert play(view(), events).crossings == []
    assert len(play(view(), events, rules=Rules(line_margin=0.01)).crossings) == 1


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/vtest is not here")
@pytest.mark.parametrize("frames", [1, 7, 100])
def test_the_true_boxes_of_vtest_give_the_true_crossings(play: Play, frames):
    truth = json.loads((DATA / "footfall.json").read_text())
    rows = [[float(v) for v in line.split(",")] for line in (DATA / "gt.txt").read_text().splitlines()]
    rows = sorted(row for row in rows if row[6] == 1)
    events = []
    for first in range(1, truth["frames"] + 1, frames):
        part = [row for row in rows if first <= row[0] < first + frames]
        events.append(
            PersonMoved(
                store="shop",
                time=T0 + part[-1][0],
                camera="door",
                size=(768, 576),
                track_id=tuple(f"{row[1]:.0f}" for row in part),
                time_s=tuple(T0 + row[0] / 7 for row in part),
                xy=tuple((row[2] + row[4] / 2, row[3] + row[5]) for row in part),
            )
        )
    x = truth["line"]["x"]
    seen = CameraView(camera="door", size=(768, 576), lines=(Line(name="x", a=(x, 0), b=(x, 576)),))
    facts = play(seen, [*events, silence(events[-1])])
    found = sorted((int(c.track_id), (c.time_s - T0) * 7, "RL" if c.into else "LR") for c in facts.crossings)
    expected = sorted((c["id"], c["frame"], c["dir"]) for c in truth["crossings"])
    assert len(found) == 29
    assert [c[2] for c in found].count("RL") == 17
    assert [(c[0], c[2]) for c in found] == [(c[0], c[2]) for c in expected]
    # The truth gives the frame at which the margin was reached, some steps after the line.
    assert all(-0.5 <= theirs[1] - ours[1] <= 10 for ours, theirs in zip(found, expected, strict=True))
    assert max(minute.peak for _, minute in facts.occupied) == truth["max_occupancy"]
    seconds = math.fsum(minute.person_seconds for _, minute in facts.occupied)
    assert seconds == pytest.approx(truth["mean_occupancy"] * truth["frames"] / 7, rel=0.05)


def silence(last: PersonMoved) -> PersonMoved:
    """Somebody far away and long after, so that the clock passes."""
    return last.model_copy(
        update={"track_id": ("late",), "time_s": (last.time_s[-1] + 100,), "xy": ((1.0, 1.0),), "id": "late"}
    )
