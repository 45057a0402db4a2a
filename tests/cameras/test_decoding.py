"""Decoders in processes of their own: what comes out, and what happens when one dies, hangs or has nothing to read."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import cameras.decoding as decoding
from cameras.decoder import DecoderJob
from cameras.decoding import CameraDecoder
from cameras.live import CameraState
from cameras.stillness import StillnessSettings
from tests.cameras.conftest import number_of
from tests.cameras.still_rooms import film, room, walked


@pytest.fixture
def bell() -> Any:
    return multiprocessing.get_context("spawn").Semaphore(0)


def until(decoder: CameraDecoder, what: Callable[[], bool], timeout_s: float = 60.0) -> list[CameraState]:
    """Look after the decoder until something is so; what it told meanwhile."""
    told: list[CameraState] = []
    end = time.monotonic() + timeout_s
    while not what():
        told += decoder.poll()
        assert time.monotonic() < end, (told, decoder.error)
        time.sleep(0.002)
    return told


def numbers(decoder: CameraDecoder, taken: list[int]) -> list[int]:
    """Adds what the newest picture says its number is."""
    found = None if decoder.ring is None else decoder.ring.take()
    if found is not None:
        taken.append(number_of(found.frame.bgr()))
        assert found.frame.luma.shape == (64, 160)
    return taken


def test_a_recording_comes_whole_and_in_order(video: Any, bell: Any) -> None:
    path = video("clip.mp4", 40)
    taken: list[int] = []
    with CameraDecoder(DecoderJob(str(path), "till"), bell) as decoder:
        told = until(decoder, lambda: (numbers(decoder, taken) or decoder.ended) and decoder.ended)
        assert taken == list(range(40))  # killed: a writer that does not wait
        assert (told, decoder.error, decoder.restarts) == ([], "", 0)
        assert decoder.opened is not None
        assert (decoder.opened.size, decoder.opened.frame_rate, decoder.opened.live) == ((160, 64), 25.0, False)
        rung = 0
        while bell.acquire(block=False):
            rung += 1
        assert rung == 40
        assert decoder.ring is not None
        assert decoder.ring.spent.decode_s > 0


def test_a_paced_recording_skips_for_a_slow_reader(video: Any, bell: Any) -> None:
    path = video("clip.mp4", 50)
    taken: list[int] = []
    with CameraDecoder(DecoderJob(str(path), "till", paced=True), bell) as decoder:
        until(decoder, lambda: decoder.ring is not None)
        began = time.monotonic()
        while not decoder.ended:
            decoder.poll()
            numbers(decoder, taken)
            time.sleep(0.2)
        assert time.monotonic() - began > 1.2
    assert 4 <= len(taken) <= 16
    assert taken == sorted(set(taken))
    assert taken[-1] > 40  # killed: the oldest first


def test_still_pictures_are_not_handed_over(tmp_path: Any, bell: Any) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(60):
        image = np.full((96, 160, 3), 90, np.uint8)
        if 30 <= number < 40:
            image[20:70, 3 * number : 3 * number + 20] = 220
        cv2.imwrite(str(folder / f"{number:03d}.png"), image)
    gate = StillnessSettings(linger_s=0.3, look_every_s=1e9)
    seen = []
    with CameraDecoder(DecoderJob(str(folder), "till", frame_rate=10.0, gate=gate), bell) as decoder:

        def done() -> bool:
            found = None if decoder.ring is None else decoder.ring.take()
            if found is not None:
                seen.append(found.frame.index)
            return decoder.ended

        until(decoder, done)
        assert seen[0] == 0
        assert set(range(30, 41)) <= set(seen)  # killed: a gate that closes on somebody who moves
        assert len(seen) <= 24
        assert decoder.ring is not None
        assert decoder.ring.spent.still == 60 - len(seen)


@pytest.mark.parametrize("paced", [False, True])
def test_a_camera_that_may_rest_counts_every_picture_and_shows_who_comes(tmp_path: Any, bell: Any, paced: bool) -> None:
    path = film(tmp_path / "walk.mp4", walked(room(90), 50))
    gate = StillnessSettings(linger_s=0.5)
    for rests in (False, True):
        seen = []
        with CameraDecoder(DecoderJob(str(path), "till", paced=paced, gate=gate), bell) as decoder:
            until(decoder, lambda: decoder.ring is not None)
            assert decoder.ring is not None
            decoder.ring.let_rest(rests)

            while not decoder.ended:
                decoder.poll()
                if (found := decoder.ring.take()) is not None:
                    seen.append(found.frame.index)
                time.sleep(0.002)
            assert decoder.ring.written + decoder.ring.spent.still == 90  # killed: what is held is not counted
            held = decoder.ring.spent.held
            assert 10 <= held <= 45 if rests else held == 0  # killed: what is still is decoded all the same
        assert len([index for index in seen if 15 <= index < 50]) <= 8
        assert len([index for index in seen if index >= 53]) >= (20 if paced else 37)


def test_a_live_camera_that_may_rest_goes_on(rtsp_server: Any, tmp_path: Any, bell: Any) -> None:
    server = rtsp_server()
    film(tmp_path / "served" / "still.mp4", room(40))
    gate = StillnessSettings(linger_s=0.5)
    with CameraDecoder(DecoderJob(server.url("still.mp4"), "till", gate=gate), bell) as decoder:
        until(decoder, lambda: decoder.ring is not None)
        assert decoder.ring is not None
        decoder.ring.let_rest(True)
        until(decoder, lambda: decoder.ring is not None and decoder.ring.spent.held >= 60)
        assert (decoder.restarts, decoder.ended) == (0, False)  # killed: held packets that count as silence
        assert decoder.ring.written <= 40


def test_a_killed_decoder_is_started_again_on_the_same_ring(rtsp_server: Any, bell: Any) -> None:
    server = rtsp_server()
    with CameraDecoder(DecoderJob(server.url("clip.mp4"), "till"), bell) as decoder:
        taken: list[int] = []
        until(decoder, lambda: len(numbers(decoder, taken)) >= 3)
        ring, first = decoder.ring, decoder.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        before = len(taken)
        told = until(decoder, lambda: len(numbers(decoder, taken)) >= before + 5)
        assert (decoder.restarts, decoder.ring is ring) == (1, True)
        assert decoder.pid != first
        assert [state.status for state in told] == ["degraded", "live"]
        assert told[0].reason == "its decoder ended with exit code -9"


def test_a_decoder_that_hangs_is_killed(rtsp_server: Any, bell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "HUNG_S", 2.0)
    with CameraDecoder(DecoderJob(rtsp_server().url("clip.mp4"), "till"), bell) as decoder:
        taken: list[int] = []
        until(decoder, lambda: len(numbers(decoder, taken)) >= 3)
        hung = decoder.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        told = until(decoder, lambda: decoder.restarts == 1)
        assert told[0].reason == "its decoder gave no sign of life for 2 s"
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)  # killed: a hung process that is left behind


def test_a_camera_that_is_not_there_yet_is_tried_again(rtsp_server: Any, bell: Any) -> None:
    server = rtsp_server()
    server.kill()
    with CameraDecoder(DecoderJob(server.url("clip.mp4", "user:secret@"), "till"), bell) as decoder:
        told = until(decoder, lambda: decoder.restarts >= 1)
        assert told[0].status == "degraded"
        assert "secret" not in told[0].reason + repr(decoder.job)
        server.start()
        until(decoder, lambda: decoder.ring is not None and decoder.ring.written > 3)
        assert not decoder.ended


def test_a_recording_that_is_not_there_ends_with_the_reason(tmp_path: Any, bell: Any) -> None:
    with CameraDecoder(DecoderJob(str(tmp_path / "gone.mp4"), "till"), bell) as decoder:
        until(decoder, lambda: decoder.ended)
        assert decoder.error == f"{tmp_path / 'gone.mp4'} does not exist"
        assert (decoder.ring, decoder.restarts) == (None, 0)


def test_whoever_stops_early_leaves_no_process_behind(video: Any, bell: Any) -> None:
    decoder = CameraDecoder(DecoderJob(str(video("clip.mp4", 25)), "till", loop=True), bell)
    until(decoder, lambda: decoder.ring is not None and decoder.ring.written >= 1)
    pid = decoder.pid
    assert pid is not None
    decoder.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
