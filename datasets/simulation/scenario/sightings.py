"""What plans' cameras would say of people's feet: where they are, which lines they cross, which zones they are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.timeline import Timeline
from store.events import Event, LineCrossed, PersonMoved, ZoneEntered, ZoneLeft, ZoneQueue
from store.views import CameraView, Line, Zone

Float = NDArray[np.float64]
Draft = tuple[type[Event], float, dict[str, Any]]

MOVED_HZ = 2.0  # rows of person.moved
COUNT_HZ = 10.0  # at which lines and zones are looked at


def sightings(timeline: Timeline) -> Iterator[Draft]:
    """``person.moved`` (each person's row by the first camera of the plan that sees the feet, and works), line and zone
    events of every camera that can be placed in the shop.
    """
    yield from _moved(timeline)
    views = [view for view in timeline.plan.cameras if view.lines or view.zones]
    if not views:
        return
    times = np.arange(0.0, timeline.duration_s, 1.0 / COUNT_HZ)
    feet = _feet(timeline, times)
    for view in views:
        pixels = to_pixels(view, feet)
        if pixels is None:
            continue
        works = _works(timeline, view.camera, times)
        pixels = np.where(works[None, :, None], pixels, np.nan)
        for line in view.lines:
            yield from _crossings(view.camera, line, times, pixels)
        for zone in view.zones:
            yield from _zone(view.camera, zone, times, pixels)


def to_pixels(view: CameraView, feet: Float) -> Float | None:
    """Points on the floor (..., 2) in metres as pixels (..., 2) of ``view``, NaN outside of the picture.

    None for a view that says neither lens and pose nor homography.
    """
    if view.lens is not None and view.pose is not None:
        points = np.concatenate([feet, np.zeros((*feet.shape[:-1], 1))], axis=-1)
        pixels = CameraModel.of(view).project(points)
    elif view.homography is not None:
        back = np.linalg.inv(np.array(view.homography))
        mapped = np.concatenate([feet, np.ones((*feet.shape[:-1], 1))], axis=-1) @ back.T
        ahead = mapped[..., 2:] * back[2, 2] > 0
        pixels = np.where(ahead, mapped[..., :2] / np.where(ahead, mapped[..., 2:], 1.0), np.nan)
    else:
        return None
    with np.errstate(invalid="ignore"):
        seen = ((pixels >= 0) & (pixels < np.array(view.size))).all(axis=-1, keepdims=True)
    return np.asarray(np.where(seen, pixels, np.nan))


def _feet(timeline: Timeline, times: Float) -> Float:
    """Where everybody stands: (actors, times, 2), NaN while not in the shop."""
    found = np.full((len(timeline.actors), len(times), 2), np.nan)
    for number, actor in enumerate(timeline.actors):
        walk = actor.performance.walk
        for axis in (0, 1):
            found[number, :, axis] = np.interp(times, walk.time_s, walk.xy[:, axis], left=np.nan, right=np.nan)
    return found


def _works(timeline: Timeline, camera: str, times: Float) -> NDArray[np.bool_]:
    works = np.ones(len(times), bool)
    for outage in timeline.outages:
        if outage.camera == camera:
            works &= (times < outage.start_s) | (times >= outage.end_s)
    return works


def _moved(timeline: Timeline) -> Iterator[Draft]:
    times = np.arange(0.0, timeline.duration_s, 1.0 / MOVED_HZ)
    feet = _feet(timeline, times)
    told = np.isnan(feet).any(axis=-1)  # (actors, times): nothing to say (any more)
    for view in timeline.plan.cameras:
        pixels = to_pixels(view, feet)
        if pixels is None:
            continue
        mine = ~told & ~np.isnan(pixels).any(axis=-1) & _works(timeline, view.camera, times)
        told |= mine
        batch = int(MOVED_HZ)
        for first in range(0, len(times), batch):
            columns, actors = np.nonzero(mine[:, first : first + batch].T)
            if not len(columns):
                continue
            columns = columns + first
            xy, xy_m = pixels[actors, columns].round(2), feet[actors, columns].round(4)
            yield (
                PersonMoved,
                float(times[columns[-1]]),
                {
                    "cameras": (view.camera,),
                    "camera": view.camera,
                    "size": view.size,
                    "track_id": tuple(timeline.actors[actor].track_id for actor in actors),
                    "time_s": tuple((timeline.start + times[columns]).tolist()),
                    "xy": tuple(map(tuple, xy.tolist())),
                    "xy_m": tuple(map(tuple, xy_m.tolist())),
                },
            )


def _crossings(camera: str, line: Line, times: Float, pixels: Float) -> Iterator[Draft]:
    """Steps (of 1 / ``COUNT_HZ``) of feet that cut the line; to its right, in a picture with y down, is ``in``."""
    a, b = np.array(line.a), np.array(line.b)
    way = b - a
    side = way[0] * (pixels[..., 1] - a[1]) - way[1] * (pixels[..., 0] - a[0])
    with np.errstate(invalid="ignore"):
        flips = (side[:, :-1] < 0) != (side[:, 1:] < 0)
        flips &= ~np.isnan(side[:, :-1]) & ~np.isnan(side[:, 1:])
    actors, steps = np.nonzero(flips)
    for actor, step in zip(actors.tolist(), steps.tolist(), strict=True):
        p, q = pixels[actor, step], pixels[actor, step + 1]
        share = side[actor, step] / (side[actor, step] - side[actor, step + 1])
        along = float((p + share * (q - p) - a) @ way / (way @ way))
        if 0.0 <= along <= 1.0:
            time_s = float(times[step] + share * (times[step + 1] - times[step]))
            direction = "in" if side[actor, step + 1] > 0 else "out"
            yield LineCrossed, time_s, {"cameras": (camera,), "line": line.name, "direction": direction}


def _zone(camera: str, zone: Zone, times: Float, pixels: Float) -> Iterator[Draft]:
    inside = shapely.contains_xy(shapely.Polygon(zone.polygon), pixels[..., 0], pixels[..., 1])
    fields = {"cameras": (camera,), "zone": zone.name}
    for stays in inside:
        edges = np.diff(stays.astype(np.int8), prepend=0, append=0)
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        stops = np.minimum(ends, len(times) - 1)
        for begun, left in zip(times[starts].tolist(), times[stops].tolist(), strict=True):
            yield ZoneEntered, begun, fields
            yield ZoneLeft, left, {**fields, "dwell_s": left - begun}
    if zone.queue_limit is not None:
        people = inside.sum(axis=0)
        for step in np.flatnonzero((people >= zone.queue_limit) & (np.diff(people, prepend=0) > 0)):
            yield ZoneQueue, float(times[step]), {**fields, "people": int(people[step])}
