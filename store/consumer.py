"""Reading as a member of a group: every event to some member, again until it is handled or has failed too often."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeVar

import redis
import structlog

from store import flow
from store.errors import BusClosedError, BusError, BusUnavailableError, UnavailableError
from store.events import Event, UnknownEventTypeError
from store.link import Client, Link
from store.wire import decode

Handler = Callable[[Sequence[Event]], None]
Entry = tuple[str, dict[str, str]]
Result = TypeVar("Result")

_BLOCK_MS = 500
_DEAD_LETTERS = 1_000
_FORGET_CONSUMER_MS = 24 * 3600 * 1000
_LONGEST_PAUSE_S = 5.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a consumer is: an event is buried after ``deliveries``, tried again ``retry_s`` after a failure, and
    taken over from another consumer that has held it for ``claim_idle_s``.
    """

    deliveries: int = 5
    retry_s: float = 1.0
    claim_idle_s: float = 30.0


class Consumer:
    """One member of a group. ``run`` blocks; see ``Bus.consume`` for what it promises."""

    def __init__(
        self,
        link: Link,
        stream: str,
        dead_stream: str,
        group: str,
        handler: Handler,
        *,
        stop: threading.Event,
        name: str | None,
        types: Collection[str] | None,
        batch: int,
        limits: Limits,
    ) -> None:
        """Use ``Bus.consume``."""
        self._link = link
        self._stream = stream
        self._dead_stream = dead_stream
        self._group = group
        self._handler = handler
        self._stop = stop
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._types = None if types is None else frozenset(types)
        self._batch = batch
        self._limits = limits

    def run(self) -> None:
        """Handle events until stopped or until the bus is closed."""
        own_due = others_due = 0.0
        try:
            self._call(lambda client: flow.create_group(client, self._stream, self._group))
            while not self._stop.is_set():
                now = time.monotonic()
                if now >= own_due:
                    self._take_up(self._name, self._limits.retry_s)
                    own_due = time.monotonic() + self._limits.retry_s
                if now >= others_due:
                    self._take_up(None, self._limits.claim_idle_s)
                    self._forget_consumers()
                    others_due = time.monotonic() + self._limits.claim_idle_s / 2
                self._handle(self._read(), 1)
        except BusClosedError:
            return
        except BusUnavailableError:
            if not self._stop.is_set():
                raise
        finally:
            self._leave()

    def _read(self) -> list[Entry]:
        answer = self._call(
            lambda client: client.xreadgroup(
                self._group, self._name, {self._stream: ">"}, count=self._batch, block=_BLOCK_MS
            )
        )
        return list(answer[0][1]) if answer else []

    def _take_up(self, holder: str | None, idle_s: float) -> None:
        """Handle what ``holder`` (None: any consumer) was given ``idle_s`` ago or earlier and has not handled."""
        idle_ms = int(idle_s * 1000)
        start = "-"
        while not self._stop.is_set():
            found: list[dict[str, Any]] = self._call(
                methodcaller(
                    "xpending_range",
                    self._stream,
                    self._group,
                    start,
                    "+",
                    self._batch,
                    consumername=holder,
                    idle=idle_ms,
                )
            )
            fresh = [entry["message_id"] for entry in found if entry["times_delivered"] < 2]
            self._handle(self._claim(fresh, idle_ms), 2)
            # What was tried before may be what killed its consumer: alone, so that it takes nothing else with it.
            for entry in found:
                tries = int(entry["times_delivered"])
                if tries < 2 or self._stop.is_set():
                    continue
                for claimed in self._claim([entry["message_id"]], idle_ms):
                    if tries >= self._limits.deliveries:
                        self._bury(claimed, RuntimeError("no consumer survived handling it"), tries)
                    else:
                        self._handle([claimed], tries + 1)
            if len(found) < self._batch:
                return
            start = f"({found[-1]['message_id']}"

    def _claim(self, stream_ids: list[str], idle_ms: int) -> list[Entry]:
        if not stream_ids:
            return []
        claimed = self._call(lambda client: client.xclaim(self._stream, self._group, self._name, idle_ms, stream_ids))
        return [(stream_id, fields) for stream_id, fields in claimed if fields]

    def _handle(self, entries: list[Entry], deliveries: int) -> None:
        """Hand over what is wanted of ``entries`` and acknowledge what is done."""
        done: list[str] = []
        wanted: list[tuple[Entry, Event]] = []
        for entry in entries:
            stream_id, fields = entry
            if self._types is not None and fields.get("type") not in self._types:
                done.append(stream_id)
                continue
            try:
                wanted.append((entry, decode(fields)))
            except UnknownEventTypeError:
                done.append(stream_id)  # of a newer version: none of this handler's business
            except ValueError as error:
                self._bury(entry, error, deliveries)
        self._acknowledge(done)
        if not wanted:
            return
        failure = self._hand(wanted)
        if failure is None:
            self._acknowledge([stream_id for (stream_id, _), _ in wanted])
        elif len(wanted) == 1:
            self._failed(*wanted[0], failure, deliveries)
        else:
            for entry, event in wanted:
                alone = self._hand([(entry, event)])
                if alone is None:
                    self._acknowledge([entry[0]])
                else:
                    self._failed(entry, event, alone, deliveries)

    def _hand(self, wanted: list[tuple[Entry, Event]]) -> Exception | None:
        """Call the handler, again while something it needs is unavailable; the error if it failed.

        Raises ``BusUnavailableError`` when stopped before it came to an end; the events stay with the group.
        """
        # A publisher that lost the line sends again: no handler needs to look for twins within its batch.
        events = list({event.id: event for _, event in wanted}.values())
        pause = 0.1
        while True:
            try:
                self._handler(events)
            except BusClosedError:
                raise
            except UnavailableError as error:
                log.warning("bus.handler_waits", group=self._group, events=len(events), reason=str(error))
                self._keep([stream_id for (stream_id, _), _ in wanted])
                if self._stop.wait(pause):
                    raise BusUnavailableError("stopped before these events were handled") from None
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            except Exception as error:
                return error
            else:
                return None

    def _keep(self, stream_ids: list[str]) -> None:
        """Stay the holder of events that wait for something else than themselves; such a wait is no failed try."""
        self._call(
            lambda client: client.xclaim(
                self._stream,
                self._group,
                self._name,
                0,
                stream_ids,
                retrycount=1,
                justid=True,
            )
        )

    def _failed(self, entry: Entry, event: Event, error: Exception, deliveries: int) -> None:
        if deliveries >= self._limits.deliveries:
            self._bury(entry, error, deliveries)
            return
        log.warning(
            "bus.handler_failed",
            group=self._group,
            event_id=event.id,
            type=event.type,
            deliveries=deliveries,
            error=_words(error),
            at=_place(error),
        )

    def _bury(self, entry: Entry, error: Exception, deliveries: int) -> None:
        stream_id, fields = entry
        letter = {
            "type": fields.get("type", ""),
            "event": fields.get("event", ""),
            "group": self._group,
            "stream_id": stream_id,
            "error": _words(error),
            "deliveries": str(deliveries),
        }

        def move(client: Client) -> None:
            pipeline = client.pipeline(transaction=True)
            pipeline.xadd(self._dead_stream, letter, maxlen=_DEAD_LETTERS, approximate=True)
            pipeline.xack(self._stream, self._group, stream_id)
            pipeline.execute()

        self._call(move)
        log.error(
            "bus.event_buried", **{name: value for name, value in letter.items() if name != "event"}, at=_place(error)
        )

    def _acknowledge(self, stream_ids: list[str]) -> None:
        if stream_ids:
            self._call(lambda client: client.xack(self._stream, self._group, *stream_ids))

    def _forget_consumers(self) -> None:
        """Remove the names of consumers that are long gone and hold nothing."""

        def forget(client: Client) -> None:
            for consumer in client.xinfo_consumers(self._stream, self._group):
                if consumer["pending"] == 0 and consumer["idle"] > _FORGET_CONSUMER_MS:
                    client.xgroup_delconsumer(self._stream, self._group, consumer["name"])

        self._call(forget)

    def _leave(self) -> None:
        """Give up this name if nothing is left in it; what is left must stay to be claimed."""

        def leave(client: Client) -> None:
            if not client.xpending_range(self._stream, self._group, "-", "+", 1, consumername=self._name):
                client.xgroup_delconsumer(self._stream, self._group, self._name)

        with suppress(BusError, BusUnavailableError, redis.ResponseError):
            self._link.call(leave, timeout_s=1.0)

    def _call(self, do: Callable[[Client], Result]) -> Result:
        """Run ``do`` however long the server is away, and make the group again when the server forgot it."""
        while True:
            try:
                return self._link.call(do, timeout_s=None, stop=self._stop)
            except redis.ResponseError as error:
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                log.warning("bus.group_made_again", stream=self._stream, group=self._group)
                self._link.call(
                    lambda client: flow.create_group(client, self._stream, self._group), timeout_s=None, stop=self._stop
                )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _place(error: Exception) -> str | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else None
