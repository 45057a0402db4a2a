"""Pages of the whole floor: its heatmap with what is seen of it, and the shop as it is now."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.drawing import drawing, slot_fronts
from api.pages import Viewer, page_context, refused, templates
from api.services import App
from insights.floor_heatmap import newest_floor

_HEATMAP: Final = frozenset({"insights:read"})
_SHOP: Final = frozenset({"live:read", "checkout:read"})

router = APIRouter(include_in_schema=False)


@router.get("/shop", name="shop")
def shop_page(request: Request, app: App, principal: Viewer) -> Response:
    """The floor with people as dots, shelves that were just reached, baskets and receipts as they change."""
    refusal = refused(request, app, principal, _SHOP)
    if refusal is not None:
        return refusal
    plan = app.plans.plan()
    context = page_context(app, principal) | {"drawing": None}
    if plan is not None:
        context |= {"drawing": drawing(plan), "slots": slot_fronts(plan)}
    return templates.TemplateResponse(request, "shop.html", context)


@router.get("/floor", name="floor")
def floor_page(request: Request, app: App, principal: Viewer) -> Response:
    """Where people were on the floor, how many cameras see each place, and how exactly."""
    refusal = refused(request, app, principal, _HEATMAP)
    if refusal is not None:
        return refusal
    newest = newest_floor(app.records, app.settings.store)
    context = {**page_context(app, principal), "newest": newest, "known": app.plans.plan() is not None}
    return templates.TemplateResponse(request, "floor.html", context)
