"""Who is told of as a visit: by how long, and by how many cameras, they were seen."""

import numpy as np
import pytest

from store.events import PersonEntered
from tests.vision.floor.rooms import corners
from vision.floor.facts import FloorFacts
from vision.floor.tracks import FloorMoment, FloorTracks

RATE = 5.0


def told_at(seen_by, every_s=1 / RATE):
    """After how many seconds somebody is told of whom at each moment these cameras see, None for never."""
    events = []
    facts = FloorFacts("shop", corners(4), events.extend, sure_s=2.0)
    for n, cameras in enumerate(seen_by):
        saw = np.zeros((1, 4), np.bool_)
        saw[0, list(cameras)] = True
        tracks = FloorTracks.of(np.ones(1, np.int64), np.ones((1, 4)), np.eye(4)[None] * 0.01, np.ones(1), saw)
        facts.add([FloorMoment(n * every_s, tracks)], {1})
        if any(isinstance(event, PersonEntered) for event in events):
            return n * every_s
    return None


@pytest.mark.parametrize(("cameras", "after_s"), [((0,), 2.0), ((0, 3), 1.0), ((0, 1, 2, 3), 0.6)])
def test_the_more_cameras_see_somebody_the_sooner_they_are_told_of(cameras, after_s):
    assert told_at([cameras] * 20) == pytest.approx(after_s)


def test_what_counts_is_how_long_somebody_was_seen_and_not_how_long_ago_that_began():
    assert told_at([(0,), *[()] * 12, (0,), (0,)]) is None  # killed: seconds since the first sight
    assert told_at([(0,), (), *[(0,)] * 10]) == pytest.approx(2.2)


def test_a_long_gap_between_moments_is_no_long_sight():
    assert told_at([(0,)] * 4, every_s=10.0) is None  # killed: ten seconds of which nobody knows
    assert told_at([(0, 1, 2, 3)] * 4, every_s=10.0) == 10.0
