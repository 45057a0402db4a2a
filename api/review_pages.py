"""The page where people answer what the cameras could not. Scope ``reviews:write``."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.pages import Viewer, page_context, refused, templates
from api.services import App

_NEEDS: Final = frozenset({"reviews:write"})

router = APIRouter(include_in_schema=False)


@router.get("/reviews", name="reviews")
def reviews_page(request: Request, app: App, principal: Viewer) -> Response:
    """One question after another, each settled by one key."""
    refusal = refused(request, app, principal, _NEEDS)
    return refusal or templates.TemplateResponse(request, "reviews.html", page_context(app, principal))
