import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.floor.rooms import boxes, corners
from vision.floor.association import NOBODY, associate, gathered
from vision.floor.clustering import clusters
from vision.floor.motion import corrected, started
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors, Walking

CAMERAS = corners(4)
RIG = Rig.of(CAMERAS)


def observed(xy, rng=None, jitter=0.0):
    """Everybody in every camera, and whose each box is."""
    found = []
    for model in CAMERAS:
        xyxy = boxes(model, xy)
        height = xyxy[:, 3] - xyxy[:, 1]
        if rng is not None:
            xyxy = xyxy + np.tile(rng.normal(size=(len(xy), 2)) * jitter * height[:, None], 2)
        found.append(xyxy)
    camera = np.repeat(np.arange(len(CAMERAS)), len(xy))
    return observe(RIG, camera, np.concatenate(found), BoxErrors())


def expected_at(xy, error=0.2):
    place = np.column_stack([xy, np.full(len(xy), 1.7)])
    variance = np.tile(np.diag([error**2, error**2, 0.01]), (len(xy), 1, 1))
    return started(place, variance, Walking())


def full(people):
    return np.full((people, len(CAMERAS)), 0.9)


@settings(max_examples=25)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_nobody_has_two_boxes_of_one_camera_and_no_box_two_people(people, seed):
    rng = np.random.default_rng(seed)
    seen = observed(rng.uniform(-2, 2, (people, 2)), rng, 0.05)
    states, alike = expected_at(rng.uniform(-2, 2, (people, 2))), np.zeros((people, len(seen)))
    owner = associate(seen, states, full(people), 20.0, 3, alike)
    own = owner >= 0
    pairs = owner[own] * len(CAMERAS) + seen.camera[own]
    assert len(np.unique(pairs)) == own.sum()
    found = clusters(seen[~own], np.full(((~own).sum(), len(CAMERAS)), 0.9), np.full((~own).sum(), 1e-3), BoxErrors())
    pairs = found.group * len(CAMERAS) + seen.camera[~own]
    assert len(np.unique(pairs)) == len(pairs)


def test_what_the_other_cameras_see_decides_who_is_who():
    # Expected half-way between, and shifted: by the expectation alone, some cameras would take the other's box.
    xy = np.array([[0.0, 0.0], [0.35, 0.1]])
    rng = np.random.default_rng(3)
    mixed = {1: 0, 3: 0}
    for _ in range(60):
        seen = observed(xy, rng, 0.04)
        states = expected_at(xy + rng.normal([0.17, 0.05], 0.2, (2, 2)), 0.35)
        for rounds in mixed:
            owner = associate(seen, states, full(2), 20.0, rounds, np.zeros((2, len(seen))))
            of_camera = [owner[seen.camera == place] for place in range(len(CAMERAS))]
            mixed[rounds] += sum(each.tolist() != of_camera[0].tolist() for each in of_camera)
    assert mixed[3] < 0.8 * mixed[1]


def test_boxes_of_several_cameras_join_to_the_people_they_are_of():
    xy = np.array([[0.0, 0.0], [1.5, 0.5], [-1.0, 2.0], [0.4, -2.2]])
    seen = observed(xy, np.random.default_rng(1), 0.02)
    found = clusters(seen, np.full((len(seen), len(CAMERAS)), 0.9), np.full(len(seen), 1e-3), BoxErrors())
    assert len(found.odds) == 4
    assert (found.odds > 10).all()
    away = np.linalg.norm(found.place[:, None, :2] - xy[None], axis=2)
    assert (away.min(axis=1) < 0.15).all()
    # The fused place is surer than any one camera's.
    assert found.variance[:, 0, 0].max() < seen.variance[:, 0, 0].max()


def test_a_single_box_that_three_cameras_contradict_is_hardly_anybody():
    seen = observed(np.array([[0.0, 0.0]]))
    alone = seen[seen.camera == 0]
    chance = np.full((1, len(CAMERAS)), 0.9)
    contradicted = clusters(alone, chance, np.array([1e-3]), BoxErrors()).odds[0]
    only_one = clusters(alone, chance * (np.arange(len(CAMERAS)) == 0), np.array([1e-3]), BoxErrors()).odds[0]
    assert contradicted < only_one - 6


def test_nothing_seen_changes_nothing():
    states = expected_at(np.array([[1.0, 2.0]]))
    same = corrected(states, np.zeros((1, 3, 3)), np.zeros((1, 3)))
    assert np.allclose(same.mean, states.mean)
    assert np.allclose(same.variance, states.variance)
    none = observed(np.zeros((0, 2)))
    assert associate(none, states, full(1), 20.0, 3, np.zeros((1, 0))).tolist() == []
    assert (gathered(none, np.zeros(0, np.int64), 1)[0] == 0).all()
    assert NOBODY < 0


def test_looks_decide_between_people_and_not_whether_a_box_is_somebodys():
    """Two stand 20 cm apart, and look like one another's boxes; then like nobody's."""
    places = np.array([[-0.1, 0.0], [0.1, 0.0]])
    seen = observed(places)
    plain = associate(seen, expected_at(places), full(2), 20.0, 3, np.zeros((2, len(seen))))
    theirs = np.arange(2)[:, None] == plain[None]
    assert (plain >= 0).all()
    turned = associate(seen, expected_at(places), full(2), 20.0, 3, np.where(theirs, -9.0, 9.0))
    assert turned.tolist() == (1 - plain).tolist()
    nobody = associate(seen, expected_at(places), full(2), 20.0, 3, np.full((2, len(seen)), -50.0))
    assert (nobody >= 0).all()  # killed: who turns around is somebody new
