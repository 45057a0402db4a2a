"""The line to the Redis or Valkey server: one client, retries with growing pauses, no credentials in any message."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from store.embedded import EmbeddedServer
from store.errors import BusClosedError, BusError, BusUnavailableError
from store.settings import Settings

Result = TypeVar("Result")
# A redis.Redis; the types in redis-py are unions over every protocol, and over waiting and not waiting.
Client = Any

LONGEST_BLOCK_S = 2.0
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 2.0
log = structlog.get_logger(__name__)


class Link:
    """A client of the server in the settings, or of an embedded one that is started again when it dies."""

    def __init__(self, settings: Settings, *, keep_in: Path | None = None) -> None:
        """Connect. Raises ``BusError`` for a wrong URL or credentials, ``BusUnavailableError`` after 10 s in vain."""
        self._closing = threading.Event()
        self._out_since: float | None = None
        self._server: EmbeddedServer | None = None
        # The server answers a blocking read within LONGEST_BLOCK_S; a line silent for longer is dead.
        options = {"decode_responses": True, "protocol": 2, "socket_timeout": 10.0, "retry": Retry(NoBackoff(), 0)}
        if settings.redis_url is None:
            self._server = EmbeddedServer(keep_in)
            self.where = "embedded server"
            self._client = redis.Redis(unix_socket_path=str(self._server.socket), **options)  # type: ignore[arg-type]
        else:
            try:
                self._client = redis.Redis.from_url(settings.redis_url.get_secret_value(), **options)
            except (ValueError, TypeError):
                raise BusError("REDIS_URL cannot be parsed; expected redis://user:password@host:port/0") from None
            known = self._client.get_connection_kwargs()
            self.where = f"server {known.get('path') or '{}:{}'.format(known.get('host'), known.get('port', 6379))}"
        try:
            self.call(lambda client: client.ping(), timeout_s=10.0)
        except BaseException:
            self.close()
            raise

    @property
    def server(self) -> EmbeddedServer | None:
        """The embedded server, where there is one."""
        return self._server

    def call(
        self,
        do: Callable[[Client], Result],
        *,
        timeout_s: float | None = 30.0,
        stop: threading.Event | None = None,
    ) -> Result:
        """Run ``do``, again and again while the server is away; ``do`` must bear being run twice.

        Raises ``BusUnavailableError`` after ``timeout_s`` (None: never) or once ``stop`` is set, ``BusClosedError``
        when this bus is closed, ``BusError`` for refused credentials.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        pause = _FIRST_PAUSE_S
        while True:
            if self._closing.is_set():
                raise BusClosedError("this bus is closed")
            try:
                result = do(self._client)
            except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
                raise BusError(f"the {self.where} of the bus refused the credentials in REDIS_URL") from None
            except (redis.ConnectionError, redis.TimeoutError) as error:
                reason = str(error)
            except Exception:
                if self._closing.is_set():  # the connection was closed under a blocking read
                    continue
                raise
            else:
                self._back()
                return result
            if self._closing.is_set():
                continue
            self._out(reason)
            late = deadline is not None and time.monotonic() + pause > deadline
            if late or (stop is not None and stop.is_set()):
                raise BusUnavailableError(f"the {self.where} of the bus cannot be reached: {reason}") from None
            if self._server is not None:
                self._server.revive()
            (stop or self._closing).wait(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def wait(self, seconds: float) -> bool:
        """Sleep; True as soon as this bus is closed."""
        return self._closing.wait(seconds)

    def close(self) -> None:
        """Close the client and end the embedded server. Safe to call twice and while others call."""
        self._closing.set()
        self._client.close()
        if self._server is not None:
            self._server.close()

    def _out(self, reason: str) -> None:
        if self._out_since is None:
            self._out_since = time.monotonic()
            log.warning("bus.unreachable", where=self.where, reason=reason)

    def _back(self) -> None:
        if self._out_since is not None:
            log.info("bus.reachable_again", where=self.where, after_s=round(time.monotonic() - self._out_since, 3))
            self._out_since = None
