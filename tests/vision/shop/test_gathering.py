from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.shop.gathering import Gathered, MomentGatherer


def looks(rate: float, phase: float, seconds: float, camera: str, offset: float = 0.0) -> list[tuple[str, float, str]]:
    """Looks of one camera by its own clock, each called after the time of the shop."""
    times = [phase + n / rate for n in range(int((seconds - phase) * rate))]
    return [(camera, time_s + offset, f"{camera}{time_s:.3f}") for time_s in times]


def gather(gatherer: MomentGatherer[str], told: list[tuple[str, float, str]]) -> list[Gathered[str]]:
    return [moment for each in told for moment in gatherer.add(*each)] + gatherer.finish()


def test_cameras_of_one_rate_give_one_look_to_each_moment():
    told = looks(5, 0.0, 4, "a") + looks(5, 0.07, 4, "b") + looks(5, 0.16, 4, "c")
    gatherer = MomentGatherer[str](dict.fromkeys("abc", 0.0))
    found = gather(gatherer, sorted(told, key=lambda each: each[1]))
    assert [sorted(moment.looks) for moment in found[:18]] == [["a", "b", "c"]] * 18
    assert found[3].looks == {"a": "a0.600", "b": "b0.670", "c": "c0.760"}
    assert found[3].time_s == pytest.approx((0.6 + 0.67 + 0.76) / 3)
    assert found[3].captured_at == pytest.approx({"a": 0.6, "b": 0.67, "c": 0.76})
    assert sum(len(moment.looks) for moment in found) == len(told)  # killed: a grid of fixed times, which drops some
    assert gatherer.late == {"a": 0, "b": 0, "c": 0}


def test_jitter_loses_no_look():
    rng = random.Random(4)
    told = [
        (camera, time_s + rng.uniform(-0.03, 0.03), look)
        for camera, phase in (("a", 0.0), ("b", 0.1), ("c", 0.19))
        for camera, time_s, look in looks(5, phase, 20, camera)
    ]
    found = gather(MomentGatherer(dict.fromkeys("abc", 0.0)), sorted(told, key=lambda each: each[1]))
    assert sum(len(moment.looks) for moment in found) == len(told)
    assert sum(len(moment.looks) == 3 for moment in found) > 60


def test_a_fast_camera_is_thinned_to_its_newest_look():
    told = looks(25, 0.0, 4, "fast") + looks(5, 0.02, 4, "slow")
    found = gather(MomentGatherer({"fast": 0.0, "slow": 0.0}), sorted(told, key=lambda each: each[1]))
    assert 45 <= len(found) <= 52  # killed: as many as the fast one has looks
    assert sum("slow" in moment.looks for moment in found) == len(looks(5, 0.02, 4, "slow"))
    assert found[0].looks["fast"] == "fast0.040"  # of two within one moment the newest


def test_clocks_are_set_right_by_their_offsets():
    told = looks(5, 0.0, 3, "a") + looks(5, 0.1, 3, "b", offset=12.5)
    found = gather(MomentGatherer({"a": 0.0, "b": 12.5}), sorted(told, key=lambda each: each[2][1:]))
    assert all(len(moment.looks) == 2 for moment in found[:-1])
    assert found[0].captured_at == pytest.approx({"a": 0.0, "b": 0.1})
    assert found[0].time_s == pytest.approx(0.05)
    # Without it nothing falls together, and of the one that is behind all is late.
    wrong = MomentGatherer[str]({"a": 0.0, "b": 0.0})
    assert all(len(moment.looks) == 1 for moment in gather(wrong, sorted(told, key=lambda each: each[2][1:])))
    assert wrong.late["a"] > 10


def test_a_late_camera_holds_nobody_up_for_longer_than_the_patience():
    gatherer = MomentGatherer[str]({"a": 0.0, "b": 0.0}, patience_s=0.3)
    assert gatherer.add("b", 0.0, "b0") == []
    found = {}
    for n in range(1, 12):
        for moment in gatherer.add("a", n / 10, f"a{n}"):
            found[moment.looks.get("a", moment.looks.get("b"))] = n / 10 - moment.time_s
    assert list(found) == ["a1", "a2", "a3", "a4", "a5", "a6", "a7"]
    assert max(found.values()) < 0.3 + 0.2
    assert gatherer.add("b", 0.5, "b5") == []
    assert gatherer.late == {"a": 0, "b": 1}
    # What is not over yet is in time.
    assert gatherer.add("b", 1.0, "b10") != []
    (last,) = [moment for moment in gatherer.finish() if "b" in moment.looks]
    assert last.looks == {"a": "a10", "b": "b10"}


def test_nobody_is_waited_for_when_all_have_told():
    gatherer = MomentGatherer[str]({"a": 0.0, "b": 0.0}, patience_s=math.inf)
    assert gatherer.add("a", 0.0, "a0") == gatherer.add("b", 0.05, "b0") == gatherer.add("a", 0.1, "a1") == []
    (moment,) = gatherer.add("b", 0.15, "b1")
    assert moment.looks == {"a": "a0", "b": "b0"}


def test_without_looks_the_clock_of_whoever_asks_tells_what_is_due():
    gatherer = MomentGatherer[str]({"a": 0.0, "b": 0.0}, patience_s=0.3)
    gatherer.add("a", 1.0, "a")
    assert gatherer.due(1.49) == []
    (moment,) = gatherer.due(1.51)
    assert (moment.time_s, moment.looks) == (1.0, {"a": "a"})
    assert gatherer.due(9.0) == []


def test_a_camera_that_has_ended_is_not_waited_for():
    gatherer = MomentGatherer[str]({"a": 0.0, "b": 0.0, "c": 0.0}, patience_s=math.inf)
    for n in range(5):
        assert gatherer.add("a", n / 5, f"a{n}") == []
        assert gatherer.add("b", n / 5 + 0.01, f"b{n}") == []
    assert len(gatherer.end("c")) == 4  # killed: one that was never opened holds up all others for ever
    assert len(gatherer.end("b")) == 0
    (moment,) = gatherer.end("a")
    assert moment.looks == {"a": "a4", "b": "b4"}
    assert gatherer.add("a", 7.0, "again") == []


@given(st.integers(0, 10_000))
def test_recordings_come_to_the_same_moments_whoever_is_read_first(seed: int):
    rng = random.Random(seed)
    by_camera = {name: looks(rng.uniform(2, 20), rng.uniform(0, 0.3), 3, name) for name in "abc"}
    first = MomentGatherer[str](dict.fromkeys("abc", 0.0), patience_s=math.inf)
    wanted = gather(first, sorted((look for each in by_camera.values() for look in each), key=lambda each: each[1]))
    second = MomentGatherer[str](dict.fromkeys("abc", 0.0), patience_s=math.inf)
    found = []
    left = {name: list(each) for name, each in by_camera.items()}
    while left:
        name = rng.choice(sorted(left))
        found += second.add(*left[name].pop(0))
        if not left[name]:
            del left[name]
            found += second.end(name)
    assert [(moment.time_s, moment.looks) for moment in found] == [(moment.time_s, moment.looks) for moment in wanted]
    assert second.late == {"a": 0, "b": 0, "c": 0}
    assert all(b.time_s > a.time_s for a, b in pairwise(found))


def test_after_a_reset_all_is_as_at_first():
    gatherer = MomentGatherer[str]({"a": 0.0})
    told = looks(10, 0.0, 2, "a")
    before = [moment.looks for moment in gather(gatherer, told)]
    gatherer.reset()
    assert [moment.looks for moment in gather(gatherer, told)] == before


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match="least_s <= most_s"):
        MomentGatherer[str]({"a": 0.0}, least_s=0.3)
    with pytest.raises(KeyError):
        MomentGatherer[str]({"a": 0.0}).add("cellar", 0.0, "")
