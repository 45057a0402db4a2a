"""The cameras of the shop, their lines and their zones."""

from __future__ import annotations

from fastapi import APIRouter, Security

from api import schemas
from api.auth import authenticate
from api.problems import problem_responses
from api.routes.known import CameraName, known_camera, preview_file
from api.services import App
from insights.queries import CameraInfo, cameras

router = APIRouter(
    prefix="/v1/cameras",
    tags=["cameras"],
    dependencies=[Security(authenticate, scopes=["insights:read"])],
    responses=problem_responses(401, 403, 422, 429),
)


@router.get("", summary="All cameras")
def list_cameras(app: App) -> list[schemas.CameraInfo]:
    """Every camera that was ever watched in this shop, by name."""
    live = set(app.live.cameras())
    return [_describe(camera, live) for camera in cameras(app.records, app.settings.store)]


@router.get("/{camera}", summary="One camera", responses=problem_responses(404))
def get_camera(app: App, camera: CameraName) -> schemas.CameraInfo:
    """One camera with its lines and zones."""
    return _describe(known_camera(app, camera), set(app.live.cameras()))


@router.get("/{camera}/lines", summary="Lines of a camera", responses=problem_responses(404))
def list_lines(app: App, camera: CameraName) -> list[schemas.LineInfo]:
    """The lines at which this camera counts footfall."""
    return [schemas.LineInfo.model_validate(line) for line in known_camera(app, camera).lines]


@router.get("/{camera}/zones", summary="Zones of a camera", responses=problem_responses(404))
def list_zones(app: App, camera: CameraName) -> list[schemas.ZoneInfo]:
    """The zones in which this camera measures stays."""
    return [schemas.ZoneInfo.model_validate(zone) for zone in known_camera(app, camera).zones]


def _describe(camera: CameraInfo, live: set[str]) -> schemas.CameraInfo:
    return schemas.CameraInfo(
        camera=camera.camera,
        width=camera.size[0],
        height=camera.size[1],
        first_seen=camera.first_seen,
        last_seen=camera.last_seen,
        live=camera.camera in live,
        preview=preview_file(camera) is not None,
        floor=camera.homography is not None,
        lines=[schemas.LineInfo.model_validate(line) for line in camera.lines],
        zones=[schemas.ZoneInfo.model_validate(zone) for zone in camera.zones],
    )
