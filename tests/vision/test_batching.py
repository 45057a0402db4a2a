"""Which cameras are looked at together, and when."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.batching import Batch, BatchPlanner


def test_a_full_batch_is_due_at_once_and_others_wait_for_the_deadline() -> None:
    planner = BatchPlanner(most=3, patience_s=0.02)
    assert planner.next({"a": 10.0, "b": 10.0}, 8, 10.005) == Batch((), pytest.approx(0.015))
    assert planner.next({"a": 10.0, "b": 10.0, "c": 10.004}, 8, 10.005).cameras == ("a", "b", "c")
    assert planner.next({"a": 11.0}, 8, 11.021).cameras == ("a",)  # killed: a batch that is never filled


def test_nobody_waits_for_cameras_that_are_not_there() -> None:
    assert BatchPlanner(most=8, patience_s=5.0).next({"a": 1.0, "b": 1.0}, 2, 1.0).cameras == ("a", "b")


def test_without_pictures_it_idles() -> None:
    assert BatchPlanner(most=2, patience_s=0.02, idle_s=0.3).next({}, 4, 5.0) == Batch((), 0.3)


def test_a_camera_rests_between_looks() -> None:
    planner = BatchPlanner(most=1, patience_s=0.0, rest_s=0.2)
    assert planner.next({"a": 1.0}, 1, 1.0).cameras == ("a",)
    assert planner.next({"a": 1.05}, 1, 1.05) == Batch((), pytest.approx(0.1))  # no longer than it idles
    assert planner.next({"a": 1.05}, 1, 1.15) == Batch((), pytest.approx(0.05))
    assert planner.next({"a": 1.05}, 1, 1.21).cameras == ("a",)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(2, 12), st.integers(1, 60), st.randoms(use_true_random=False))
def test_no_camera_is_looked_at_much_more_than_another(most: int, cameras: int, rounds: int, random: object) -> None:
    planner = BatchPlanner(most=most, patience_s=0.01)
    names = [f"camera-{number}" for number in range(cameras)]
    looked: Counter[str] = Counter(dict.fromkeys(names, 0))
    now = 0.0
    for _ in range(rounds):
        # All have a new picture always, and some had theirs before others.
        waiting = {name: now - random.random() for name in names}  # type: ignore[attr-defined]
        batch = planner.next(waiting, cameras, now)
        assert len(batch.cameras) == min(most, cameras)
        assert len(set(batch.cameras)) == len(batch.cameras)
        looked.update(batch.cameras)
        now += 0.05
    assert max(looked.values()) - min(looked.values()) <= 1  # killed: who waited longest, or the first by name, always


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="one picture or more, got 0"):
        BatchPlanner(most=0, patience_s=0.1)
