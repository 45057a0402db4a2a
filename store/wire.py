"""How an event lies in the stream: its type beside its CloudEvent, so that a reader can pass it over unparsed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from store.events import Event, from_cloudevent


def encode(event: Event) -> dict[str, str]:
    """The fields of a stream entry."""
    body = json.dumps(event.to_cloudevent(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return {"type": event.type, "event": body}


def decode(fields: Mapping[str, str]) -> Event:
    """The inverse of ``encode``. Raises ``UnknownEventTypeError``, or ``ValueError`` for what is no event of ours."""
    if "event" not in fields:
        raise ValueError("a stream entry without the field 'event'")
    document = json.loads(fields["event"])
    if not isinstance(document, dict):
        raise ValueError(f"a CloudEvent is a JSON object, found {type(document).__name__}")
    return from_cloudevent(document)
