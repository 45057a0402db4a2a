"""The interface and the pages in a thread of this process: start, wait until it answers, stop."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import uvicorn
from fastapi import FastAPI

from api.auth import page_link
from api.services import services_of
from store.settings import Settings

_START_S: Final = 60.0
_STOP_S: Final = 15.0


class ServeError(RuntimeError):
    """The server could not start: why, and what to do."""


class PageServer:
    """Serves an app from ``create_app`` on the host and port of its settings; port 0 takes a free one.

    Use it as a context manager, or call ``start`` and ``stop``. No request is logged: addresses may hold a page token.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self.app = app
        self._host, self._port = settings.host, settings.port
        # Streams have no end of their own: after hang_up they get this long to say goodbye.
        config = uvicorn.Config(
            app, access_log=False, log_config=None, lifespan="on", timeout_graceful_shutdown=3, server_header=False
        )
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of the first page, without a key."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def link(self, path: str = "/") -> str:
        """A link that opens a page without a key while this process lives."""
        return page_link(self.app, self.url, path)

    def start(self) -> None:
        """Return when the server answers. Raises ``ServeError``."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._socket = socket.create_server((self._host, self._port), family=family, backlog=128)
        except OSError as error:
            raise ServeError(
                f"cannot listen on {self._host} port {self._port}: {error.strerror or error}. "
                "Give another --port, or stop the program that uses it."
            ) from None
        self._port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(self._socket,), name="aisle-pages", daemon=True)
        self._thread.start()
        waiting = threading.Event()
        waited_s = 0.0
        while not self._server.started:
            if not self._thread.is_alive() or waited_s > _START_S:
                self.stop()
                cause = services_of(self.app).start_error
                raise ServeError(f"the pages did not start: {cause or 'see the log'}") from cause
            waiting.wait(0.05)
            waited_s += 0.05

    def _run(self, listener: socket.socket) -> None:
        # uvicorn leaves a failed start by SystemExit; `start` sees the end of the thread and names the cause.
        with suppress(SystemExit):
            self._server.run(sockets=[listener])

    def stop(self) -> None:
        """End every stream and the server. Safe to call twice."""
        services_of(self.app).hang_up()
        self._server.should_exit = True
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(_STOP_S)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
