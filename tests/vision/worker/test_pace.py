"""How often the networks' process looks at a camera."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence

import numpy as np

from cameras.planes import planes_shape
from cameras.ring import FrameRing
from models.boxes import Boxes
from vision.worker.looking import LONGEST_S, Look, LookingJob, Pace, _Eyes

SIZE = (64, 48)


class Nobody:
    """A network that finds nobody."""

    def detect(self, images: Sequence[np.ndarray], min_confidence: float = 0.1) -> list[Boxes]:
        return [Boxes.empty() for _ in images]


def looked(pace: Pace | None, pictures: int, then_s: float | None = None) -> tuple[list[int], int]:
    """The indices of pictures that were looked at, of so many that came one by one; how many were passed over. With
    ``then_s`` one more look is offered so much later.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    bell = spawn.Semaphore(0)
    found: list[Look] = []
    with (
        FrameRing.create("till", SIZE) as ring,
        _Eyes(LookingJob("", most=1, patience_s=0.0), Nobody(), theirs) as eyes,
    ):
        ours.send(ring.place)
        if pace is not None:
            ours.send(pace)
        for index in range(pictures):
            ring.write(np.zeros(planes_shape(SIZE), np.uint8), index, 100.0 + index)
            bell.release()
            eyes.step(bell)
            if then_s is not None and index == pictures - 1:
                time.sleep(then_s)
                bell.release()
                eyes.step(bell)
            while ours.poll():
                if isinstance(what := ours.recv(), Look):
                    found.append(what)
    return [look.index for look in found], sum(look.missed for look in found)


def test_one_picture_of_several_is_looked_at():
    assert looked(None, 7) == ([0, 1, 2, 3, 4, 5, 6], 0)
    assert looked(Pace("till", 3, 1e9), 7) == ([0, 3, 6], 4)
    assert looked(Pace("till", 1, 1e9), 4) == ([0, 1, 2, 3], 0)
    assert looked(Pace("door", 3, 1e9), 4) == ([0, 1, 2, 3], 0)


def test_but_not_after_too_long():
    assert looked(Pace("till", 100, 0.0), 4) == ([0, 1, 2, 3], 0)
    # Of the camera's time, in which pictures lie one second apart. Killed: of the clock on the wall.
    assert looked(Pace("till", 100, 2.5), 7) == ([0, 3, 6], 4)


def test_the_last_picture_of_all_is_looked_at_in_the_end():
    assert looked(Pace("till", 100, 1e3), 3, LONGEST_S + 0.1)[0] == [0]  # killed: a pace that is slower is not kept
    for least_s in (0.0, 1.5):
        pace = Pace("till", 100, 1.5, least_s)
        assert looked(pace, 2, 0.0)[0] == [0]
        assert looked(pace, 2, LONGEST_S + 0.1)[0] == [0, 1]  # killed: waiting for one that never comes


def test_and_not_so_soon_that_both_count_as_one():
    # Pictures are captured one second apart.
    assert looked(Pace("till", 1, 1e9, least_s=1.5), 7) == ([0, 2, 4, 6], 3)
    assert looked(Pace("till", 1, 1e9, least_s=1.0), 4) == ([0, 1, 2, 3], 0)
    assert looked(Pace("till", 3, 1e9, least_s=1.5), 7) == ([0, 3, 6], 4)


def test_the_vest_is_looked_for_where_it_is_named():
    class Somebody(Nobody):
        def detect(self, images: Sequence[np.ndarray], min_confidence: float = 0.1) -> list[Boxes]:
            return [Boxes(np.array([[8, 4, 40, 44]], np.float32), np.ones(1, np.float32)) for _ in images]

    spawn = multiprocessing.get_context("spawn")
    for vest, shown in [(None, None), ((128, 128, 128), 1.0), ((200, 20, 20), 0.0)]:
        ours, theirs = spawn.Pipe()
        job = LookingJob("", most=1, patience_s=0.0, vest=vest)
        with FrameRing.create("till", SIZE) as ring, _Eyes(job, Somebody(), theirs) as eyes:
            ours.send(ring.place)
            ring.write(np.full(planes_shape(SIZE), 128, np.uint8), 0, 100.0)
            eyes.step(spawn.Semaphore(1))
            (look,) = (what for _ in range(2) if ours.poll() and isinstance(what := ours.recv(), Look))
        told = look.detections.vest
        assert told is None if shown is None else told.tolist() == [shown]
