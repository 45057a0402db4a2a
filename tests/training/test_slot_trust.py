"""What comparisons of slots are worth, fitted on what was told and what was true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.slot_trust import Told, fitted, main


def told(changed, unchanged, cameras=3, kind="free"):
    rows = [Told(kind, log, cameras, -1) for log in changed]
    return rows + [Told(kind, log, cameras, 0) for log in unchanged]


def test_what_speaks_for_changes_alone_is_worth_much_and_what_speaks_against_them_little():
    rng = np.random.default_rng(0)
    found = fitted(told(rng.normal(2.0, 1.0, 40), rng.normal(-3.0, 1.0, 400)))
    assert (found["changed"], found["unchanged"]) == (40, 400)
    assert found["scale"] > 1.0
    assert found["told_of_changed"] > 0.9 > 0.1 > found["told_of_unchanged"]


def test_worth_is_beside_how_often_slots_change():
    # Killed: the intercept holding how seldom changes are, so that no change is ever worth anything.
    rng = np.random.default_rng(1)
    few, many = rng.normal(1.0, 1.0, 50), rng.normal(-1.0, 1.0, 5000)
    found = fitted(told(few, many))
    middle = found["scale"] * 0.0 + found["camera"] * 3 + found["offset"]
    assert abs(middle) < 0.5


def test_one_camera_alone_is_left_out_and_without_changes_there_are_only_counts():
    alone = told([2.0] * 5, [-2.0] * 5, cameras=1)
    assert fitted([*alone, *told([], [-1.0] * 7)]) == {"changed": 0.0, "unchanged": 7.0}


def test_runs_for_acceptance_are_refused():
    with pytest.raises(TrainingError, match="single_pick-9001"):
        main([Path("single_pick-0500"), Path("single_pick-9001")])
