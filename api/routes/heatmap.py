"""Where people were, as numbers and as a picture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Response, Security
from numpy.typing import NDArray

from api import schemas
from api.auth import authenticate
from api.problems import Problem, problem_responses
from api.ranges import TimeRange, time_range
from api.routes.known import CameraName, known_camera, preview_file
from api.services import App, Services
from insights import queries

router = APIRouter(
    prefix="/v1/cameras/{camera}",
    tags=["insights"],
    dependencies=[Security(authenticate, scopes=["insights:read"])],
    responses=problem_responses(401, 403, 404, 422, 429),
)
Range = Annotated[TimeRange, Depends(time_range)]
Space = Annotated[
    Literal["image", "floor"],
    Query(description="Cells of the picture, or of the floor where the camera is calibrated."),
]


@router.get("/heatmap", summary="Heatmap as numbers")
def heatmap(app: App, span: Range, camera: CameraName, space: Space = "image") -> schemas.Heatmap:
    """Person-seconds and visits by cell. Cells with fewer visits than the privacy rule asks for are null."""
    _, found = _find(app, span, camera, space)
    shown = ~np.isnan(found.seconds)
    return schemas.Heatmap(
        camera=camera,
        space=space,
        cell=found.cell,
        origin=list(found.origin),
        min_visitors=found.min_visitors,
        hidden=found.hidden,
        rows=found.seconds.shape[0],
        columns=found.seconds.shape[1],
        seconds=nullable(np.round(found.seconds.astype(np.float64), 2), shown),
        visitors=nullable(found.visitors, shown),
    )


@router.get(
    "/heatmap.png",
    summary="Heatmap as a picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "A PNG picture."}},
)
def heatmap_png(app: App, span: Range, camera: CameraName, space: Space = "image") -> Response:
    """The same cells in colour, over the camera's blurred preview where there is one."""
    import cv2

    from insights.pictures import render_heatmap

    info, found = _find(app, span, camera, space)
    path = preview_file(info) if space == "image" else None
    background = cv2.imread(str(path), cv2.IMREAD_COLOR) if path else None
    if background is not None and (background.shape[1], background.shape[0]) != info.size:
        background = cv2.resize(background, info.size, interpolation=cv2.INTER_AREA)
    done, png = cv2.imencode(".png", render_heatmap(found, _as_uint8(background)))
    if not done:
        raise RuntimeError("the heatmap could not be written as PNG")
    return Response(png.tobytes(), media_type="image/png", headers={"Cache-Control": "private, max-age=5"})


def _find(
    app: Services, span: TimeRange, camera: str, space: Literal["image", "floor"]
) -> tuple[queries.CameraInfo, queries.Heatmap]:
    info = known_camera(app, camera)
    if space == "floor" and info.homography is None:
        raise Problem(
            422,
            "not-calibrated",
            "Camera not calibrated",
            f"Camera '{camera}' has no homography, so nothing of it is known on the floor. "
            "Ask for space=image, or watch it with --homography.",
        )
    settings = app.settings
    found = queries.heatmap(
        app.records, settings.store, camera, space, span.start, span.end, min_visitors=settings.min_visitors
    )
    return info, found


def nullable(grid: NDArray[Any], shown: NDArray[np.bool_]) -> list[list[Any]]:
    """A grid as lists, None where it is not ``shown``."""
    return [
        [value if ok else None for value, ok in zip(row, mask, strict=True)]
        for row, mask in zip(grid.tolist(), shown.tolist(), strict=True)
    ]


def _as_uint8(image: Any) -> NDArray[np.uint8] | None:
    return None if image is None else np.asarray(image, dtype=np.uint8)
