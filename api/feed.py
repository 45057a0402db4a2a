"""What happens now: reads the bus once for the whole process and hands every event to all who listen."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from store.bus import Bus, BusClosedError
from store.events import Event

log = structlog.get_logger(__name__)

HIDDEN_TYPES: Final = frozenset({"person.moved"})
"""Types that a listener gets only when it asks for them by name: they are the paths of single people."""
_BACKLOG: Final = 2000
_CAUGHT_UP_S: Final = 0.2
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)
_STREAM_ID: Final = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


class ListenerTooSlowError(RuntimeError):
    """A listener fell so far behind that it must come back with the id of the last event it got."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as it goes out: ``stream_id`` orders it, ``body`` is its CloudEvent as JSON text."""

    stream_id: str
    type: str
    cameras: tuple[str, ...]
    body: str


@dataclass(slots=True, eq=False)
class Listener:
    """Somebody who listens: what it wants, and what waits for it; ``joined_at`` is the newest event before it came."""

    loop: asyncio.AbstractEventLoop
    wants: Callable[[Happening], bool]
    joined_at: str | None
    queue: deque[Happening] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False


def stream_key(stream_id: str) -> tuple[int, int]:
    """The order of a stream id such as `1790000000000-3`. Raises ``ValueError`` for anything else."""
    match = _STREAM_ID.fullmatch(stream_id)
    if match is None or max(key := (int(match[1]), int(match[2]))) >= 2**64:
        raise ValueError(f"{stream_id[:60]!r} is no stream id; it looks like 1790000000000-0")
    return key


def _happening(stream_id: str, event: Event) -> Happening:
    body = json.dumps(event.to_cloudevent(), separators=(",", ":"))
    return Happening(stream_id, event.type, event.cameras, body)


class Feed:
    """One reading thread for all listeners.

    ``on_event`` is called on that thread with every event, first with those of the last ``recall_s`` seconds, to know
    what the shop looks like already; listeners get what comes after them.
    """

    def __init__(self, bus: Bus, on_event: Callable[[Event], None], *, recall_s: float = 120.0) -> None:
        self._bus = bus
        self._recall_s = recall_s
        self._on_event = on_event
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._last_id: str | None = None
        self._stop = threading.Event()
        self._reading = threading.Event()
        self._thread = threading.Thread(target=self._read, name="aisle-feed", daemon=True)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        with self._lock:
            return len(self._listeners)

    @property
    def reading(self) -> bool:
        """Whether the bus answers."""
        return self._reading.is_set() and self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether every stream is to end."""
        return self._stop.is_set()

    def start(self, timeout_s: float = 5.0) -> None:
        """Begin to read; returns when the recall is done, or after ``timeout_s`` while the bus is away."""
        self._thread.start()
        self._reading.wait(timeout_s)

    def hang_up(self) -> None:
        """End every listener's stream and take no new ones, so that the server can stop."""
        self._stop.set()
        with self._lock:
            for listener in self._listeners:
                self._wake(listener)

    def close(self) -> None:
        """Stop reading and end every stream. Waits for the reading thread."""
        self.hang_up()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    @contextmanager
    def listening(self, *, types: frozenset[str] | None = None, camera: str | None = None) -> Iterator[Listener]:
        """Put by what happens for as long as the block lasts; ``follow`` takes it from there.

        ``types`` None stands for all but ``HIDDEN_TYPES``, ``camera`` None for all cameras.
        """

        def wants(item: Happening) -> bool:
            chosen = item.type in types if types is not None else item.type not in HIDDEN_TYPES
            return chosen and (camera is None or camera in item.cameras)

        with self._lock:
            listener = Listener(asyncio.get_running_loop(), wants, self._last_id)
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    async def follow(self, listener: Listener, after: str | None = None) -> AsyncIterator[Happening]:
        """Yield what happened since the listener joined, or behind the stream id ``after``, no gap, nothing twice.

        Raises ``ListenerTooSlowError`` when the listener falls behind, for it to come back with ``after``.
        """
        last = after
        if after is not None:
            async for item in self._catch_up(after, listener.joined_at):
                last = item.stream_id
                if listener.wants(item):
                    yield item
        while not self._stop.is_set():
            listener.wake.clear()
            while listener.queue:
                item = listener.queue.popleft()
                if last is None or stream_key(item.stream_id) > stream_key(last):
                    yield item
            if listener.lost:
                raise ListenerTooSlowError(f"more than {_BACKLOG} events were waiting")
            await listener.wake.wait()

    async def _catch_up(self, after: str, until: str | None) -> AsyncIterator[Happening]:
        """What the bus still holds behind ``after``, up to where the listener joined."""
        if until is not None and stream_key(until) <= stream_key(after):
            return
        old = self._bus.subscribe(after=after, heartbeat_s=_CAUGHT_UP_S)
        while not self._stop.is_set():
            item = await asyncio.to_thread(next, old, None)
            if item is None:
                return
            yield _happening(*item)
            if until is not None and stream_key(item[0]) >= stream_key(until):
                return

    def _read(self) -> None:
        failures = 0
        recalled = False
        while not self._stop.is_set():
            try:
                # The place in the stream is taken before the recall, so that nothing falls in between.
                coming = self._bus.subscribe(after=self._last_id)
                if not recalled:
                    self._recall()
                    recalled = True
                self._reading.set()
                for item in coming:
                    failures = 0
                    if self._stop.is_set():
                        return
                    if item is not None and self._is_news(item[0]):
                        self._hand_out(*item)
            except BusClosedError:
                break
            except Exception as error:  # the bus may be away for a while; whoever listens keeps its place
                self._reading.clear()
                log.warning("the bus does not answer", error=type(error).__name__)
            self._stop.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
            failures += 1
        self._reading.clear()

    def _recall(self) -> None:
        for stream_id, event in self._bus.history(self._recall_s):
            self._on_event(event)
            self._last_id = stream_id

    def _is_news(self, stream_id: str) -> bool:
        return self._last_id is None or stream_key(stream_id) > stream_key(self._last_id)

    def _hand_out(self, stream_id: str, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("an event could not be counted", type=event.type)
        item: Happening | None = None
        with self._lock:
            self._last_id = stream_id
            for listener in self._listeners:
                if item is None:
                    item = _happening(stream_id, event)
                if not listener.wants(item) or listener.lost:
                    continue
                if len(listener.queue) >= _BACKLOG:
                    listener.lost = True
                else:
                    listener.queue.append(item)
                self._wake(listener)

    @staticmethod
    def _wake(listener: Listener) -> None:
        if not listener.loop.is_closed():
            listener.loop.call_soon_threadsafe(listener.wake.set)
