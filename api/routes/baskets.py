"""Live baskets of sessions, and the look at somebody's age."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Security
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import checkout_schemas as schemas
from api.auth import authenticate
from api.feed import ListenerTooSlowError
from api.problems import Problem, problem_responses
from api.services import App, Services
from checkout.board import TYPES, Shown
from checkout.prices import PriceBook
from store.events import BasketLine, SessionChecked, new_event_id

_RETRY_MS = 1000

router = APIRouter(
    prefix="/v1/sessions/{session_id}", tags=["checkout"], responses=problem_responses(401, 403, 404, 422, 429, 503)
)


def known_session(
    app: App, session_id: Annotated[str, Path(description="As the gate answered.", max_length=64)]
) -> Shown:
    """The session. Raises a 404 problem for one that is unknown, or over for long."""
    shown = app.till.board.session(session_id)
    if shown is None:
        detail = f"No session {session_id[:64]!r} is known here. Those that are over have a receipt: /v1/receipts/ID."
        raise Problem(404, "unknown-session", "Unknown session", detail)
    return shown


Session = Annotated[Shown, Depends(known_session)]
may_read = Security(authenticate, scopes=["checkout:read"])


@router.get("/basket", summary="The basket now", dependencies=[may_read])
async def basket(app: App, session: Session) -> schemas.Basket:
    """What the session is to pay for by now; after it closed, what its receipt says."""
    return _basket(app, session)


async def _join(app: App, session: Session) -> AsyncIterator[AsyncIterator[Shown]]:
    async def changes() -> AsyncIterator[Shown]:
        yield app.till.board.session(session.session_id) or session
        try:
            async for item in app.feed.follow(listener):
                if json.loads(item.body)["data"].get("session_id") == session.session_id:
                    now = app.till.board.session(session.session_id)
                    if now is not None:
                        yield now
        except ListenerTooSlowError:
            return

    with app.feed.listening(types=frozenset(TYPES)) as listener:
        yield changes()


@router.get(
    "/basket/events", summary="The basket as it changes", response_class=EventSourceResponse, dependencies=[may_read]
)
async def basket_events(
    app: App, changes: Annotated[AsyncIterator[Shown], Depends(_join)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events `basket`, each the whole basket; ends when the receipt is issued or nobody came in."""
    yield ServerSentEvent(comment="listening", retry=_RETRY_MS)
    async for shown in changes:
        yield ServerSentEvent(raw_data=_basket(app, shown).model_dump_json(), event="basket")
        if shown.receipt in ("issued", "corrected") or shown.reason == "turned_back":
            return
        if shown.role == "staff" and shown.closed_at is not None:
            return


@router.post(
    "/age-checks",
    summary="Staff looked at the age",
    status_code=202,
    dependencies=[Security(authenticate, scopes=["gates:write"])],
)
def check_age(app: App, session: Session, check: schemas.AgeCheck) -> schemas.Accepted:
    """Lets somebody go whom the gate holds with `age_check`, or not."""
    event = SessionChecked(
        id=f"checked-{new_event_id()}",
        store=app.settings.store,
        time=time.time() if check.at is None else check.at,
        session_id=session.session_id,
        adult=check.adult,
    )
    app.bus.publish([event], live=True, timeout_s=5.0)
    return schemas.Accepted(id=event.id)


def shown_lines(lines: Iterable[BasketLine], prices: PriceBook) -> list[schemas.Line]:
    """Lines as they go out, with the names of products."""
    return [schemas.Line(**line.model_dump(), name=prices.name(line.gtin), amount=line.amount) for line in lines]


def _basket(app: Services, shown: Shown) -> schemas.Basket:
    return schemas.Basket(
        session_id=shown.session_id,
        state="open" if shown.closed_at is None else "closed",
        reason=shown.reason,
        opened_at=shown.opened_at,
        closed_at=shown.closed_at,
        group_size=shown.group_size,
        lines=shown_lines(shown.lines, app.till.prices),
        total=shown.total,
        currency=app.till.prices.currency,
        receipt_id=shown.receipt_id,
        receipt=shown.receipt,
    )
