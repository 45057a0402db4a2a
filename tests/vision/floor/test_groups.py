"""Who came together: by hand-made moments, and as it is told."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import PersonLeft, PersonTogether
from tests.vision.floor.rooms import corners
from vision.floor import FloorMoment, FloorTracks
from vision.floor.facts import FloorFacts
from vision.floor.groups import Groups

RATE = 5.0


def moments(paths, comes):
    """People on ``paths`` (places (t, 2)), of whom the n-th comes at moment ``comes[n]``; tracks count from 1."""
    for t in range(max(at + len(path) for at, path in zip(comes, paths, strict=True))):
        here = [
            (n, path[t - at]) for n, (at, path) in enumerate(zip(comes, paths, strict=True)) if 0 <= t - at < len(path)
        ]
        state = np.array([[*xy, 0.0, 0.0] for _, xy in here]).reshape(-1, 4)
        count = len(here)
        yield FloorMoment(
            t / RATE,
            FloorTracks.of(
                np.array([n + 1 for n, _ in here], np.int64), state, np.tile(np.eye(4), (count, 1, 1)), np.ones(count),
                np.ones((count, 4), np.bool_),
            ),
        )  # fmt: skip


def way(*places, length=150):
    """Straight from place to place, in equal times."""
    at = np.linspace(0, len(places) - 1, length)
    xy = np.array(places, np.float64)
    return np.column_stack([np.interp(at, range(len(places)), xy[:, axis]) for axis in (0, 1)])


def chance(paths, comes):
    groups = Groups()
    for moment in moments(paths, comes):
        groups.update(moment)
    return groups.probability()


ROUND = way((0, 0), (3, 3), (6, 0), (0, 0))
OTHER = way((0, 0), (-4, 3), (-8, 0), (0, 0))
FAR = way((9, 0), (5, 5), (9, 9), (9, 0))


def test_who_come_one_behind_the_other_and_walk_together_are_a_group():
    together = chance([ROUND, ROUND + 0.6], [0, 5])[0, 1]
    apart = chance([ROUND, OTHER], [0, 5])[0, 1]
    assert together > 0.95 > 0.9 > apart > 0.5  # killed: shopping apart speaks against a group as walking together for
    assert chance([ROUND, OTHER], [0, 100])[0, 1] < 0.05


def test_who_come_in_elsewhere_are_no_group_however_near_they_walk():
    path = ROUND.copy()
    path[0] = (4.0, 0.0)
    assert chance([ROUND, path], [0, 2])[0, 1] == 0.0


def test_where_many_come_one_after_the_other_says_less():
    alone = chance([ROUND, OTHER], [0, 8])[0, 1]
    crowd = chance([ROUND, OTHER, *[FAR] * 12], [0, 8, *range(0, 120, 10)])[0, 1]
    assert crowd < alone - 0.2


@settings(max_examples=25, deadline=None)
@given(
    comes=st.lists(st.integers(0, 60), min_size=2, max_size=5),
    seed=st.integers(0, 999),
)
def test_chances_are_of_pairs_whatever_their_numbers(comes, seed):
    rng = np.random.default_rng(seed)
    paths = [way((0, 0), *rng.uniform(-4, 4, (3, 2)), length=60) for _ in comes]
    found = chance(paths, comes)
    assert ((found >= 0) & (found <= 1)).all()
    assert (found == found.T).all()
    assert (np.diag(found) == 0).all()
    order = rng.permutation(len(comes))
    again = chance([paths[n] for n in order], [comes[n] for n in order])
    np.testing.assert_allclose(again, found[np.ix_(order, order)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sooner_one_comes_behind_the_other_the_likelier_they_are_a_group(sooner, later):
    low, high = sorted((sooner, later))
    assert chance([ROUND, OTHER], [0, low])[0, 1] >= chance([ROUND, OTHER], [0, high])[0, 1] - 1e-3


def test_who_is_forgotten_is_in_no_group():
    groups = Groups()
    for moment in moments([ROUND, ROUND + 0.5, OTHER], [0, 3, 90]):
        groups.update(moment)
    assert groups.with_(1, 0.6).keys() == {2}
    assert groups.with_(3, 0.6) == {}
    groups.forget({1, 3})
    assert groups.with_(1, 0.6) == groups.with_(2, 0.0) == {}
    assert groups.probability().shape == (2, 2)


def test_a_group_is_told_of_once_before_its_first_leaves():
    events = []
    facts = FloorFacts("shop", corners(4), events.extend)
    paths, comes = [ROUND, (ROUND + 0.5)[:120], OTHER], [0, 3, 120]
    for moment in moments(paths, comes):
        t = round(moment.time_s * RATE)
        alive = {n + 1 for n, (path, at) in enumerate(zip(paths, comes, strict=True)) if t < at + len(path) + 10}
        facts.add([moment], alive)
    facts.close()
    together, *left = [event for event in events if isinstance(event, (PersonTogether, PersonLeft))]
    assert isinstance(together, PersonTogether)
    assert len(together.track_id) == 2
    assert together.confidence > 0.9
    assert [type(event) for event in left] == [PersonLeft] * 3
    assert set(together.track_id) == {left[0].track_id, left[1].track_id}
    assert left[0].track_id != left[1].track_id
    assert together.time == left[0].time
