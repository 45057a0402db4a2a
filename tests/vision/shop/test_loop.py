"""A shop watched from pictures to events: order, plates, cameras that fail, the end, a bus that is away."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from cameras.errors import NoFramesError, TruncatedVideoError, UnreachableError, UnsupportedSourceError
from cameras.frame import Frame
from models.boxes import Boxes
from store.errors import BusUnavailableError
from store.events import PersonLeft, PersonMoved, PlateRead, SessionJoined, SessionOpened
from vision.shop.loop import ShopLoop
from vision.shop.readings import SideFacts
from vision.shop.sources import Ended, ShopCameras

T0 = 1_700_000_000.0
SIZE = (32, 18)


class Recorded:
    """Footage of ``count`` pictures, ``rate`` a second from ``phase`` on; what ``fails`` comes after them."""

    live = False
    dropped = 0
    size = SIZE
    frame_rate = 5.0
    frame_count = None

    def __init__(self, camera, phase=0.0, count=10, rate=5.0, fails=None, size=SIZE):
        self.camera, self.phase, self.count, self.rate, self.fails = camera, phase, count, rate, fails
        self.image = np.zeros((size[1], size[0], 3), np.uint8)

    def __iter__(self):
        for n in range(self.count):
            yield Frame(self.camera, n, T0 + self.phase + n / self.rate, self.image)
        if self.fails:
            raise self.fails

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def close(self):
        pass


class Watching:
    """Notes what it is given; leaves a person at the end."""

    def __init__(self):
        self.moments, self.weighed, self.told = [], [], []

    def update(self, captured, time_s, detections):
        assert captured.keys() == detections.keys()
        self.moments.append((time_s, {name: at for name, (at, _) in captured.items()}))
        return self.told.pop(0) if self.told else []

    def weigh(self, plate, time_s, grams):
        self.weighed.append((len(self.moments), plate, time_s.tolist(), grams.tolist()))

    def finish(self):
        return [PersonLeft(store="s", time=T0 + 99, track_id="last", entered_at=T0)]


class Nobody:
    def detect(self, images, min_confidence=0.1):
        return [Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]


def opening(*sources):
    """Opens each of these sources under its own name; a source that is an error cannot be opened."""
    by_name = dict(sources) if sources and isinstance(sources[0], tuple) else {each.camera: each for each in sources}

    def opens(address, camera, on_state):
        source = by_name[camera]
        if isinstance(source, Exception):
            raise source
        return source

    return {name: f"{name}.mp4" for name in by_name}, opens


def watched(*sources, offsets=None, side=None, publish=None, watcher=None, states=None, refused=None):
    addresses, opens = opening(*sources)
    offset_s = dict.fromkeys(addresses, 0.0) | (offsets or {})
    watcher = watcher or Watching()
    sent = []
    on_state = states.append if states is not None else (lambda state: None)
    with ShopCameras(addresses, offset_s, opens=opens, on_state=on_state) as cameras:
        loop = ShopLoop(
            cameras, offset_s, dict.fromkeys(addresses, SIZE), Nobody(), watcher, publish or sent.extend, side=side,
            refuse=lambda camera, reason: refused.append((camera, reason)),
        )  # fmt: skip
        loop.run(threading.Event())
    return loop, watcher, sent


def test_recordings_come_in_the_order_of_the_shops_time_and_none_is_dropped():
    loop, watcher, _ = watched(Recorded("a", 0.0), Recorded("b", 0.07 + 40.0), Recorded("c", 0.13), offsets={"b": 40.0})
    times = [time_s for time_s, _ in watcher.moments]
    assert all(b > a for a, b in pairwise(times))
    assert loop.state.pictures == sum(len(seen) for _, seen in watcher.moments) == 30
    # The second camera's clock is 40 s ahead: its pictures belong to those of the others.
    first = watcher.moments[0][1]
    assert first == pytest.approx({"a": T0, "b": T0 + 0.07, "c": T0 + 0.13}, abs=1e-6)
    assert loop.state.ended == {"a": "", "b": "", "c": ""}
    assert not any(loop.state.late.values())


def test_at_the_end_everybody_has_left():
    _, _, sent = watched(Recorded("a"))
    assert [event.track_id for event in sent] == ["last"]


def test_a_camera_that_fails_costs_its_own_pictures_only():
    broken = Recorded("b", 0.07, count=3, fails=TruncatedVideoError("the file ends early", 3))
    states = []
    loop, watcher, _ = watched(
        ("a", Recorded("a")), ("b", broken), ("c", NoFramesError("c holds no frames")), states=states
    )
    assert [sum(name in seen for _, seen in watcher.moments) for name in "abc"] == [10, 3, 0]
    assert loop.state.ended == {"a": "", "b": "the file ends early", "c": "c holds no frames"}
    assert {(state.camera, state.status) for state in states} == {("b", "degraded"), ("c", "degraded")}


def test_pictures_of_another_size_than_the_calibration_are_left_out_and_said_once():
    refused = []
    _, watcher, _ = watched(Recorded("a"), Recorded("b", size=(64, 36)), refused=refused)
    assert all(list(seen) == ["a"] for _, seen in watcher.moments)
    ((camera, reason),) = refused
    assert camera == "b"
    assert "64x36" in reason
    assert "32x18" in reason


def test_plates_are_given_when_the_pictures_have_come_so_far_and_in_order():
    side = SideFacts()
    rows = [("p", 0.05, 10.0), ("q", 0.05, 7.0), ("p", 0.5, 12.0), ("p", 0.45, 11.0), ("p", 30.0, 13.0)]
    plates, times, grams = zip(*rows, strict=True)
    side.take(PlateRead(store="s", time=T0 + 30, plate=plates, time_s=[T0 + t for t in times], grams=grams))
    _, watcher, _ = watched(Recorded("a"), side=side)
    of_p = [(n, [round(t - T0, 2) for t in at], grams) for n, plate, at, grams in watcher.weighed if plate == "p"]
    # The moment of 0.2 s is known when a picture of 0.2 s ends the one before; what is later than all pictures is last.
    assert of_p[0][1:] == ([0.05], [10.0])
    assert [each for _, _, grams in of_p for each in grams] == [10.0, 11.0, 12.0, 13.0]
    given_at = {t: n for n, at, _ in of_p for t in at}
    assert watcher.moments[given_at[0.5]][0] >= T0 + 0.4
    assert given_at[0.5] < given_at[30.0] == 10
    assert [(at, grams) for _, plate, at, grams in watcher.weighed if plate == "q"] == [([T0 + 0.05], [7.0])]


def test_staff_are_known_by_the_sessions_of_their_tracks():
    side = SideFacts()
    side.take(SessionOpened(store="s", time=T0, session_id="S", gate="g", role="staff"))
    side.take(SessionOpened(store="s", time=T0, session_id="C", gate="g"))
    side.take(SessionJoined(store="s", time=T0, session_id="S", track_id="sam"))
    side.take(SessionJoined(store="s", time=T0, session_id="C", track_id="cleo"))
    assert [side.is_staff(track) for track in ("sam", "cleo", "nobody")] == [True, False, False]


def test_what_the_bus_does_not_take_is_told_when_it_is_back_but_for_movements():
    moved = PersonMoved(store="s", time=T0, track_id=["x"], time_s=[T0], xy_m=[(1.0, 1.0)])
    left = PersonLeft(store="s", time=T0, track_id="first", entered_at=T0)
    watcher, calls, sent = Watching(), [], []
    watcher.told = [[moved, left]]

    def publish(events):
        calls.append(len(events))
        if len(calls) < 3:
            raise BusUnavailableError("away")
        sent.extend(events)

    watched(Recorded("a"), watcher=watcher, publish=publish)
    assert [event.track_id for event in sent] == ["first", "last"]
    assert calls[0] == 2


def test_what_the_networks_raise_ends_the_loop_and_tells_what_was_known():
    class Broken:
        def detect(self, images, min_confidence=0.1):
            raise RuntimeError("no network")

    addresses, opens = opening(Recorded("a"))
    sent = []
    with ShopCameras(addresses, {"a": 0.0}, opens=opens) as cameras:
        loop = ShopLoop(cameras, {"a": 0.0}, {"a": SIZE}, Broken(), Watching(), sent.extend)
        with pytest.raises(RuntimeError, match="no network"):
            loop.run(threading.Event())
    assert [event.track_id for event in sent] == ["last"]


def test_stopping_ends_the_loop_though_cameras_go_on():
    class Endless(Recorded):
        def __iter__(self):
            n = 0
            while True:
                yield Frame(self.camera, n, T0 + n / 5, self.image)
                n += 1

    addresses, opens = opening(Endless("a"))
    stop, watcher = threading.Event(), Watching()

    class StopsAtThird(Nobody):
        def detect(self, images, min_confidence=0.1):
            if len(watcher.moments) == 2:
                stop.set()
            return super().detect(images)

    with ShopCameras(addresses, {"a": 0.0}, opens=opens) as cameras:
        ShopLoop(cameras, {"a": 0.0}, {"a": SIZE}, StopsAtThird(), watcher, lambda events: None).run(stop)
    assert len(watcher.moments) == 3


def test_paced_recordings_keep_their_own_time():
    addresses, opens = opening(Recorded("a", count=3))
    with ShopCameras(addresses, {"a": 0.0}, opens=opens, paced=True) as cameras:
        began = time.monotonic()
        came = []
        while not cameras.over:
            if (item := cameras.next(0.05)) is not None:
                came.append((item, time.monotonic() - began))
    assert [isinstance(item, Ended) for item, _ in came] == [False, False, False, True]
    # Pictures of 0, 0.2 and 0.4 s: never early, however busy the machine.
    assert came[2][1] - came[0][1] >= 0.35


class LiveCamera(Recorded):
    """A camera that shows three pictures at once, and then waits to be closed."""

    live = True

    def __init__(self, camera, gone):
        super().__init__(camera, count=3)
        self.gone = gone

    def __iter__(self):
        yield from super().__iter__()
        self.gone.wait(20)


def test_of_a_live_camera_the_newest_picture_counts_and_one_that_is_away_is_tried_again():
    gone, tries, states = threading.Event(), [], []

    def opens(address, camera, on_state):
        tries.append(camera)
        if camera == "b" and tries.count("b") < 2:
            raise UnreachableError("nothing answers")
        return LiveCamera(camera, gone)

    addresses = {name: f"rtsp://camera/{name}" for name in "ab"}
    with ShopCameras(addresses, dict.fromkeys("ab", 0.0), opens=opens, on_state=states.append) as cameras:
        deadline = time.monotonic() + 20
        while sum(cameras.dropped.values()) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        newest = [cameras.next(1.0), cameras.next(1.0)]
        assert cameras.next(0.0) is None
        assert not cameras.over
        gone.set()
    assert {frame.camera: frame.index for frame in newest} == {"a": 2, "b": 2}
    assert cameras.dropped == {"a": 2, "b": 2}
    assert [(state.camera, state.reason) for state in states] == [("b", "nothing answers")]


def test_recordings_and_live_cameras_do_not_mix():
    with pytest.raises(UnsupportedSourceError, match=r"^b: a recording"):
        ShopCameras({"a": "rtsp://camera/a", "b": "b.mp4"}, {"a": 0.0, "b": 0.0})
