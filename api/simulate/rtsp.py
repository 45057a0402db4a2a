"""The cameras of a simulated shop as RTSP streams on this machine."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

import av
from aio_rtsp_toolkit.server import RtspServer
from aio_rtsp_toolkit.server_media import (
    MediaSource,
    MediaTrackInfo,
    parse_parameter_sets,
    profile_level_id_from_sps,
    to_base64,
)
from aio_rtsp_toolkit.server_session import RtspServerSession

from cameras.frame import Frame
from cameras.newest import Newest
from datasets.simulation.filming.footage import TICKS, video_frame

HOST: Final = "127.0.0.1"
_START_S: Final = 20.0
_QUEUED: Final = 100


class RtspError(RuntimeError):
    """The streams cannot be served: why, and what to do."""


class CameraStream:
    """Encodes one camera's frames in a thread of its own while anybody watches."""

    def __init__(self, camera: str, size: tuple[int, int], frame_rate: float) -> None:
        self.camera = camera
        self._codec = _codec(size, frame_rate)
        self._newest: Newest[Frame] = Newest()
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()
        self._wants_key = True
        self._thread = threading.Thread(target=self._run, name=f"stream {camera}", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Take the newest frame; costs nothing while nobody watches."""
        if self._watchers:
            self._newest.put(frame)

    def media(self) -> MediaSource:
        """What a client is told of the stream."""
        _, sets = parse_parameter_sets("h264", bytes(self._codec.extradata))
        sprop = f"{to_base64(sets['sps'])},{to_base64(sets['pps'])}"
        level = profile_level_id_from_sps(sets["sps"])
        fmtp = f"packetization-mode=1; profile-level-id={level}; sprop-parameter-sets={sprop}"
        track = MediaTrackInfo("video", "track1", "h264", 96, TICKS, fmtp=fmtp, parameter_sets=sets)
        return MediaSource(Path(self.camera), [track], self.camera, stream_kind="simulated")

    def join(self, watcher: Watcher) -> None:
        """Send ``watcher`` what comes from the next frame on, which will be a key frame."""
        with self._lock:
            self._watchers.add(watcher)
            self._wants_key = True

    def leave(self, watcher: Watcher) -> None:
        """Send ``watcher`` nothing more."""
        with self._lock:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End the thread."""
        self._newest.close()
        self._thread.join()

    def _run(self) -> None:
        first: float | None = None
        last = -1
        while (frame := self._newest.take()) is not None:
            first = frame.captured_at if first is None else first
            pts = max(round((frame.captured_at - first) * TICKS), last + 1)
            last = pts
            picture = video_frame(frame.image, pts)
            with self._lock:
                if self._wants_key:
                    picture.pict_type = av.video.frame.PictureType.I
                self._wants_key = False
                watchers = tuple(self._watchers)
            for packet in self._codec.encode(picture):
                data = length_prefixed(bytes(packet))
                for watcher in watchers:
                    watcher.send(data, packet.pts / TICKS, bool(packet.is_keyframe))


class Watcher:
    """Somebody who watches a stream, in the loop of the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.queue: asyncio.Queue[tuple[bytes, float, bool]] = asyncio.Queue()

    def send(self, data: bytes, media_s: float, is_key: bool) -> None:
        """Called from the encoder's thread."""
        self._loop.call_soon_threadsafe(self._take, (data, media_s, is_key))

    def _take(self, packet: tuple[bytes, float, bool]) -> None:
        # Whoever is too slow gets nothing until the next key frame that finds room.
        if self.queue.qsize() < _QUEUED:
            self.queue.put_nowait(packet)


class _Session(RtspServerSession):  # type: ignore[misc]
    """Sends a simulated camera's packets as they come."""

    async def _stream_media(self) -> None:
        stream: CameraStream = self.server.streams[self.media_source.file_path.name]
        state = next(state for state in self.track_states.values() if state.rtp_channel is not None)
        watcher = Watcher(asyncio.get_running_loop())
        stream.join(watcher)
        try:
            began: float | None = None
            while not self.closed:
                data, media_s, is_key = await watcher.queue.get()
                if began is None:
                    if not is_key:
                        continue
                    began = media_s
                await self._send_video_packet(state, data, media_s - began, 0.0, is_key)
        except ConnectionError:
            return
        finally:
            stream.leave(watcher)


class _Server(RtspServer):  # type: ignore[misc]
    def __init__(self, streams: dict[str, CameraStream], port: int) -> None:
        super().__init__(".", HOST, port, session_name="simulated shop")
        self.streams = streams
        self.logger = logging.getLogger(__name__)
        self.logger.setLevel(logging.ERROR)  # of each request it would say who asked for what

    async def _handle_client(self, sock: Any) -> None:
        await _Session(self, sock).run()

    def resolve_request_path(self, uri: str) -> Path:
        name = unquote(urlsplit(uri).path).strip("/")
        if name not in self.streams:
            raise FileNotFoundError(uri)
        return Path(name)

    def load_media_source(self, file_path: Path) -> MediaSource:
        return self.streams[file_path.name].media()


class StreamServer:
    """Serves ``streams`` at ``rtsp://127.0.0.1:PORT/CAMERA``; port 0 takes a free one. Use it as a context manager."""

    def __init__(self, streams: dict[str, CameraStream], port: int = 0) -> None:
        self.streams, self.port = streams, port
        self._loop = asyncio.new_event_loop()
        self._server = _Server(streams, port)
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="rtsp server", daemon=True)

    def url(self, camera: str) -> str:
        """The address of a camera."""
        return f"rtsp://{HOST}:{self.port}/{quote(camera)}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(_START_S)
        if self._failure is not None:
            raise RtspError(f"cannot listen on {HOST} port {self.port}: {self._failure}; give another --rtsp-port")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        for stream in self.streams.values():
            stream.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._server.start())
            self.port = self._server._server.sockets[0].getsockname()[1]
        except OSError as error:
            self._failure = error
            self._started.set()
            return
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        await self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def length_prefixed(packet: bytes) -> bytes:
    """An H.264 packet of units behind start codes (Annex B) as units behind their lengths, as the server wants them."""
    units = re.split(rb"\x00{2,3}\x01", packet)[1:]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def _codec(size: tuple[int, int], frame_rate: float) -> Any:
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = size
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, TICKS)
    codec.framerate = Fraction(frame_rate).limit_denominator(1000)
    codec.options = {
        "preset": "ultrafast", "tune": "zerolatency", "crf": "24", "g": str(max(round(frame_rate), 1)),
        "forced-idr": "1", "threads": "1",
    }  # fmt: skip
    # The parameter sets go into the description of the stream, not before each key frame.
    codec.flags |= av.codec.context.Flags.global_header
    codec.open()
    return codec
