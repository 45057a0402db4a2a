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
class _Listener:
    loop: asyncio.AbstractEventLoop
    wants: Callable[[Happening], bool]
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
        self._listeners: set[_Listener] = set()
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

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

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

    async def follow(
        self, *, types: frozenset[str] | None, camera: str | None, after: str | None
    ) -> AsyncIterator[Happening]:
        """Yield what happens from now on, or from behind the stream id ``after``, without a gap or a repetition.

        Raises ``ListenerTooSlowError`` when the listener falls behind, for it to come back with ``after``.
        """

        def wants(item: Happening) -> bool:
            chosen = item.type in types if types is not None else item.type not in HIDDEN_TYPES
            return chosen and (camera is None or camera in item.cameras)

        with self._listening(wants) as (listener, joined_at):
            last = after
            if after is not None:
                async for item in self._catch_up(after, joined_at):
                    last = item.stream_id
                    if wants(item):
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

    @contextmanager
    def _listening(self, wants: Callable[[Happening], bool]) -> Iterator[tuple[_Listener, str | None]]:
        listener = _Listener(asyncio.get_running_loop(), wants)
        with self._lock:
            self._listeners.add(listener)
            joined_at = self._last_id
        try:
            yield listener, joined_at
        finally:
            with self._lock:
                self._listeners.discard(listener)

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
    def _wake(listener: _Listener) -> None:
        if not listener.loop.is_closed():
            listener.loop.call_soon_threadsafe(listener.wake.set)
