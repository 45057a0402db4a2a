from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cameras.frame import Frame
from models.boxes import Boxes
from vision.pipeline import LAG_S, PersonWatcher, network_size

side = st.integers(16, 8000)


@given(width=side, height=side)
def test_the_network_sees_pictures_in_their_proportions(width: int, height: int) -> None:
    wide, high = network_size((width, height))
    assert (wide % 128, high % 128) == (0, 0)
    assert max(wide, high) == 640
    assert (wide > high) <= (width >= height)
    assert (wide < high) <= (width <= height)
    # The shorter side has room for the picture, and less than a step too much.
    scale = 640 / max(width, height)
    shorter = min(width, height) * scale
    assert min(wide, high) >= min(640, shorter) - 1e-6
    assert min(wide, high) < shorter + 128 + scale


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ((1920, 1080), (640, 384)),
        ((1080, 1920), (384, 640)),
        ((768, 576), (640, 512)),
        ((500, 500), (640, 640)),
        ((640, 128), (640, 128)),
        ((640, 129), (640, 256)),
        ((4000, 10), (640, 128)),
    ],
)
def test_sizes_of_known_pictures(picture: tuple[int, int], size: tuple[int, int]) -> None:
    assert network_size(picture) == size


class Scripted:
    """Finds in each picture the box that its first pixel names."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def detect(self, images: list[np.ndarray], min_confidence: float = 0.1) -> list[Boxes]:
        self.asked.append(min_confidence)
        return [
            Boxes(np.array([[x, 20, x + 30, 110]], np.float32), np.array([0.9], np.float32))
            for x in (float(image[0, 0, 0]) for image in images)
        ]


def frames(count: int, rate: float) -> list[Frame]:
    """Somebody in red walks to the right, two pixels a frame."""
    made = []
    for index in range(count):
        image = np.full((120, 320, 3), 128, np.uint8)
        x = 10 + 2 * index
        image[20:110, x : x + 30] = (30, 30, 200)
        image[0, 0, 0] = x
        made.append(Frame("door", index, 1000.0 + index / rate, image))
    return made


def test_frames_settle_in_order_after_the_lag() -> None:
    rate, count = 10.0, 40
    detector = Scripted()
    watcher = PersonWatcher(detector, rate)
    settled = []
    for frame in frames(count, rate):
        for moment in watcher.update(frame):
            assert frame.captured_at - moment.time_s >= LAG_S - 1e-6
            settled.append(moment)
        assert len(watcher.seen) == 1
    assert len(watcher.now) == 1
    # They settle some at a time.
    assert count - (LAG_S + 0.6) * rate <= len(settled) <= count - LAG_S * rate
    settled += watcher.finish()
    assert [moment.index for moment in settled] == list(range(count))
    assert len({int(each) for moment in settled for each in moment.tracks.track_id}) == 1
    # Looking back, somebody is known from their first frame on.
    assert len(settled[0].tracks) == 1
    assert watcher.patience_s > LAG_S
    # Weak detections are worth a second look, so they are asked for.
    assert max(detector.asked) <= 0.2


def test_time_that_stands_still_is_refused() -> None:
    watcher = PersonWatcher(Scripted(), 10.0)
    first, *_ = frames(1, 10.0)
    watcher.update(first)
    with pytest.raises(ValueError, match="time"):
        watcher.update(first)
