"""Pictures through shared memory: the newest wins, nobody waits, and no picture is torn."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.planes import PlanarFrame, planes_of, planes_shape
from cameras.ring import FrameRing, RingPlace

SIZE = (64, 36)


def flat(value: int) -> np.ndarray:
    return np.full(planes_shape(SIZE), value, np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_the_newest_is_taken_once_and_all_others_are_counted(writes: list[bool]) -> None:
    with FrameRing.create("till", SIZE) as ring:
        written = taken = missed = 0
        for is_write in writes:
            if is_write:
                ring.write(flat(written % 251), written, 100.0 + written)
                written += 1
                assert ring.peek() == 100.0 + written - 1
                continue
            found = ring.take()
            if found is None:
                assert ring.all_taken  # killed: a picture that is kept back
                continue
            assert (found.frame.index, found.frame.captured_at) == (written - 1, 99.0 + written)
            assert (found.frame.planes == (written - 1) % 251).all()  # killed: another slot's pixels
            assert ring.whole(found)
            taken, missed = taken + 1, missed + found.missed
        assert ring.written == written
        if ring.take() is not None:
            return
        assert taken + missed == written  # killed: a miscount of what was skipped


def test_what_is_held_is_not_written_over() -> None:
    with FrameRing.create("till", SIZE) as ring:
        ring.write(flat(1), 0, 0.0)
        held = ring.take()
        assert held is not None
        for number in range(2, 30):
            ring.write(flat(number), number, float(number))
            assert (held.frame.planes == 1).all()  # killed: the writer goes round and round
        assert ring.whole(held)
        newest = ring.take()
        assert newest is not None
        assert (newest.frame.index, newest.missed) == (29, 27)
        assert not ring.whole(held)  # it was given back


def test_the_planes_are_read_only_and_know_their_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)
    image = np.repeat(np.repeat(image[::4, ::4], 4, 0), 4, 1)
    with FrameRing.create("till", SIZE) as ring:
        ring.write(planes_of(image), 3, 5.0)
        taken = ring.take()
        assert taken is not None
        assert taken.frame.camera == "till"
        assert np.abs(taken.frame.bgr().astype(int) - image).max() <= 6
        with pytest.raises(ValueError, match="read-only"):
            taken.frame.planes[0, 0] = 1
        del taken


def _write_numbers(place: RingPlace, count: int) -> None:
    with FrameRing.attach(place) as ring:
        for number in range(1, count + 1):
            ring.next()[:] = number % 251
            ring.publish(number, float(number))
            ring.beat(float(number))


def test_between_processes_no_picture_is_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))  # where the child finds this module
    size, count = (320, 180), 3000
    with FrameRing.create("till", size) as ring:
        writer = multiprocessing.get_context("spawn").Process(target=_write_numbers, args=(ring.place, count))
        writer.start()
        seen: list[int] = []
        missed = 0
        until = time.monotonic() + 60
        while (not seen or seen[-1] < count) and time.monotonic() < until:
            taken = ring.take()
            if taken is None:
                continue
            low, high = int(taken.frame.planes.min()), int(taken.frame.planes.max())
            assert ring.whole(taken)
            assert low == high == taken.frame.index % 251  # killed: the writer into the slot that is read
            seen.append(taken.frame.index)
            missed += taken.missed
        writer.join(30)
        assert writer.exitcode == 0
        assert seen == sorted(set(seen))
        assert len(seen) + missed == count == ring.written
        assert ring.beat_at == count
        del taken


def test_another_writer_goes_on_where_one_died() -> None:
    with FrameRing.create("till", SIZE) as ring:
        with FrameRing.attach(ring.place) as first:
            first.write(flat(7), 0, 0.0)
            first.next()[:4] = 9  # it dies in the middle of a picture
        taken = ring.take()
        assert taken is not None
        assert (taken.frame.planes == 7).all()
        with FrameRing.attach(ring.place) as second:
            second.write(flat(8), 1, 1.0)
        again = ring.take()
        assert again is not None
        assert (again.frame.index, again.missed) == (1, 0)
        assert (again.frame.planes == 8).all()
        del taken, again


def test_too_few_slots_and_wrong_planes_are_refused() -> None:
    with pytest.raises(ValueError, match="4 slots or more, got 3"):
        FrameRing.create("till", SIZE, 3)
    with pytest.raises(ValueError, match=r"camera till: planes of a picture of 64x36 must be uint8 \(54, 64\)"):
        PlanarFrame("till", 0, 0.0, SIZE, np.zeros((36, 64), np.uint8))


@pytest.mark.parametrize("size", [(64, 36), (63, 36), (64, 35), (63, 35)])
def test_pictures_of_odd_sizes_keep_their_size(size: tuple[int, int]) -> None:
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = (20, 200, 90)
    frame = PlanarFrame("till", 0, 0.0, size, planes_of(image))
    assert frame.luma.shape == (height, width)
    back = frame.bgr()
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image)[:, : width // 2 - 2].max() <= 3
    assert np.abs(back.astype(int) - image)[:, width // 2 + 2 :].max() <= 3
