"""What happens now, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Security
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.auth import Principal, authenticate
from api.feed import HIDDEN_TYPES, Happening, ListenerTooSlowError, stream_key
from api.problems import Problem, problem_responses
from api.services import App
from store.events import EVENT_TYPES

_RETRY_MS = 2000

router = APIRouter(prefix="/v1", tags=["events"], responses=problem_responses(401, 403, 422, 429))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener wants to hear."""

    types: frozenset[str] | None
    camera: str | None
    after: str | None


def read_wish(
    principal: Annotated[Principal, Security(authenticate, scopes=["events:read"])],
    types: Annotated[
        list[str] | None,
        Query(
            alias="type",
            description="Only events of this type; repeat it for more. Without it: all but `person.moved`, which holds "
            "single paths and needs the scope live:read as well.",
            examples=[["line.crossed"]],
        ),
    ] = None,
    camera: Annotated[str | None, Query(description="Only events of this camera.", max_length=64)] = None,
    last_event_id: Annotated[
        str | None,
        Header(description="Id of the last event that was got; the stream goes on behind it.", examples=["0-0"]),
    ] = None,
) -> Wish:
    """The filters of a request. Raises a 422 or 403 problem."""
    unknown = sorted(set(types or ()) - EVENT_TYPES.keys())
    if unknown:
        detail = f"There is no event type {', '.join(unknown)[:200]}. There are: {', '.join(sorted(EVENT_TYPES))}."
        raise Problem(422, "unknown-event-type", "Unknown event type", detail)
    if HIDDEN_TYPES.intersection(types or ()) and not principal.may("live:read"):
        detail = "person.moved holds the paths of single people: it needs the scope live:read as well."
        raise Problem(403, "missing-scope", "Missing scope", detail)
    if last_event_id:
        try:
            stream_key(last_event_id)
        except ValueError as error:
            raise Problem(422, "bad-event-id", "Bad Last-Event-ID", f"Last-Event-ID: {error}.") from None
    return Wish(frozenset(types) if types else None, camera, last_event_id or None)


async def join(app: App, wish: Annotated[Wish, Depends(read_wish)]) -> AsyncIterator[AsyncIterator[Happening]]:
    """The events of a wish. Joined before the answer begins, so that whoever sees its head misses nothing."""
    with app.feed.listening(types=wish.types, camera=wish.camera) as listener:
        yield app.feed.follow(listener, wish.after)


@router.get("/events", summary="What happens now", response_class=EventSourceResponse)
async def events(happenings: Annotated[AsyncIterator[Happening], Depends(join)]) -> AsyncIterator[ServerSentEvent]:
    """A stream of CloudEvents 1.0 in JSON: `event` is the type, `id` the place in the stream, a comment a heartbeat.

    A client that comes back with `Last-Event-ID` misses nothing that the bus still holds. A stream that ends without
    an error ended because the server stops, or because its listener was too slow: come back.
    """
    yield ServerSentEvent(comment="listening", retry=_RETRY_MS)
    try:
        async for item in happenings:
            yield ServerSentEvent(raw_data=item.body, event=item.type, id=item.stream_id)
    except ListenerTooSlowError:
        return
