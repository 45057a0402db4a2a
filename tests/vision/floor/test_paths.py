"""Paths settled of two people, of whom one track is taken for the other's."""

import numpy as np
import pytest

from tests.vision.floor.rooms import corners
from vision.floor import FloorSettings
from vision.floor.history import Moment
from vision.floor.motion import States
from vision.floor.observations import Rig
from vision.floor.openings import Openings
from vision.floor.paths import Paths

CAMERAS = corners(4)
GATE = np.array([[[2.0, -1.0], [2.0, 1.0]]])
RATE = 5.0
OUT_S = 2.4  # when the first is out
LEAVES, FOLLOWS = 1, 2  # keys
PRECISION = np.eye(3) / 0.05**2


def moment(time_s, places):
    """Who (key) is where along the way through the gate, and how many cameras see them; a ghost is seen by none."""
    state = np.array([[x, 0.0, 1.0, 0.0, 1.7] for x, _ in places.values()])
    count = len(places)
    saw = np.array([[camera < seen_by for camera in range(4)] for _, seen_by in places.values()])
    information = PRECISION * saw.any(axis=1)[:, None, None]
    return Moment(
        time_s, np.array(list(places), np.int64), States(state, np.tile(0.01 * np.eye(5), (count, 1, 1))), information,
        (information @ state[:, [0, 1, 4], None])[..., 0], np.full(count, 8.0), saw, np.zeros(count),
        np.zeros((count, 4, 0)), np.ones(4, np.bool_),
    )  # fmt: skip


def walked(stays, goes):
    """One walks out by the gate a metre before another, who stays there; the first's track goes on at the gate, takes
    boxes of the second, and is united with the second's in the end. What is settled: by id, times and x.
    """
    paths = Paths(Rig.of(CAMERAS), Openings(GATE, FloorSettings()), FloorSettings())
    for key in (LEAVES, FOLLOWS):
        paths.names[key] = paths.new_id()
    for number in range(20):
        time_s = number / RATE
        places = {FOLLOWS: (min(time_s - 1.4, 1.6), 4)}
        if time_s <= OUT_S:
            places[LEAVES] = (time_s - 0.4, 4)
        elif number < 18:
            places[LEAVES] = (2.05, 1 if number > 14 else 0)
            places[FOLLOWS] = (places[FOLLOWS][0], 3)
        if number == 18:
            paths.unite(stays, goes)
        if number >= 18:
            places = {stays: places[FOLLOWS]}
        paths.add(moment(time_s, dict(sorted(places.items()))))
    found = {}
    for settled in paths.flush():
        for number, xy, seen in zip(
            settled.tracks.track_id.tolist(), settled.tracks.xy, settled.tracks.cameras.any(axis=1), strict=True
        ):
            if seen:
                found.setdefault(number, []).append((settled.time_s, xy[0]))
    return found


@pytest.mark.parametrize(("stays", "goes"), [(LEAVES, FOLLOWS), (FOLLOWS, LEAVES)])
def test_who_goes_out_a_metre_before_another_keeps_the_path_up_to_the_gate(stays, goes):
    found = walked(stays, goes)
    for start, end_s, end in ((-0.4, OUT_S, 2.0), (-1.4, 19 / RATE, 1.6)):
        # Killed: all moments rewritten, which leaves one of two who were seen apart.
        (path,) = [each for each in found.values() if abs(each[0][1] - start) < 0.2]
        while_seen = [(time_s, x) for time_s, x in path if time_s <= end_s]
        assert len(while_seen) == round(end_s * RATE) + 1
        assert all(abs(x - min(start + time_s, end)) < 0.5 for time_s, x in while_seen)
