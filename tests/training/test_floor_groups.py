"""Pairs told of as together, scored against parties."""

from dataclasses import replace

import numpy as np

from tests.vision.floor.rooms import corners, scene, walk
from training.evaluate.floor_groups import GroupScores, score_groups
from vision.floor import FloorMoment, FloorTracks

PATHS = np.stack([walk((-2, y), (2, y), 10) for y in (0.0, 2.0, 4.0)])


def test_pairs_are_right_where_both_came_with_one_party():
    room = replace(scene(corners(2), PATHS), party=np.array([5, 5, 6]))
    moments = []
    for t in range(10):
        xy = np.vstack([PATHS[:, t], [[30.0, 30.0]]])
        state = np.column_stack([xy, np.zeros((4, 2))])
        track = np.array([11, 12, 13, 14])
        saw = np.ones((4, 2), np.bool_)
        moments.append(FloorMoment(t / 5, FloorTracks.of(track, state, np.tile(np.eye(4), (4, 1, 1)), np.ones(4), saw)))
    assert score_groups(room, moments, []) == GroupScores(0, 0, 1)
    assert score_groups(room, moments, [(12, 11)]) == GroupScores(1, 1, 1)
    assert score_groups(room, moments, [(11, 12, 13)]) == GroupScores(3, 1, 1)
    # Nobody is near track 14, and a pair that is told of twice is one.
    assert score_groups(room, moments, [(11, 14), (11, 12), (12, 11)]) == GroupScores(2, 1, 1)
    assert GroupScores(1, 1, 2) + GroupScores(3, 1, 1) == GroupScores(4, 2, 3)
