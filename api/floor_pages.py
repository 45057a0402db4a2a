"""Pages of the whole floor: its heatmap with what is seen of it. Scope ``insights:read``."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.pages import Viewer, page_context, refused, templates
from api.services import App
from insights.floor_heatmap import newest_floor

_HEATMAP: Final = frozenset({"insights:read"})

router = APIRouter(include_in_schema=False)


@router.get("/floor", name="floor")
def floor_page(request: Request, app: App, principal: Viewer) -> Response:
    """Where people were on the floor, how many cameras see each place, and how exactly."""
    refusal = refused(request, app, principal, _HEATMAP)
    if refusal is not None:
        return refusal
    newest = newest_floor(app.records, app.settings.store)
    context = {**page_context(app, principal), "newest": newest, "known": app.plans.plan() is not None}
    return templates.TemplateResponse(request, "floor.html", context)
