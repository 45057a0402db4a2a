"""Somebody who looks at the pages and listens to the events of a running server, as a browser would."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

_LOOK_EVERY_S = 12.0
_STREAM_EVERY = 4
_STREAM_BYTES = 2_000_000
_RANGE_S = 900.0


class Onlookers:
    """A listener to the events who stays, and a viewer who comes back: ``events``, ``pictures`` and ``answers`` count.

    The viewer takes a live picture, pages and charts of the last quarter of an hour, and now and then follows
    the live view for a moment. ``refused`` counts answers that were errors.
    """

    def __init__(self, link: str, camera: str, footage_time: Callable[[], float | None]) -> None:
        self.events = self.pictures = self.answers = self.refused = 0
        address = urlsplit(link)
        self._host, self._port = address.hostname or "", address.port
        self._camera, self._footage_time = quote(camera), footage_time
        self._stop = threading.Event()
        self._cookie = self._sign_in(f"{address.path}?{address.query}")

    def _sign_in(self, path: str) -> str:
        connection = self._connect()
        connection.request("GET", path)
        cookie = connection.getresponse().getheader("set-cookie")
        connection.close()
        if cookie is None:
            raise RuntimeError("the pages gave no cookie for their own link")
        return cookie.partition(";")[0]

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=60)

    def _ask(self, connection: http.client.HTTPConnection, path: str, **headers: str) -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Cookie": self._cookie} | headers)
        answer = connection.getresponse()
        self.answers += 1
        self.refused += answer.status >= 400
        return answer

    def _listen(self) -> None:
        last: dict[str, str] = {}
        while not self._stop.is_set():
            connection = self._connect()
            try:
                answer = self._ask(connection, "/v1/events", **last)
                while (line := answer.readline()) and not self._stop.is_set():
                    if line.startswith(b"id:"):
                        self.events += 1
                        last = {"Last-Event-ID": line[3:].strip().decode()}
            except (OSError, http.client.HTTPException):
                self._stop.wait(0.5)
            finally:
                connection.close()

    def _look(self) -> None:
        visit = 0
        while not self._stop.wait(_LOOK_EVERY_S):
            visit += 1
            try:
                for path in self._paths():
                    connection = self._connect()
                    body = self._ask(connection, path).read()
                    self.pictures += body.startswith(b"\xff\xd8")
                    connection.close()
                if visit % _STREAM_EVERY == 0:
                    self._follow()
            except (OSError, http.client.HTTPException):
                continue

    def _follow(self) -> None:
        connection = self._connect()
        answer = self._ask(connection, f"/v1/cameras/{self._camera}/live.mjpeg")
        got = 0
        while got < _STREAM_BYTES and not self._stop.is_set() and (part := answer.read1(65536)):
            got += len(part)
            self.pictures += part.count(b"\xff\xd8\xff")
        connection.close()

    def _paths(self) -> Iterator[str]:
        camera = f"/v1/cameras/{self._camera}"
        yield from ("/", f"{camera}/snapshot.jpg", f"{camera}/occupancy/now", "/metrics")
        until = self._footage_time()
        if until is not None:
            span = {"from": _iso(until - _RANGE_S), "to": _iso(until)}
            yield f"{camera}/heatmap?{urlencode(span)}"
            yield f"{camera}/heatmap.png?{urlencode(span)}"
            yield f"{camera}/dwell?{urlencode(span)}"
            yield f"/v1/footfall?{urlencode(span)}"

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look and listen for as long as the block lasts."""
        threads = [threading.Thread(target=each, daemon=True) for each in (self._listen, self._look)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
