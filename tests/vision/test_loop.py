from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from cameras.errors import TruncatedVideoError
from cameras.frame import Frame
from models.boxes import Boxes
from store.events import Event, PersonEntered, PersonLeft
from store.views import CameraView
from vision.blur import PictureBlur
from vision.blurred import BlurredPicture
from vision.detections import Tracks
from vision.facts import FactWriter
from vision.lookback import Moment
from vision.loop import CameraLoop
from vision.pipeline import PersonWatcher

VIEW = CameraView(camera="door", size=(320, 240))
RATE = 10.0
BOX = (100.0, 60.0, 150.0, 220.0)


class OnePerson:
    """Finds the same person in every picture."""

    def detect(self, images: list[np.ndarray], min_confidence: float = 0.1) -> list[Boxes]:
        return [Boxes(np.array([BOX], np.float32), np.array([0.9], np.float32)) for _ in images]


class NoFaces:
    def detect(self, image: np.ndarray) -> Boxes:
        return Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32))


class Source:
    """Frames at these times, then an error if there is one."""

    camera, live, dropped, size, frame_rate, frame_count = "door", False, 0, (320, 240), RATE, None

    def __init__(self, times: list[float], error: Exception | None = None) -> None:
        self._times, self._error = times, error

    def __iter__(self) -> Iterator[Frame]:
        noise = np.random.default_rng(3).integers(0, 256, (240, 320, 3), np.uint8)
        for index, time_s in enumerate(self._times):
            yield Frame("door", index, time_s, noise.copy())
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        pass


class Pictures:
    """Wants every third frame."""

    def __init__(self, every: int = 3) -> None:
        self.every = every
        self.asked: list[int] = []
        self.taken: list[tuple[BlurredPicture, Tracks]] = []

    def wants(self, frame: Frame) -> bool:
        self.asked.append(frame.index)
        return frame.index % self.every == 0

    def take(self, picture: BlurredPicture, tracks: Tracks) -> None:
        self.taken.append((picture, tracks))


def make(source: Source, events: list[Event], **options: object) -> CameraLoop:
    watcher = PersonWatcher(OnePerson(), RATE)
    facts = FactWriter("shop", VIEW, events.extend, patience_s=watcher.patience_s)
    return CameraLoop(source, watcher, facts, **options)


def times(count: int) -> list[float]:
    return [1000 + index / RATE for index in range(count)]


def test_a_loop_counts_to_the_end_and_everybody_leaves() -> None:
    events: list[Event] = []
    settled: list[Moment] = []
    loop = make(Source(times(30)), events, settled=settled.extend)
    state = loop.run(threading.Event())
    assert state is loop.state
    assert (state.frames, state.people, state.now, state.error) == (30, 1, 1, None)
    assert (state.began_at, state.newest_at) == (1000.0, pytest.approx(1002.9))
    assert [moment.index for moment in settled] == list(range(30))
    assert isinstance(events[0], PersonEntered)
    assert isinstance(events[-1], PersonLeft)
    assert events[-1].time == pytest.approx(1002.9)


def test_what_was_seen_before_an_error_is_kept() -> None:
    events: list[Event] = []
    error = TruncatedVideoError("it broke", 20)
    state = make(Source(times(20), error), events).run(threading.Event())
    assert state.error is error
    assert (state.frames, state.people) == (20, 1)
    assert isinstance(events[-1], PersonLeft)


def test_an_error_of_another_kind_is_raised_after_everybody_left() -> None:
    events: list[Event] = []
    with pytest.raises(ZeroDivisionError):
        make(Source(times(20), ZeroDivisionError()), events).run(threading.Event())
    assert isinstance(events[-1], PersonLeft)


def test_a_loop_stops_when_it_is_told_to() -> None:
    stop = threading.Event()
    events: list[Event] = []

    class StopAt(Pictures):
        def wants(self, frame: Frame) -> bool:
            if frame.index == 11:
                stop.set()
            return super().wants(frame)

    state = make(Source(times(100)), events, blur=PictureBlur(NoFaces()), sinks=[StopAt()]).run(stop)
    assert state.frames == 12
    assert isinstance(events[-1], PersonLeft)


def test_frames_whose_time_does_not_rise_are_left_out() -> None:
    moments = times(30)
    moments[10] = moments[9]
    moments[20] = moments[15]
    settled: list[Moment] = []
    state = make(Source(moments), [], settled=settled.extend).run(threading.Event())
    assert state.frames == 28
    assert [moment.index for moment in settled] == [index for index in range(30) if index not in (10, 20)]


def test_each_sink_gets_the_blurred_pictures_that_it_wants() -> None:
    often, seldom = Pictures(3), Pictures(10)
    make(Source(times(30)), [], blur=PictureBlur(NoFaces()), sinks=[often, seldom]).run(threading.Event())
    assert often.asked == seldom.asked == list(range(30))
    assert [picture.captured_at for picture, _ in often.taken] == times(30)[::3]
    assert [picture.captured_at for picture, _ in seldom.taken] == times(30)[::10]
    assert all(isinstance(picture, BlurredPicture) for picture, _ in often.taken)
    picture, tracks = often.taken[-1]
    assert len(tracks) == 1
    head, feet = picture.image[64:84, 115:135].astype(float), picture.image[200:218, 115:135].astype(float)
    # The picture is noise: only a blurred part of it is smooth.
    assert head.std() < feet.std() / 4


def test_pictures_without_a_blur_are_refused() -> None:
    with pytest.raises(ValueError, match="blur"):
        make(Source(times(1)), [], sinks=[Pictures()])
