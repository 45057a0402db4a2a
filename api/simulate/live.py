"""The cameras of a simulated shop in real time: RTSP streams, and its sensors over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, Self

import uvicorn

from api.simulate.options import OptionError, SimulateRequest, recipes_of
from api.simulate.rtsp import HOST, CameraStream, StreamServer
from api.simulate.sensors import sensor_app
from api.simulate.write import drawn_by
from cameras.frame import Frame
from datasets.simulation.filming.live import LiveShop

_TELL_EVERY_S: Final = 10.0
_START_S: Final = 20.0


class LiveError(RuntimeError):
    """The live shop cannot be shown: why, and what to do."""


class LiveCameras:
    """A live shop with its streams and sensors; use it as a context manager. Ports of 0 take free ones."""

    def __init__(self, shop: LiveShop, rtsp_port: int = 0, http_port: int = 0) -> None:
        self.shop = shop
        self._stack = ExitStack()
        self._rtsp_port, self._http_port = rtsp_port, http_port
        self.streams: dict[str, str] = {}
        self.url = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            shop = self.shop
            encoders = {
                name: CameraStream(name, camera.size, camera.frame_rate) for name, camera in shop.cameras.items()
            }
            server = stack.enter_context(StreamServer(encoders, self._rtsp_port))
            self.streams = {name: server.url(name) for name in encoders}

            def hand_on(frame: Frame) -> None:
                encoders[frame.camera].put(frame)

            shop.on_frame = hand_on
            stack.enter_context(shop)
            http = stack.enter_context(_Http(sensor_app(shop, self.streams), self._http_port))
            self.url = f"http://{HOST}:{http.port}"
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _Http:
    """Serves an app in a thread."""

    def __init__(self, app: object, port: int) -> None:
        try:
            self._socket = socket.create_server((HOST, port))
        except OSError as error:
            raise LiveError(
                f"cannot listen on {HOST} port {port}: {error.strerror}; give another --http-port"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sensors", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        waiting = threading.Event()
        for _ in range(round(_START_S / 0.05)):
            if self._server.started:
                return self
            waiting.wait(0.05)
        raise LiveError("the sensors' interface did not start; see the log")

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_S)
        self._socket.close()


def simulate_live(
    request: SimulateRequest,
    say: Callable[[str], None],
    *,
    loop: bool,
    rtsp_port: int,
    http_port: int,
    stop: threading.Event,
) -> None:
    """Show one run in real time until it ends or ``stop`` is set. Raises what can be mended as it is."""
    recipes = recipes_of(request)
    if len(recipes) != 1:
        raise OptionError(
            f"--live shows one run, these are {len(recipes)}: give one scenario and one seed (--seeds 3:4)"
        )
    shop = LiveShop(recipes[0], loop=loop)
    with LiveCameras(shop, rtsp_port, http_port) as live:
        say(f"{recipes[0].name}, {drawn_by(shop.device)}; Ctrl-C ends it")
        for address in live.streams.values():
            say(address)
        say(f"{live.url}/v1/plates, {live.url}/v1/gates, {live.url}/v1/cameras")
        while not stop.wait(_TELL_EVERY_S) and not shop.ended.is_set():
            say(_state(shop))
        say(_state(shop))
        if shop.failure is not None:
            raise shop.failure


def _state(shop: LiveShop) -> str:
    drawn = sum(camera.drawn for camera in shop.cameras.values())
    late = sum(camera.late for camera in shop.cameras.values())
    return (
        f"{max(shop.now_s(), 0.0):.0f} s: {drawn} pictures, {late} left out because drawing was slower than real time"
    )
