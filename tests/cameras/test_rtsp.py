from __future__ import annotations

import itertools
import logging
import signal
import socket
import threading
import time
import traceback
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cameras import CameraState, Frame, open_source
from cameras.errors import (
    CameraError,
    CredentialsRefusedError,
    NoFramesError,
    NotAVideoError,
    ResolutionChangedError,
    StreamNotFoundError,
    UnreachableError,
)
from cameras.live import MAX_AGE_S, backoff_s

SECRET = "s3cr3t%21"


class Recorder:
    """The states that a source reports, and a way to wait for one."""

    def __init__(self) -> None:
        self.states: list[CameraState] = []
        self._changed = threading.Condition()

    def __call__(self, state: CameraState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.states) >= count, 30)
            return [state.status for state in self.states]


@pytest.fixture
def responder() -> Iterator[Callable[[bytes], int]]:
    """A TCP server that answers everything with the same bytes, or with silence; gives its port."""
    servers: list[socket.socket] = []

    def serve(answer: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            held = []
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    break
                held.append(peer)
                if answer:
                    peer.recv(4096)
                    peer.sendall(answer)
            for peer in held:
                peer.close()

        threading.Thread(target=run, daemon=True).start()
        return int(server.getsockname()[1])

    yield serve
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_frames_come_from_the_stream_in_order_and_fresh(rtsp_server: Any, read_stamp: Any) -> None:
    with open_source(rtsp_server().url("clip.mp4"), camera="till") as source:
        assert (source.size, source.live, source.frame_rate, source.frame_count) == ((160, 64), True, 25.0, None)
        frames: list[Frame] = []
        for frame in source:
            assert -0.01 < time.time() - frame.captured_at < MAX_AGE_S + 1
            frames.append(frame)
            if len(frames) == 40:
                break
    assert {frame.camera for frame in frames} == {"till"}
    # What piled up while the stream was analysed, a second's worth, is stale and was not handed out.
    assert frames[0].index > 10
    # The index counts what the stream sent, so it says which picture of the loop this is.
    assert [read_stamp(frame.image) for frame in frames] == [frame.index % 100 for frame in frames]
    for earlier, later in itertools.pairwise(frames):
        assert earlier.index < later.index
        assert earlier.captured_at < later.captured_at
    assert source.dropped >= frames[-1].index + 1 - len(frames)


def test_a_slow_reader_gets_the_newest_frame_and_every_other_is_counted(rtsp_server: Any, read_stamp: Any) -> None:
    source = open_source(rtsp_server().url("clip.mp4"))
    frames = []
    for frame in source:
        frames.append(frame)
        time.sleep(0.3)
        if len(frames) == 6:
            break
    source.close()
    gaps = [later.index - earlier.index for earlier, later in itertools.pairwise(frames)]
    assert sum(gaps) >= 3 * len(gaps)
    assert [read_stamp(frame.image) for frame in frames] == [frame.index % 100 for frame in frames]
    # Every frame that came was handed out or dropped, those after the last one too.
    assert source.dropped + len(frames) >= frames[-1].index + 1 + 3
    dropped = source.dropped
    source.close()
    assert source.dropped == dropped


def test_a_killed_server_costs_its_own_frames_only(rtsp_server: Any, read_stamp: Any) -> None:
    server, told = rtsp_server(), Recorder()
    with open_source(server.url("clip.mp4"), on_state=told, read_timeout_s=3) as source:
        stream = iter(source)
        before = list(itertools.islice(stream, 20))
        server.kill()
        killed_at = time.time()
        assert told.wait_for(2) == ["live", "degraded"]
        assert source.state.status == "degraded"
        # Longer than a frame may be old: what was waiting when the server died is not handed out any more.
        time.sleep(MAX_AGE_S + 0.2)
        server.start()
        after = []
        for frame in stream:
            assert time.time() - frame.captured_at < MAX_AGE_S + 1
            after.append(frame)
            if len(after) == 20:
                break
        assert told.wait_for(3) == ["live", "degraded", "live"]
    assert after[0].captured_at > killed_at + MAX_AGE_S
    assert before[-1].index < after[0].index
    for earlier, later in itertools.pairwise(before + after):
        assert earlier.captured_at < later.captured_at
    # The clip began again, and again what piled up was not handed out.
    assert read_stamp(after[0].image) > 10
    assert source.state.status == "closed"
    assert list(source) == []


def test_a_server_that_falls_silent_counts_as_lost_until_it_speaks_again(rtsp_server: Any) -> None:
    server, told = rtsp_server(), Recorder()
    with open_source(server.url("clip.mp4"), on_state=told, read_timeout_s=1, open_timeout_s=2) as source:
        stream = iter(source)
        first = next(stream)
        server.signal(signal.SIGSTOP)
        assert told.wait_for(2) == ["live", "degraded"]
        assert "for 1 s" in told.states[-1].reason
        server.signal(signal.SIGCONT)
        assert told.wait_for(3) == ["live", "degraded", "live"]
        assert next(stream).captured_at > first.captured_at + 1


def everything(source: Any, told: Recorder, caplog: pytest.LogCaptureFixture, *errors: BaseException) -> str:
    texts = [repr(source), repr(vars(source)), repr(told.states), caplog.text]
    texts += [repr([vars(record) for record in caplog.records]), repr(threading.enumerate())]
    for error in errors:
        assert error.__cause__ is None
        assert error.__context__ is None
        texts += [repr(error), str(error), "".join(traceback.format_exception(error))]
    return "\n".join(texts)


def test_credentials_open_the_stream_and_are_never_written(
    rtsp_server: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server, told = rtsp_server("admin", "s3cr3t!"), Recorder()
    with open_source(server.url("clip.mp4", f"admin:{SECRET}@"), on_state=told, read_timeout_s=2) as source:
        assert next(iter(source)).size == (160, 64)
        server.kill()
        told.wait_for(2)
        # One more attempt fails and is logged.
        while len(caplog.records) < 2:
            time.sleep(0.05)
        assert "cannot be reached" in caplog.text
        written = everything(source, told, caplog)
    server.start()
    for userinfo in ("", "admin:wr0ng@", f"{SECRET}:{SECRET}@"):
        with pytest.raises(CredentialsRefusedError, match="USER:PASSWORD") as caught:
            open_source(server.url("clip.mp4", userinfo))
        written += everything(source, told, caplog, caught.value)
    written += "".join(capfd.readouterr())
    assert f"127.0.0.1:{server.port}/clip.mp4" in written
    assert not [secret for secret in ("s3cr3t", "wr0ng", "admin") if secret in written.replace("USER", "")]


def test_refused_credentials_are_told_from_a_missing_stream(rtsp_server: Any) -> None:
    with pytest.raises(StreamNotFoundError, match=r"none\.mp4"):
        open_source(rtsp_server().url("none.mp4"))


def test_a_stream_without_pictures_is_called_so(rtsp_server: Any, video: Callable[..., Path], tmp_path: Path) -> None:
    server = rtsp_server()
    with wave.open(str(tmp_path / "served" / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(32000))
    with pytest.raises(NotAVideoError, match=f"127.0.0.1:{server.port}/sound.wav"):
        open_source(server.url("sound.wav"), open_timeout_s=3)
    video("served/short.mp4", 5, encoder={"bf": "0"})
    with pytest.raises(NoFramesError, match=r"camera till .*the stream ended"):
        open_source(server.url("short.mp4").replace("count=0", "count=1"), camera="till")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n", CredentialsRefusedError),
        (b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n", StreamNotFoundError),
        (b"RTSP/1.0 500 Internal Server Error\r\nCSeq: 1\r\n\r\n", UnreachableError),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", CameraError),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", CameraError),
        (b"", UnreachableError),
    ],
)
def test_what_a_host_answers_names_the_error(
    answer: bytes, error: type[CameraError], responder: Callable[[bytes], int]
) -> None:
    port = responder(answer)
    with pytest.raises(error, match=f"127.0.0.1:{port}") as caught:
        open_source(f"rtsp://127.0.0.1:{port}/x", open_timeout_s=1)
    assert isinstance(caught.value, CredentialsRefusedError | StreamNotFoundError | UnreachableError | NotAVideoError)


def test_an_unreachable_host_is_called_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
            open_source(f"rtsp://user:hush@127.0.0.1:{port}/x", open_timeout_s=2)


def test_a_stream_that_comes_back_in_another_size_ends_with_an_error(
    rtsp_server: Any, video: Callable[..., Path]
) -> None:
    server = rtsp_server()
    with open_source(server.url("clip.mp4"), read_timeout_s=3) as source:
        stream = iter(source)
        next(stream)
        server.kill()
        larger = video("large.mp4", 100, size=(320, 128), encoder={"bf": "0", "preset": "ultrafast"})
        larger.rename(larger.parent / "served" / "clip.mp4")
        server.start()
        with pytest.raises(ResolutionChangedError, match="160x64 to 320x128"):
            for _ in stream:
                pass
        assert "320x128" in source.state.reason


def test_closing_from_another_thread_ends_the_iteration(rtsp_server: Any) -> None:
    source = open_source(rtsp_server().url("clip.mp4"))
    closer = threading.Timer(0.3, source.close)
    closer.start()
    assert sum(1 for _ in source) > 0
    closer.join()
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camera ")]


def test_closing_does_not_wait_for_the_next_attempt(rtsp_server: Any) -> None:
    server, told = rtsp_server(), Recorder()
    source = open_source(server.url("clip.mp4"), on_state=told)
    server.kill()
    told.wait_for(2)
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camera ")]
    assert source.state.status == "closed"
    assert list(source) == []


def test_an_observer_that_fails_ends_the_source_with_its_error(rtsp_server: Any) -> None:
    def fail(state: CameraState) -> None:
        raise ZeroDivisionError(state.status)

    with pytest.raises(ZeroDivisionError, match="live"):
        open_source(rtsp_server().url("clip.mp4"), on_state=fail)


def test_the_wait_between_attempts_doubles_up_to_a_limit() -> None:
    assert [backoff_s(attempt, 1.0) for attempt in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff_s(10_000, 0.5) == 15
