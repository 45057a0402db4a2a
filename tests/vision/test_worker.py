"""A worker with real decoders, a real network and real kills."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cameras.decoder import DecoderJob, Opened
from cameras.live import CameraState
from vision.pipeline import PersonFollower
from vision.worker.account import STAGES, bottleneck
from vision.worker.looking import Look, LookingJob
from vision.worker.worker import Worker, WorkerError

LOOKING = LookingJob("efficientdet-lite0", size=(384, 384), most=2, patience_s=0.01)


class Kept:
    """Follows as the real one does, and keeps what it was given."""

    def __init__(self, rate: float) -> None:
        self.looks: list[Look] = []
        self.now: list[list[int]] = []
        self.finished = 0
        self._follower = PersonFollower(rate)

    def take(self, look: Look) -> None:
        self._follower.update(look.detections, look.captured_at, look.index)
        self.looks.append(look)
        self.now.append(sorted(self._follower.now.track_id.tolist()))

    def finish(self) -> None:
        self.finished += 1


class Watched:
    """A worker over some cameras, with all that it told."""

    def __init__(self, jobs: list[DecoderJob], looking: LookingJob = LOOKING) -> None:
        self.followers: dict[str, Kept] = {}
        self.states: list[CameraState] = []
        self.worker = Worker(jobs, looking, self._follow, on_state=self.states.append)
        self.stop = threading.Event()

    def _follow(self, camera: str, opened: Opened) -> Kept:
        return self.followers.setdefault(camera, Kept(opened.frame_rate))


def test_recordings_are_watched_whole_side_by_side(street_video: Path) -> None:
    watched = Watched([DecoderJob(str(street_video), name) for name in ("east", "west")])
    with watched.worker as worker:
        worker.run(watched.stop)
        account = worker.account()
    assert sorted(watched.followers) == ["east", "west"]
    for name, kept in watched.followers.items():
        assert [look.index for look in kept.looks] == list(range(30))  # killed: a last picture that nobody waits for
        assert len(kept.looks[-1].detections.confidence) >= 2
        assert kept.looks[0].detections.embedding is not None
        assert kept.finished == 1
        assert len({tuple(ids) for ids in kept.now[10:]}) == 1  # the same people, each under one number
        assert len(kept.now[-1]) == 2
        assert (account[name].looked, account[name].missed, account[name].came) == (30, 0, 30)
        assert account[name].state == "ended"
        assert all(account[name].seconds[stage] > 0 for stage in STAGES)
    assert max(look.batch for look in watched.followers["east"].looks) == 2  # killed: one camera at a time
    assert bottleneck(account)[0] == "network"


@pytest.fixture
def live(street_video: Path) -> Iterator[Watched]:
    """Two cameras that never end, being watched in a thread."""
    watched = Watched([DecoderJob(str(street_video), name, loop=True, paced=True) for name in ("east", "west")])
    with watched.worker as worker:
        thread = threading.Thread(target=worker.run, args=(watched.stop,))
        thread.start()
        until(lambda: all(len(k.looks) >= 6 for k in watched.followers.values()) and len(watched.followers) == 2)
        yield watched
        watched.stop.set()
        thread.join(30)
        assert not thread.is_alive()


def until(what: Any, timeout_s: float = 90.0) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_networks_come_back_and_everybody_keeps_their_number(live: Watched) -> None:
    pid = live.worker.pids["networks"]
    assert pid is not None
    until(lambda: all(len(kept.now[-1]) >= 2 for kept in live.followers.values()))
    before = {name: (len(kept.looks), kept.now[-1]) for name, kept in live.followers.items()}
    os.kill(pid, signal.SIGKILL)
    until(lambda: all(len(kept.looks) >= before[name][0] + 5 for name, kept in live.followers.items()))
    assert live.worker.restarts == 1
    assert live.worker.pids["networks"] not in (pid, None)
    assert all(account.restarts == 0 for account in live.worker.account().values())  # killed: all of it anew
    for kept in live.followers.values():
        times = [look.captured_at for look in kept.looks]
        assert times == sorted(set(times))


def test_a_killed_decoder_costs_its_own_camera_alone(live: Watched) -> None:
    pid = live.worker.pids["east"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: any(state.status == "degraded" for state in live.states))
    west = len(live.followers["west"].looks)
    until(lambda: len(live.followers["west"].looks) >= west + 5)
    assert {state.camera for state in live.states} == {"east"}
    assert live.worker.restarts == 0
    # A recording begins anew: what was seen before is not seen again.
    times = [look.captured_at for look in live.followers["east"].looks]
    assert times == sorted(set(times))
    until(lambda: live.worker.account()["east"].restarts == 1)
    until(lambda: live.worker.pids["east"] not in (pid, None))


def test_cameras_that_cannot_be_opened_are_named(tmp_path: Path, street_video: Path) -> None:
    jobs = [DecoderJob(str(tmp_path / "gone.mp4"), "east"), DecoderJob(str(street_video), "west")]
    watched = Watched(jobs)
    with watched.worker as worker:
        worker.run(watched.stop)  # one that works is enough
        assert worker.account()["east"].looked == 0
    assert len(watched.followers["west"].looks) == 30
    watched = Watched(jobs[:1])
    with watched.worker as worker, pytest.raises(WorkerError, match=r"camera east: .*gone.mp4 does not exist"):
        worker.run(watched.stop)


def test_networks_that_cannot_be_opened_are_named(street_video: Path) -> None:
    watched = Watched([DecoderJob(str(street_video), "east")], LookingJob("nobody"))
    with watched.worker as worker, pytest.raises(WorkerError, match="cannot be opened: UnknownWeightsError: 'nobody'"):
        worker.run(watched.stop)


def test_two_cameras_of_one_name_are_refused() -> None:
    jobs = [DecoderJob("a.mp4", "till"), DecoderJob("b.mp4", "till")]
    with pytest.raises(WorkerError, match="different names, got till, till"):
        Watched(jobs)
