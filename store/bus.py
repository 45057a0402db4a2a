"""The bus: one stream of events a store on a Redis or Valkey server, written once, read by many.

Every event is given to every consumer group at least once; a handler makes that harmless with ``Records.claim``.
"""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from store import flow, reader
from store.consumer import Consumer, Handler, Limits
from store.embedded import EmbeddedServer
from store.errors import BusClosedError, BusError, BusUnavailableError
from store.events import Event
from store.link import Client, Link
from store.publisher import Publisher
from store.settings import Settings

__all__ = ["Bus", "BusClosedError", "BusError", "BusUnavailableError", "Handler", "Limits"]


class Bus:
    """The stream of one store. Safe to share between threads; one per process is enough."""

    def __init__(self, link: Link, settings: Settings) -> None:
        """Use ``Bus.open``."""
        self._link = link
        self.stream = f"aisle:{settings.store}:events"
        self.dead_stream = f"aisle:{settings.store}:dead"
        self._once = f"aisle:{settings.store}:once"
        self._report = f"aisle:{settings.store}:report"
        self._publisher = Publisher(link, self.stream, settings)

    @classmethod
    def open(cls, settings: Settings, *, keep_in: Path | None = None) -> Self:
        """Connect to ``settings.redis_url``, or start an embedded server that lives as long as this process.

        ``keep_in`` is a folder in which the embedded server keeps its events over restarts; without it they live in
        memory. Raises ``BusError`` (wrong URL, refused credentials, no server program) and ``BusUnavailableError``.
        """
        return cls(Link(settings, keep_in=keep_in), settings)

    @property
    def server(self) -> EmbeddedServer | None:
        """The embedded server, None where ``REDIS_URL`` names one."""
        return self._link.server

    @property
    def dropped(self) -> int:
        """Movements that live publishing left out because readers were behind."""
        return self._publisher.dropped

    @property
    def lost(self) -> int:
        """Events that had to be forgotten before every group had handled them."""
        return self._publisher.lost

    def publish(self, events: Sequence[Event], *, live: bool = False, timeout_s: float = 60.0) -> int:
        """Append ``events`` in order and return how many.

        While the slowest active group has ``lag_limit`` events to go, publishing waits; with ``live`` it never waits
        but leaves ``person.moved`` out, counted in ``dropped``. A handler of ``consume`` may publish and never waits,
        for it would wait for itself. Raises ``BusUnavailableError`` when the server is away or full for ``timeout_s``.
        """
        return self._publisher.publish(events, live=live, timeout_s=timeout_s)

    def ensure_group(self, group: str) -> None:
        """Make ``group`` known, so that no event published from now on is forgotten before it is handled."""
        self._link.call(lambda client: flow.create_group(client, self.stream, group))

    def consume(
        self,
        group: str,
        handler: Handler,
        *,
        stop: threading.Event,
        consumer: str | None = None,
        types: Collection[str] | None = None,
        batch: int = 256,
        limits: Limits | None = None,
    ) -> None:
        """Give every event of ``types`` (None: all) to ``handler`` in batches, in order, until ``stop`` is set.

        No id stands twice in one batch, but the same event may come again in another. An event is done when the
        handler returned. What a consumer left that died is taken over. When the handler
        raises ``UnavailableError`` the batch is tried again until it passes; for any other error its events are tried
        one by one, and one that has failed ``limits.deliveries`` times goes to the dead-letter stream. Survives the
        restart of the server. ``consumer`` must differ between threads and processes; None invents a name.
        """
        with self._publisher.never_waiting():
            Consumer(
                self._link,
                self.stream,
                self.dead_stream,
                group,
                handler,
                stop=stop,
                name=consumer,
                types=types,
                batch=batch,
                limits=limits or Limits(),
            ).run()

    def subscribe(
        self, types: Collection[str] | None = None, after: str | None = None, *, heartbeat_s: float = 1.0
    ) -> Iterator[tuple[str, Event] | None]:
        """Events from now on, or those after stream id ``after``, as they come; None after ``heartbeat_s`` without any.

        Belongs to no group and holds nobody up: a reader that is slower than the stream is trimmed misses events. Ends
        when the bus is closed. Raises ``ValueError`` for an ``after`` that is no stream id.
        """
        return reader.subscribe(self._link, self.stream, types, after, heartbeat_s)

    def history(self, since_s: float, *, handled_by: str | None = None) -> Iterator[tuple[str, Event]]:
        """The events published in the last ``since_s`` seconds that are still kept, oldest first, with stream ids.

        With ``handled_by`` only those that this group has handled already: what a consumer replays to rebuild its state
        before it takes up new ones.
        """
        return reader.history(self._link, self.stream, since_s, handled_by)

    def lags(self) -> dict[str, int]:
        """Events that each group has yet to handle."""
        return {group.name: group.lag for group in self._publisher.look()}

    def wait_drained(self, group: str, timeout_s: float) -> bool:
        """Wait until ``group`` has handled all that was published; False when it has not within ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while self.lags().get(group, self.length()) > 0:
            if time.monotonic() > deadline:
                return False
            self._link.wait(0.02)
        return True

    def length(self) -> int:
        """Events that the stream holds."""
        return int(self._link.call(lambda client: client.xlen(self.stream)))

    def dead_letters(self, newest: int = 100) -> list[dict[str, str]]:
        """What could not be handled, newest first: type, event (JSON), group, stream_id, error, deliveries."""
        return [
            fields for _, fields in self._link.call(lambda client: client.xrevrange(self.dead_stream, count=newest))
        ]

    def memory_bytes(self) -> int:
        """Memory that the whole server uses."""
        return int(self._link.call(lambda client: client.info("memory"))["used_memory"])

    def once(self, name: str, lasts_s: float) -> bool:
        """True for the first to ask with this ``name`` within ``lasts_s`` seconds, whichever process asks; else False.

        Raises ``BusUnavailableError`` when the server is away.
        """
        mine, key, milliseconds = secrets.token_hex(8), f"{self._once}:{name}", max(1, math.ceil(lasts_s * 1000))
        # The answer may be lost and asked for again: what is there already may be our own.
        found = self._link.call(lambda client: client.set(key, mine, nx=True, px=milliseconds, get=True))
        return found is None or found == mine

    def report(self, name: str, document: Mapping[str, Any], lasts_s: float) -> None:
        """Put up how a process of this shop is doing, for ``reports``, in place of its report before.

        It is forgotten after ``lasts_s`` seconds. Raises ``BusUnavailableError`` when the server is away.
        """
        text, milliseconds = json.dumps(document), max(1, math.ceil(lasts_s * 1000))
        self._link.call(lambda client: client.set(f"{self._report}:{name}", text, px=milliseconds), timeout_s=2.0)

    def reports(self, timeout_s: float = 2.0) -> dict[str, dict[str, Any]]:
        """What the processes of this shop put up, by their names."""

        def read(client: Client) -> dict[str, dict[str, Any]]:
            keys = sorted(client.scan_iter(match=f"{self._report}:*"))
            found = client.mget(keys) if keys else []
            return {
                key.removeprefix(f"{self._report}:"): json.loads(text)
                for key, text in zip(keys, found, strict=True)
                if text is not None
            }

        return self._link.call(read, timeout_s=timeout_s)

    def ping(self, timeout_s: float = 2.0) -> None:
        """Raise ``BusUnavailableError`` unless the server answers."""
        self._link.call(lambda client: client.ping(), timeout_s=timeout_s)

    def close(self) -> None:
        """End subscriptions and waits, close the connections and an embedded server. Safe to call twice."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Bus({self.stream} on {self._link.where})"
