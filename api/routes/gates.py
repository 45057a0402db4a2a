"""The gate's path: entries, and what is decided about who passes. Answers come from memory and the bus."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response, Security
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import checkout_schemas as schemas
from api.auth import authenticate
from api.feed import Happening, Listener, ListenerTooSlowError
from api.problems import problem_responses
from api.routes.known import unknown
from api.services import App, Services
from checkout.codes import BadCodeError, EntryCode
from store.events import GateDecided, SessionOpened, from_cloudevent, new_event_id

router = APIRouter(
    prefix="/v1/gates/{gate}",
    tags=["checkout"],
    dependencies=[Security(authenticate, scopes=["gates:write"])],
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
_DECIDED = frozenset({GateDecided.type})
_ENTERING_S = 10.0  # as long as the board may take to know a session that was just opened
_RETRY_MS = 1000


def known_gate(
    app: App, gate: Annotated[str, Path(description="A gate of the plan.", max_length=64, examples=["entry"])]
) -> str:
    """The gate's name. Raises a 404 problem where the plan has no such gate."""
    if app.till.gates and gate not in app.till.gates:
        raise unknown("gate", gate, app.till.gates, f"The shop {app.settings.store}")
    return gate


GateName = Annotated[str, Depends(known_gate)]


@router.post("/entries", summary="Somebody shows a code")
def enter(app: App, gate: GateName, entry: schemas.Entry) -> schemas.EntryDecision:
    """Whether the gate opens. `open: false` is an answer like any other: show the reason, keep the gate shut."""
    try:
        code = app.till.codes.read(entry.code, time.time())
    except BadCodeError as error:
        return _refused(error.reason, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    if code.role != entry.role:
        return _refused("wrong_role", f"This code is for {code.role}, not for {entry.role}.")
    if app.till.board.is_inside(code.member):
        return _refused("already_inside", "A session of this member is open: they are in the shop.")
    if not app.bus.once(f"code:{code.id}", max(1.0, code.expires_at - time.time() + 5.0)):
        return _refused("replayed", "This code was used already: ask for a new one.")
    if not app.bus.once(f"entering:{code.member}", _ENTERING_S):
        return _refused("already_inside", "This member has just come in.")
    session_id = _open(app, gate, entry, code)
    return schemas.EntryDecision(open=True, reason="welcome", detail="Come in.", session_id=session_id)


@router.get(
    "/exits/next",
    summary="The next decision at an exit",
    response_model=schemas.Decision,
    responses={204: {"description": "Nobody came within `wait`: ask again."}},
)
async def next_exit(
    app: App,
    gate: GateName,
    after: Annotated[
        str | None, Query(description="Id of the last decision that was got; without it only new ones.", max_length=128)
    ] = None,
    wait: Annotated[float, Query(description="Seconds to wait for one.", ge=0, le=55)] = 25.0,
) -> schemas.Decision | Response:
    """Waits for the next person who goes out. Ask with `after` and none is missed, none comes twice."""
    with app.feed.listening(types=_DECIDED) as listener:
        for decision in app.till.board.decisions(gate, after):
            if decision.way == "out":
                return shown(app, decision)
        try:
            async with asyncio.timeout(wait):
                async for decision in _decisions(app, listener, gate):
                    if decision.way == "out":
                        return shown(app, decision)
        except TimeoutError:
            pass
    return Response(status_code=204)


async def _join(app: App, gate: GateName) -> AsyncIterator[AsyncIterator[GateDecided]]:
    with app.feed.listening(types=_DECIDED) as listener:
        yield _decisions(app, listener, gate)


@router.get("/decisions", summary="All decisions at a gate, as they are made", response_class=EventSourceResponse)
async def decisions(
    app: App, made: Annotated[AsyncIterator[GateDecided], Depends(_join)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `event` is the reason, `data` a decision, `id` its id; people without a code among them."""
    yield ServerSentEvent(comment="listening", retry=_RETRY_MS)
    async for decision in made:
        yield ServerSentEvent(raw_data=shown(app, decision).model_dump_json(), event=decision.reason, id=decision.id)


async def _decisions(app: Services, listener: Listener, gate: str) -> AsyncIterator[GateDecided]:
    try:
        async for item in app.feed.follow(listener):
            decision = _read(item)
            if isinstance(decision, GateDecided) and decision.gate == gate:
                yield decision
    except ListenerTooSlowError:
        return


def shown(app: Services, decision: GateDecided) -> schemas.Decision:
    """A decision as it goes out."""
    fields: dict[str, Any] = decision.model_dump(include=set(schemas.Decision.model_fields) - {"currency"})
    return schemas.Decision(**fields, currency=app.till.prices.currency)


def _read(item: Happening) -> object:
    return from_cloudevent(json.loads(item.body))


def _refused(reason: str, detail: str) -> schemas.EntryDecision:
    return schemas.EntryDecision.model_validate({"open": False, "reason": reason, "detail": detail, "session_id": None})


def _open(app: Services, gate: str, entry: schemas.Entry, code: EntryCode) -> str:
    session_id = new_event_id()
    opened = SessionOpened(
        id=f"opened-{session_id}",
        store=app.settings.store,
        time=time.time() if entry.at is None else entry.at,
        session_id=session_id,
        gate=gate,
        role=code.role,
        group_size=entry.group_size,
        member=code.member,
        adult=code.adult,
    )
    app.bus.publish([opened], live=True, timeout_s=5.0)
    app.till.board.take(opened)
    return session_id
