"""The OpenAPI 3.1 document: what FastAPI makes of the routes, and the problem document that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import ProblemDetails

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

DESCRIPTION = (
    "Anonymous facts of one shop: who (never by name) is where, how many came and went, how long they stayed, and "
    "where they walked. Times are seconds since 1970 in UTC, on the clock of the footage; ranges are `from` "
    "(included) and `to` (not included) and must always be given. Errors are problem documents (RFC 9457). "
    "Cells of a heatmap with fewer visits than the shop's privacy rule asks for are null."
)
TAGS: list[dict[str, Any]] = [
    {"name": "cameras", "description": "What is watched."},
    {"name": "insights", "description": "Counts, stays, occupancy and heatmaps. Scope `insights:read`."},
    {
        "name": "checkout",
        "description": "Entry codes, gates, baskets, receipts and reviews. Scopes `codes:write`, `gates:write`, "
        "`plates:write`, `checkout:read`, `receipts:dispute`, `reviews:write`.",
    },
    {"name": "events", "description": "What happens now, as server-sent events. Scope `events:read`."},
    {"name": "live", "description": "Blurred pictures of now. Scope `live:read`."},
    {"name": "health", "description": "For those who look after the server. No key is needed."},
]


def version() -> str:
    """The version of Aisle, or `0` where it runs without being installed."""
    try:
        return installed_version("aisle")
    except PackageNotFoundError:
        return "0"


def install(app: FastAPI) -> None:
    """Make ``app.openapi`` give the whole document; it is made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version="3.1.0",
                summary="Facts of a shop from its own cameras.",
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
                license_info=app.license_info,
            )
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
