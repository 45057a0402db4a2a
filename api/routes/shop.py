"""The shop as it is now: people as dots, slots that were reached, baskets and receipts; nobody's id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Security
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import shop_schemas as schemas
from api.auth import authenticate
from api.problems import problem_responses
from api.routes.baskets import shown_lines
from api.services import App, Services
from checkout.board import Shown

router = APIRouter(
    prefix="/v1/shop",
    tags=["live"],
    dependencies=[Security(authenticate, scopes=["live:read", "checkout:read"])],
    responses=problem_responses(401, 403, 422, 429),
)
_EVERY_S = 0.25  # no viewer gets more
_AT_LEAST_S = 2.0  # what fades by time alone is told too
_RETRY_MS = 1000
_RECEIPTS = 6


@router.get("/now", summary="The shop now")
def shop_now(app: App) -> schemas.ShopScene:
    """People on the floor, slots that were just reached, open baskets, the last receipts."""
    return _scene(app)


@router.get("/events", summary="The shop as it changes", response_class=EventSourceResponse)
async def shop_events(app: App) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events `shop`, each the whole scene; four a second at most, one in two seconds at least."""
    yield ServerSentEvent(comment="listening", retry=_RETRY_MS)
    version, waited = -1, 0.0
    while not app.feed.stopped:
        scene = _scene(app)
        if scene.version != version or waited >= _AT_LEAST_S:
            yield ServerSentEvent(raw_data=scene.model_dump_json(), event="shop")
            version, waited = scene.version, 0.0
        await asyncio.sleep(_EVERY_S)
        waited += _EVERY_S


def _scene(app: Services) -> schemas.ShopScene:
    seen, prices, audit = app.shop_now.scene(), app.till.prices, app.now.floor().audit
    return schemas.ShopScene(
        version=seen.version,
        time=seen.time,
        people=[schemas.Dot(number=d.number, visit=d.visit, x=d.xy_m[0], y=d.xy_m[1]) for d in seen.dots],
        lit=seen.lit,
        audit=None if audit is None else schemas.FloorCheck.model_validate(audit, from_attributes=True),
        deeds=[
            schemas.Deed(
                kind=d.kind, name=prices.name(d.gtin), gtin=d.gtin, quantity=d.quantity, slot=d.slot, visit=d.visit,
                time=d.time,
            )
            for d in seen.deeds
        ],
        baskets=[_bill(app, shown) for shown in app.till.board.open_baskets()],
        receipts=[_bill(app, shown) for shown in app.till.board.last_receipts(_RECEIPTS)],
        currency=prices.currency,
    )  # fmt: skip


def _bill(app: Services, shown: Shown) -> schemas.Bill:
    return schemas.Bill(
        visit=app.shop_now.visit(shown.session_id),
        group_size=shown.group_size,
        opened_at=shown.opened_at,
        closed_at=shown.closed_at,
        state=shown.receipt or "open",
        lines=shown_lines(shown.lines, app.till.prices),
        total=shown.total,
    )
