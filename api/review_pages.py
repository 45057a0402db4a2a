"""The pages where people answer what the cameras could not, and see what that saves. Scope ``reviews:write``."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.pages import Viewer, page_context, refused, templates
from api.services import App
from checkout.queries import newest_receipt

_NEEDS: Final = frozenset({"reviews:write"})

router = APIRouter(include_in_schema=False)


@router.get("/reviews", name="reviews")
def reviews_page(request: Request, app: App, principal: Viewer) -> Response:
    """One question after another, each settled by one key."""
    refusal = refused(request, app, principal, _NEEDS)
    return refusal or templates.TemplateResponse(request, "reviews.html", page_context(app, principal))


@router.get("/reviews/curve", name="review_curve")
def curve_page(request: Request, app: App, principal: Viewer) -> Response:
    """The share of lines that is reviewed against the value that is charged wrongly."""
    refusal = refused(request, app, principal, _NEEDS)
    if refusal is not None:
        return refusal
    context = {**page_context(app, principal), "newest": newest_receipt(app.records, app.settings.store)}
    return templates.TemplateResponse(request, "review_curve.html", context)
