"""The whole floor in metres: where people were, and what is seen of it at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Response, Security

from api import schemas
from api.auth import authenticate
from api.problems import problem_responses
from api.ranges import TimeRange, time_range
from api.routes.heatmap import nullable
from api.services import App, Services
from insights.floor_heatmap import Layer, floor_heatmap
from insights.heatmap import Heatmap
from store.layout import Plan

if TYPE_CHECKING:
    from api.floor_view import FloorView

router = APIRouter(
    prefix="/v1/floor",
    tags=["insights"],
    dependencies=[Security(authenticate, scopes=["insights:read"])],
    responses=problem_responses(401, 403, 404, 422, 429),
)
Range = Annotated[TimeRange, Depends(time_range)]


@router.get("/heatmap", summary="The floor's heatmap as numbers")
def heatmap(app: App, span: Range) -> schemas.FloorHeatmap:
    """Person-seconds and visits by cell of the floor, from all cameras, each person once; and what cameras see of it.

    Cells with fewer visits than the privacy rule asks for are null. A cell that 0 cameras see is unknown, not cold.
    """
    _, view, found = _find(app, span)
    shown = ~np.isnan(found.seconds)
    free = view.cameras >= 0
    return schemas.FloorHeatmap(
        cell=found.cell,
        origin=list(found.origin),
        rows=found.seconds.shape[0],
        columns=found.seconds.shape[1],
        min_visitors=found.min_visitors,
        hidden=found.hidden,
        seconds=nullable(np.round(found.seconds.astype(np.float64), 2), shown),
        visitors=nullable(found.visitors, shown),
        cameras=nullable(view.cameras, free),
        error_cm=nullable(np.round(view.error_cm, 1), np.isfinite(view.error_cm)),
        seen=_share(view, 1),
        seen_twice=_share(view, 2),
    )


@router.get(
    "/heatmap.png",
    summary="The floor's heatmap as a picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "A PNG picture."}},
)
def heatmap_png(
    app: App,
    span: Range,
    layer: Annotated[
        Layer, Query(description="Where people were, how many cameras see, or how exactly places are known.")
    ] = "heat",
) -> Response:
    """A layer drawn over the plan; what no camera sees is hatched."""
    import cv2

    from insights.floor_picture import FloorLayers, render_floor

    plan, view, found = _find(app, span)
    done, png = cv2.imencode(".png", render_floor(found, plan, FloorLayers(view.cameras, view.error_cm), layer))
    if not done:
        raise RuntimeError("the floor could not be written as PNG")
    return Response(png.tobytes(), media_type="image/png", headers={"Cache-Control": "private, max-age=5"})


def _find(app: Services, span: TimeRange) -> tuple[Plan, FloorView, Heatmap]:
    plan, view = app.plans.view()
    settings = app.settings
    found = floor_heatmap(app.records, settings.store, view.grid, span.start, span.end, settings.min_visitors)
    return plan, view, found


def _share(view: FloorView, at_least: int) -> float:
    free = view.cameras[view.cameras >= 0]
    return round(float((free >= at_least).mean()), 4) if len(free) else 0.0
