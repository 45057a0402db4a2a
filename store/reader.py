"""Reading the stream without a group: what happens from now on, and what happened lately."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from operator import methodcaller

from store import flow
from store.errors import BusClosedError, BusUnavailableError
from store.events import Event
from store.link import LONGEST_BLOCK_S, Link
from store.wire import decode

_PAGE = 256
_STREAM_ID = re.compile(r"\d{1,19}(-\d{1,19})?")


def subscribe(
    link: Link, stream: str, types: Collection[str] | None, after: str | None, heartbeat_s: float
) -> Iterator[tuple[str, Event] | None]:
    """See ``Bus.subscribe``. The place in the stream is fixed now, not when the first event is asked for."""
    if after is None:
        newest = link.call(methodcaller("xrevrange", stream, count=1))
        after = newest[0][0] if newest else "0"
    elif not _STREAM_ID.fullmatch(after):
        raise ValueError(f"{after[:40]!r} is no stream id; expected one that subscribe gave, such as 1700000000000-0")
    return _follow(link, stream, types, after, heartbeat_s)


def _follow(
    link: Link, stream: str, types: Collection[str] | None, after: str, heartbeat_s: float
) -> Iterator[tuple[str, Event] | None]:
    block = max(1, int(min(heartbeat_s, LONGEST_BLOCK_S) * 1000))
    quiet_since = time.monotonic()
    while True:
        try:
            answer = link.call(methodcaller("xread", {stream: after}, count=_PAGE, block=block), timeout_s=heartbeat_s)
        except BusClosedError:
            return
        except BusUnavailableError:
            answer = []
        for stream_id, fields in answer[0][1] if answer else []:
            after = stream_id
            event = _event(fields, types)
            if event is not None:
                yield stream_id, event
                quiet_since = time.monotonic()
        if time.monotonic() - quiet_since >= heartbeat_s:
            yield None
            quiet_since = time.monotonic()


def history(link: Link, stream: str, since_s: float, handled_by: str | None) -> Iterator[tuple[str, Event]]:
    """See ``Bus.history``."""
    last, open_ids = ("+", set()) if handled_by is None else _handled(link, stream, handled_by)
    seconds, microseconds = link.call(methodcaller("time"))
    start = str(max(0, int((seconds + microseconds / 1e6 - since_s) * 1000)))
    while True:
        page = link.call(methodcaller("xrange", stream, start, last, _PAGE))
        for stream_id, fields in page:
            event = _event(fields, None)
            if event is not None and stream_id not in open_ids:
                yield stream_id, event
        if len(page) < _PAGE:
            return
        start = f"({page[-1][0]}"


def _handled(link: Link, stream: str, group: str) -> tuple[str, set[str]]:
    """The last stream id that ``group`` was given, and those up to it that it has not handled."""
    last = {info["name"]: info["last-delivered-id"] for info in link.call(lambda client: flow.infos(client, stream))}
    if group not in last:
        return "0", set()
    open_ids: set[str] = set()
    start = "-"
    while True:
        page = link.call(methodcaller("xpending_range", stream, group, start, "+", _PAGE))
        open_ids.update(entry["message_id"] for entry in page)
        if len(page) < _PAGE:
            return last[group], open_ids
        start = f"({page[-1]['message_id']}"


def _event(fields: dict[str, str], types: Collection[str] | None) -> Event | None:
    """The event of a stream entry; None when its type is not wanted or it is none of ours."""
    if types is not None and fields.get("type") not in types:
        return None
    try:
        return decode(fields)
    except ValueError:
        return None
