"""Writing to the stream: pipelined, waiting while readers are behind, forgetting what all of them have handled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice

import redis
import structlog

from store import flow
from store.errors import BusClosedError, BusUnavailableError
from store.events import Event, PersonMoved
from store.link import Client, Link
from store.settings import Settings
from store.wire import encode

_AT_ONCE = 64
_CHECK_S = 0.25
_CHECK_CROWDED_S = 0.02
_TELL_S = 60.0
log = structlog.get_logger(__name__)


class Publisher:
    """Appends events to ``stream``. ``dropped`` counts live movements left out, ``lost`` events forgotten unhandled."""

    def __init__(self, link: Link, stream: str, settings: Settings) -> None:
        """Use ``Bus.publish``."""
        self._link = link
        self._stream = stream
        self._keep = settings.stream_length
        self._lag_limit = settings.lag_limit
        self._most = settings.stream_length + 4 * settings.lag_limit
        self._check_every = max(1, min(_AT_ONCE, settings.lag_limit // 4))
        self._lock = threading.Lock()
        self._handling = threading.local()
        self._crowded = False
        self._checked_at = 0.0
        self._told_at = -_TELL_S
        self._unchecked = 0
        self.dropped = 0
        self.lost = 0

    def publish(self, events: Sequence[Event], *, live: bool, timeout_s: float) -> int:
        """See ``Bus.publish``."""
        waiting, published = iter(events), 0
        while chunk := list(islice(waiting, self._check_every)):
            if self._is_crowded(len(chunk), timeout_s):
                if live:
                    kept = [event for event in chunk if not isinstance(event, PersonMoved)]
                    with self._lock:
                        self.dropped += len(chunk) - len(kept)
                    chunk = kept
                elif not getattr(self._handling, "now", False):
                    self._wait_for_room(timeout_s)
            if chunk:
                self._append([encode(event) for event in chunk], timeout_s)
            published += len(chunk)
        return published

    @contextmanager
    def never_waiting(self) -> Iterator[None]:
        """While this thread handles events it must not wait until they are handled."""
        self._handling.now = True
        try:
            yield
        finally:
            self._handling.now = False

    def look(self, timeout_s: float = 30.0) -> list[flow.Group]:
        """The groups of the stream as they are now."""
        limit = self._lag_limit + 1
        return self._link.call(lambda client: flow.groups(client, self._stream, count_limit=limit), timeout_s=timeout_s)

    def _is_crowded(self, coming: int, timeout_s: float) -> bool:
        with self._lock:
            self._unchecked += coming
            age = time.monotonic() - self._checked_at
            if self._unchecked < self._check_every and age < (_CHECK_CROWDED_S if self._crowded else _CHECK_S):
                return self._crowded
            self._unchecked = 0
        return self._check(timeout_s)

    def _check(self, timeout_s: float) -> bool:
        known = self.look(timeout_s)
        self._forget(known, keep=self._keep, most=self._most)
        crowded = any(group.active and group.lag >= self._lag_limit for group in known)
        with self._lock:
            if crowded and time.monotonic() - self._told_at >= _TELL_S:
                self._told_at = time.monotonic()
                log.info("bus.readers_behind", lags={group.name: group.lag for group in known})
            self._crowded = crowded
            self._checked_at = time.monotonic()
        return crowded

    def _wait_for_room(self, timeout_s: float) -> None:
        while self._check(timeout_s):
            if self._link.wait(_CHECK_CROWDED_S):
                raise BusClosedError("this bus was closed while publishing waited for its readers")

    def _forget(self, known: list[flow.Group], *, keep: int, most: int) -> None:
        forgotten = self._link.call(lambda client: flow.trim(client, self._stream, known, keep=keep, most=most))
        if forgotten.unhandled:
            with self._lock:
                first, self.lost = self.lost == 0, self.lost + forgotten.unhandled
            if first:
                behind = sorted(group.name for group in known if group.oldest is not None)
                log.error("bus.unhandled_events_lost", stream=self._stream, groups=behind, kept=most)

    def _append(self, rows: list[dict[str, str]], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        tries = 0
        while not self._link.call(partial(self._send, rows), timeout_s=timeout_s):
            if time.monotonic() > deadline:
                raise BusUnavailableError(f"the {self._link.where} of the bus has no memory left: raise its maxmemory")
            # Make room: ever less of what is handled, and what nobody is about to handle.
            tries += 1
            known = self.look(timeout_s)
            awaited = any(group.active and group.lag for group in known)
            self._forget(known, keep=self._keep >> tries, most=self._most if awaited else self._most >> tries)
            if self._link.wait(_CHECK_CROWDED_S):
                raise BusClosedError("this bus was closed while publishing waited for memory")

    def _send(self, rows: list[dict[str, str]], client: Client) -> bool:
        """Append all of ``rows`` and return True, or none of them because the server has no memory left."""
        pipeline = client.pipeline(transaction=True)
        for fields in rows:
            pipeline.xadd(self._stream, fields)
        try:
            pipeline.execute()
        except redis.OutOfMemoryError:
            return False
        return True
