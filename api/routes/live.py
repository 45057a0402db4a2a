"""Pictures of now. All are blurred before they come here, and none is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Response, Security
from fastapi.responses import FileResponse, StreamingResponse

from api.auth import authenticate
from api.live import LiveFrames, NotLiveError, TooManyViewersError
from api.problems import Problem, problem_responses
from api.routes.known import CameraName, known_camera, preview_file
from api.services import App, Services

router = APIRouter(
    prefix="/v1/cameras/{camera}",
    tags=["live"],
    dependencies=[Security(authenticate, scopes=["live:read"])],
    responses=problem_responses(401, 403, 404, 422, 429),
)
BOUNDARY = "aisle-frame"
_PARTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"multipart/x-mixed-replace": {}}, "description": "JPEG pictures without end."}
}
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG picture."}}


@router.get(
    "/live.mjpeg",
    summary="Live pictures",
    response_class=StreamingResponse,
    responses=_PARTS | problem_responses(503),
)
async def live_mjpeg(app: App, camera: CameraName) -> StreamingResponse:
    """The newest picture with boxes and ids, again and again; a slow viewer misses some."""
    _check_live(app, camera)
    if app.live.full(camera):
        detail = f"Camera '{camera}' has as many viewers as it may have. Close one, or ask for snapshot.jpg."
        raise Problem(503, "too-many-viewers", "Too many viewers", detail, headers={"Retry-After": "10"})
    return StreamingResponse(_parts(app.live, camera), media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}")


@router.get("/snapshot.jpg", summary="One live picture", response_class=Response, responses=_JPEG)
async def snapshot(app: App, camera: CameraName) -> Response:
    """A picture of now; where none comes within two seconds, the last one."""
    _check_live(app, camera)
    jpeg = await app.live.snapshot(camera)
    if jpeg is None:
        detail = f"Camera '{camera}' has given no picture yet. Try again in a moment."
        raise Problem(404, "no-picture-yet", "No picture yet", detail, headers={"Retry-After": "2"})
    return Response(jpeg, media_type="image/jpeg")


@router.get("/preview.jpg", summary="The kept preview", response_class=FileResponse, responses=_JPEG)
def preview(app: App, camera: CameraName) -> FileResponse:
    """The blurred picture that is kept of a camera, also when it is not watched now."""
    path = preview_file(known_camera(app, camera))
    if path is None:
        detail = f"No preview of camera '{camera}' is kept. Watch it again to have one."
        raise Problem(404, "no-preview", "No preview", detail)
    return FileResponse(path, headers={"Cache-Control": "private, max-age=60"})


def _check_live(app: Services, camera: str) -> None:
    names = app.live.cameras()
    if camera not in names:
        shown = ", ".join(names) or "none"
        detail = (
            f"This process has no live pictures of a camera '{camera[:64]}'. Live here: {shown}. "
            "Live pictures come from `aisle watch SOURCE --serve`; they never leave the process that makes them."
        )
        raise Problem(404, "not-live", "Not live", detail)


async def _parts(live: LiveFrames, camera: str) -> AsyncIterator[bytes]:
    # Chromium shows a part when it has read the head of the next one, so that head goes out with the picture; a
    # length cannot stand in it, for the next picture is not there yet.
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
    yield head
    try:
        async for jpeg in live.follow(camera):
            yield b"".join((jpeg, b"\r\n", head))
    except (NotLiveError, TooManyViewersError):
        return
