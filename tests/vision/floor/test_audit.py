from __future__ import annotations

import numpy as np
import pytest

from store.events import FloorAudited
from vision.floor.audit import AuditSettings, FloorAudit
from vision.floor.tracks import FloorMoment, FloorTracks

GATES = np.array([[[2.0, 0.0], [3.0, 0.0]]])
SETTINGS = AuditSettings(every_s=60.0, near_m=1.5, start_s=3.0)
BOTH, FIRST, SECOND, NONE = (True, True), (True, False), (False, True), (False, False)


def moment(time_s: float, people: dict[int, tuple[float, float, tuple[bool, bool]]], sure: float = 1.0) -> FloorMoment:
    """People by number: x, y and which of the two cameras saw them."""
    xy = np.array([(x, y) for x, y, _ in people.values()], np.float64).reshape(-1, 2)
    state = np.concatenate([xy, np.zeros((len(xy), 2))], axis=1)
    saw = np.array([each[2] for each in people.values()], np.bool_).reshape(-1, 2)
    wide = np.tile(np.eye(4) * 0.01, (len(xy), 1, 1))
    return FloorMoment(time_s, FloorTracks.of(np.array(list(people)), state, wide, np.full(len(xy), sure), saw))


def play(
    lives: dict[int, list[tuple[float, float, float]]], until_s: float, saw=BOTH, gates=GATES
) -> list[FloorAudited]:
    """Lives by number: times with places, between which people walk; told twice a second."""
    audit = FloorAudit("shop", ("a", "b"), gates, SETTINGS)
    found = []
    for time_s in np.arange(0.0, until_s, 0.5).tolist():
        here = {}
        for number, life in lives.items():
            times, xs, ys = zip(*life, strict=True)
            if times[0] <= time_s <= times[-1]:
                x, y = np.interp(time_s, times, xs), np.interp(time_s, times, ys)
                here[number] = (float(x), float(y), saw[number] if isinstance(saw, dict) else saw)
        if (told := audit.update(moment(time_s, here), set(here), set(here))) is not None:
            found.append(told)
    return found + ([last] if (last := audit.close()) is not None else [])


def test_who_comes_and_goes_at_gates_adds_up():
    lives = {
        1: [(1, 2.5, 2), (100, 2.5, 3)],  # there from the beginning
        2: [(10, 2.5, -0.3), (20, 2, 3), (40, 2.5, 0.2)],
        3: [(30, 2.5, 0.4), (130, 4, 3)],
    }
    first, second, rest = play(lives, 131)
    assert (first.inside_before, first.entries, first.exits, first.inside) == (1, 2, 1, 2)
    assert (first.fails, first.sigma, first.cameras) == ((), 0.0, ("a", "b"))
    assert first.period_s == 60.0
    # The one who was there from the beginning vanishes in mid-aisle.
    assert (second.inside_before, second.exits, second.ended_away, second.inside) == (2, 0, 1, 1)
    assert second.fails == ("balance", "ends")
    assert second.sigma == pytest.approx(1.0)
    assert (rest.time, rest.inside_before, rest.inside, rest.fails) == (130.5, 1, 0, ("balance", "ends"))


def test_a_track_that_breaks_in_mid_aisle_fails_though_the_numbers_add_up():
    (audit,) = play({1: [(5, 2.5, 0), (20, 4, 4)], 2: [(21, 4, 4), (40, 4, 4)]}, 40.5)
    assert (audit.entries, audit.exits, audit.inside_before, audit.inside) == (1, 0, 0, 1)
    assert audit.fails == ("begins", "ends")  # killed: counts alone
    assert audit.sigma == pytest.approx(2**0.5, abs=1e-3)


def test_nobody_is_twice():
    lives = {1: [(0, 2.5, 1), (20, 2.5, 3)], 2: [(0, 2.7, 1.1), (20, 2.7, 3.1)]}
    (audit,) = play(lives, 10.5, saw={1: FIRST, 2: SECOND})
    assert (audit.doubled, audit.fails) == (1, ("twice",))
    (audit,) = play(lives, 10.5)  # a couple: cameras see both at once
    assert (audit.doubled, audit.fails) == (0, ())
    apart = {**lives, 2: [(0, 3.2, 1.1), (20, 3.2, 3.1)]}
    (audit,) = play(apart, 10.5, saw={1: FIRST, 2: SECOND})
    assert audit.doubled == 0
    (audit,) = play(lives, 1.6, saw={1: FIRST, 2: SECOND})  # for a moment only
    assert audit.doubled == 0


def test_who_never_counts_is_nobody_and_who_is_not_seen_is_half_there():
    audit = FloorAudit("shop", ("a", "b"), GATES, SETTINGS)
    for n in range(20):
        people = {1: (2.5, 1.0, BOTH), 2: (4.0, 4.0, FIRST)} if n < 10 else {}
        audit.update(moment(n / 2, people, sure=0.8), {1, 2}, {1})
    told = audit.close()
    assert told is not None
    assert (told.inside, told.inside_before, told.begun_away, told.ended_away) == (1, 1, 0, 0)
    assert told.sigma == pytest.approx(0.5)  # killed: the chance of when they were seen
    assert (audit.told, audit.failed["twice"]) == (1, 0)
    assert audit.newest is told
    assert audit.close() is None


def test_without_gates_people_come_and_go_anywhere():
    (audit,) = play({1: [(5, 4, 4), (20, 4, 4)]}, 30.0, gates=None)
    assert (audit.entries, audit.exits, audit.fails) == (1, 1, ())
    assert play({}, 0.5) == []
