"""Counts: footfall, visits, stays in zones, occupancy, and what each number means."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Security

from api import schemas
from api.auth import authenticate
from api.problems import Problem, problem_responses
from api.ranges import TimeRange, time_range
from api.routes.known import BucketSeconds, CameraName, check_line, check_zone, known_camera, unknown
from api.services import App
from insights import queries
from insights.definitions import definitions

router = APIRouter(
    prefix="/v1",
    tags=["insights"],
    dependencies=[Security(authenticate, scopes=["insights:read"])],
    responses=problem_responses(401, 403, 422, 429),
)
Range = Annotated[TimeRange, Depends(time_range)]
OneCamera = Annotated[str | None, Query(description="Only this camera; else all of them.", max_length=64)]
OneZone = Annotated[str | None, Query(description="Only this zone.", max_length=64)]


@router.get("/footfall", summary="Footfall", responses=problem_responses(404))
def footfall(
    app: App,
    span: Range,
    bucket_s: BucketSeconds = 3600,
    camera: OneCamera = None,
    line: Annotated[str | None, Query(description="Only this line of the camera.", max_length=64)] = None,
) -> schemas.Footfall:
    """Crossings of footfall lines in both directions, in buckets that begin at `from`; the last ends at `to`."""
    if camera is not None:
        check_line(known_camera(app, camera), line)
    elif line is not None:
        raise Problem(
            422, "line-without-camera", "Line without camera", "A line belongs to a camera: give 'camera' as well."
        )
    span.check_buckets(bucket_s)
    buckets = queries.footfall(app.records, app.settings.store, camera, line, span.start, span.end, bucket_s)
    return schemas.Footfall(
        camera=camera,
        line=line,
        bucket_s=bucket_s,
        count_in=sum(bucket.count_in for bucket in buckets),
        count_out=sum(bucket.count_out for bucket in buckets),
        buckets=[schemas.FootfallBucket.model_validate(bucket) for bucket in buckets],
    )


@router.get("/visits", summary="Visits", responses=problem_responses(404))
def visits(app: App, span: Range, camera: OneCamera = None) -> schemas.Visits:
    """How many visits began in the range, and how long they lasted."""
    if camera is not None:
        known_camera(app, camera)
    found = queries.visits(app.records, app.settings.store, camera, span.start, span.end)
    return schemas.Visits(camera=camera, **asdict(found))


@router.get("/cameras/{camera}/dwell", summary="Dwell by zone", responses=problem_responses(404))
def dwell(app: App, span: Range, camera: CameraName, zone: OneZone = None) -> list[schemas.Dwell]:
    """How long people stayed in each zone of a camera."""
    info = known_camera(app, camera)
    check_zone(info, zone)
    names = [each.name for each in info.zones] if zone is None else [zone]
    return [
        schemas.Dwell(
            camera=camera,
            zone=name,
            **asdict(queries.dwell(app.records, app.settings.store, camera, name, span.start, span.end)),
        )
        for name in names
    ]


@router.get("/cameras/{camera}/occupancy", summary="Occupancy over time", responses=problem_responses(404))
def occupancy(
    app: App, span: Range, camera: CameraName, bucket_s: BucketSeconds = 60, zone: OneZone = None
) -> schemas.Occupancy:
    """How many people were present over time, in the picture or in one zone. The range is rounded to minutes."""
    check_zone(known_camera(app, camera), zone)
    span.check_buckets(bucket_s)
    buckets = queries.occupancy_series(
        app.records, app.settings.store, camera, zone, span.start, span.end, float(bucket_s)
    )
    return schemas.Occupancy(
        camera=camera,
        zone=zone,
        bucket_s=bucket_s,
        buckets=[schemas.OccupancyBucket.model_validate(bucket) for bucket in buckets],
    )


@router.get("/cameras/{camera}/occupancy/now", summary="People now", responses=problem_responses(404))
def occupancy_now(app: App, camera: CameraName) -> schemas.Present:
    """How many people are there now, heard from the camera's own events."""
    known = {info.camera for info in queries.cameras(app.records, app.settings.store)} | set(app.live.cameras())
    if camera not in known:
        raise unknown("camera", camera, known, f"The shop {app.settings.store}")
    present = app.now.present(camera)
    return schemas.Present(camera=camera, **asdict(present))


@router.get("/definitions", summary="Definitions")
def list_definitions(app: App) -> list[schemas.Definition]:
    """What each number means, in words; the pages and the reports show the same."""
    found = definitions(min_visitors=app.settings.min_visitors)
    return [
        schemas.Definition(name=name, title=name.replace("_", " ").capitalize(), text=text)
        for name, text in found.items()
    ]
