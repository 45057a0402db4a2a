"""How full the stream is: what each group has yet to handle, when publishing must wait, what may be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from store.link import Client

# A group none of whose consumers has asked for this long holds nobody up.
STALE_S = 60.0


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: ``unread`` events not given to anybody yet, ``pending`` given and not yet handled.

    ``oldest`` is the stream id from which on something may be unhandled, None when all is handled. ``active`` says
    whether any consumer has asked for events lately.
    """

    name: str
    unread: int
    pending: int
    oldest: str | None
    active: bool

    @property
    def lag(self) -> int:
        """Events that are not handled yet."""
        return self.unread + self.pending


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many events ``trim`` forgot: ``handled`` by every group, and ``unhandled`` by some."""

    handled: int
    unhandled: int


def create_group(client: Client, stream: str, group: str) -> None:
    """Create ``group`` at the beginning of ``stream`` unless it exists."""
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def groups(client: Client, stream: str, *, count_limit: int) -> list[Group]:
    """The groups of ``stream``; ``unread`` stops counting at ``count_limit`` where the server does not know it."""
    try:
        return [_group(client, stream, info, count_limit) for info in infos(client, stream)]
    except redis.ResponseError as error:
        if str(error).startswith("NOGROUP"):  # the server was emptied meanwhile
            return []
        raise


def infos(client: Client, stream: str) -> list[dict[str, Any]]:
    """What the server says of the groups of ``stream``, none where there is no stream."""
    try:
        found: list[dict[str, Any]] = client.xinfo_groups(stream)
    except redis.ResponseError as error:
        if "no such key" in str(error):
            return []
        raise
    return found


def trim(client: Client, stream: str, known: list[Group], *, keep: int, most: int) -> Forgotten:
    """Forget the oldest events beyond ``keep`` that every group has handled; beyond ``most``, handled or not.

    Works by whole nodes of the stream, so that somewhat more than ``keep`` may stay.
    """
    length = int(client.xlen(stream))
    if length <= keep:
        return Forgotten(0, 0)
    unhandled = [group.oldest for group in known if group.oldest is not None]
    if not unhandled:
        return Forgotten(int(client.xtrim(stream, maxlen=keep, approximate=True)), 0)
    oldest = min(unhandled, key=order)
    handled = int(client.xtrim(stream, minid=oldest, approximate=True, limit=length - keep))
    if length - handled <= most:
        return Forgotten(handled, 0)
    return Forgotten(handled, int(client.xtrim(stream, maxlen=most, approximate=True)))


def order(stream_id: str) -> tuple[int, int]:
    """The key that sorts stream ids by age."""
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _group(client: Client, stream: str, info: dict[str, Any], count_limit: int) -> Group:
    name, last, pending, unread = info["name"], info["last-delivered-id"], int(info["pending"]), info.get("lag")
    if unread is None:  # the server loses count when somebody deleted from the middle
        unread = len(client.xrange(stream, min=f"({last}", count=count_limit))
    oldest: str | None = last if unread else None
    if pending:
        summary: dict[str, Any] = client.xpending(stream, name)
        oldest = summary["min"] or oldest
    idle = [int(consumer["idle"]) for consumer in client.xinfo_consumers(stream, name)] if unread or pending else []
    return Group(name, int(unread), pending, oldest, active=any(ms < STALE_S * 1000 for ms in idle))
