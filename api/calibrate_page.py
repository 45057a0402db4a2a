"""The page that calibrates a camera from clicks, and the two addresses that it talks to. Scope ``admin``."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Principal, same_site
from api.drawing import drawing
from api.pages import Viewer, page_context, refused, templates
from api.problems import Problem, problem_response
from api.routes.known import preview_file
from api.services import App, Services
from cameras.calibration.errors import CalibrationError
from insights.queries import cameras
from store.plan import PlanError, PlanFile
from store.views import CameraView

_NEEDS: Final = frozenset({"admin"})
_MOST: Final = 60

router = APIRouter(include_in_schema=False)
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Metre = Annotated[float, Field(ge=-1000.0, le=1000.0, allow_inf_nan=False)]


class ClickedPoint(BaseModel):
    """A place in the picture, as shares of its width and height, and in the shop, metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    u: Share
    v: Share
    x: Metre
    y: Metre
    z: Metre = 0.0


class ClickedPoints(BaseModel):
    """All pairs of one calibration; ``keep_lens`` holds the plan's lens, ``save`` writes the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: Annotated[tuple[ClickedPoint, ...], Field(max_length=_MOST)]
    keep_lens: bool = False
    save: bool = False


@router.get("/calibrate/{camera}", name="calibrate")
async def calibrate_page(request: Request, app: App, camera: str, principal: Viewer) -> Response:
    """The camera's blurred preview beside the plan: click the same place on both."""
    if (refusal := refused(request, app, principal, _NEEDS)) is not None:
        return refusal
    file, view, preview = await run_in_threadpool(_known, app, camera)
    context = {
        **page_context(app, principal),
        "camera": camera,
        "size": view.size,
        "lens_known": view.lens is not None,
        "preview": preview is not None,
        "plan_name": file.document.path.name,
        "drawing": drawing(file.plan),
    }
    return templates.TemplateResponse(request, "calibrate.html", context)


@router.post("/calibrate/{camera}")
async def calibrate(request: Request, app: App, camera: str, principal: Viewer, clicked: ClickedPoints) -> Response:
    """Calibrate from the clicked points; the answer says each point's error and shows the floor over the picture."""
    same_site(request)
    _allowed(principal)
    try:
        answer = await run_in_threadpool(_calibrated, app, camera, clicked)
    except (CalibrationError, PlanError) as error:
        return problem_response(request, Problem(422, "cannot-calibrate", "Cannot calibrate", str(error)))
    return JSONResponse(answer)


def _allowed(principal: Principal) -> None:
    if not principal.may("admin"):
        raise Problem(403, "missing-scope", "Missing scope", "Calibration needs a key with the scope admin.")


def _known(app: Services, camera: str) -> tuple[PlanFile, CameraView, Path | None]:
    """The plan, the camera's view in it or of its recorded pictures, and its preview. Raises 404 problems."""
    if app.plan_file is None:
        detail = "This server was started without a plan. Start it with `aisle serve PLAN` to calibrate cameras."
        raise Problem(404, "no-plan", "No plan", detail)
    try:
        file = PlanFile.read(app.plan_file)
    except PlanError as error:
        raise Problem(422, "bad-plan", "The plan cannot be read", str(error)) from None
    recorded = {each.camera: each for each in cameras(app.records, app.settings.store)}
    views = {view.camera: view for view in file.plan.cameras}
    seen = recorded.get(camera)
    if camera not in views and seen is None:
        names = ", ".join(sorted(views.keys() | recorded.keys())) or "none"
        raise Problem(404, "unknown-camera", "Unknown camera", f"No camera {camera[:64]!r}; there are: {names}.")
    view = views.get(camera) or CameraView(camera=camera, size=seen.size if seen else (640, 360))
    return file, view, None if seen is None else preview_file(seen)


def _calibrated(app: Services, camera: str, clicked: ClickedPoints) -> dict[str, Any]:
    import cv2
    import numpy as np

    from cameras.calibration.parameters import horizontal_view_deg, view_with
    from cameras.calibration.points import calibrate_points
    from cameras.calibration.proof import outlines_of, prove
    from cameras.calibration.saving import save_view

    file, view, preview = _known(app, camera)
    width, height = view.size
    pixels = np.array([[p.u * width, p.v * height] for p in clicked.points], np.float64).reshape(-1, 2)
    places = np.array([[p.x, p.y, p.z] for p in clicked.points], np.float64).reshape(-1, 3)
    found = calibrate_points(view, pixels, places, keep_lens=clicked.keep_lens)
    backup = save_view(file.document.path, view_with(view, found.model)).name if clicked.save else None
    picture = None
    if preview is not None:
        # Kept blurred; the grid is drawn over what anybody with this page may see.
        picture = cv2.imdecode(np.fromfile(preview, np.uint8), cv2.IMREAD_COLOR)
    shown = prove(
        found.model,
        None if picture is None else np.asarray(picture, np.uint8),
        pixels,
        places,
        outlines=outlines_of(file.plan),
    )
    data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    rows = zip(found.errors.pixels.tolist(), found.errors.floor_cm.tolist(), found.used.tolist(), strict=True)
    return {
        "expected_cm": round(found.expected_cm, 1),
        "rms_px": round(found.errors.rms_px, 2),
        "points": [
            {"px": round(px, 1), "cm": round(cm, 1) if np.isfinite(cm) else None, "used": used} for px, cm, used in rows
        ],
        "position": found.model.position.round(2).tolist(),
        "view_deg": round(horizontal_view_deg(found.model), 1),
        "picture": "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode(),
        "backup": backup,
    }
