"""Names in a request, checked against what there is: an unknown one is a 404 that lists the known ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from fastapi import Path as PathParameter
from fastapi import Query

from api.problems import Problem
from api.services import Services
from insights.queries import CameraInfo, cameras

CameraName = Annotated[
    str, PathParameter(description="A camera's name, as in `/v1/cameras`.", max_length=64, examples=["entrance"])
]
BucketSeconds = Annotated[
    int,
    Query(
        alias="bucket",
        ge=60,
        le=31 * 86400,
        multiple_of=60,
        description="Seconds in a bucket: whole minutes.",
        examples=[3600],
    ),
]


def known_camera(app: Services, name: str) -> CameraInfo:
    """What is recorded of a camera. Raises a 404 problem."""
    found = cameras(app.records, app.settings.store)
    for camera in found:
        if camera.camera == name:
            return camera
    raise unknown("camera", name, (camera.camera for camera in found), f"The shop {app.settings.store}")


def check_line(camera: CameraInfo, name: str | None) -> None:
    """Raise a 404 problem for a line that the camera does not have."""
    names = [line.name for line in camera.lines]
    if name is not None and name not in names:
        raise unknown("line", name, names, f"Camera '{camera.camera}'")


def check_zone(camera: CameraInfo, name: str | None) -> None:
    """Raise a 404 problem for a zone that the camera does not have."""
    names = [zone.name for zone in camera.zones]
    if name is not None and name not in names:
        raise unknown("zone", name, names, f"Camera '{camera.camera}'")


def unknown(what: str, name: str, known: Iterable[str], owner: str) -> Problem:
    """The 404 problem for a name that is not there."""
    names = ", ".join(sorted(known))
    there = f"Its {what}s: {names}." if names else f"It has no {what}s yet."
    return Problem(404, f"unknown-{what}", f"Unknown {what}", f"{owner} has no {what} {name[:64]!r}. {there}")


def preview_file(camera: CameraInfo) -> Path | None:
    """The file of a camera's blurred preview, when it is there."""
    path = Path(camera.preview) if camera.preview else None
    return path if path is not None and path.is_file() else None
