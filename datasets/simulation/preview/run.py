"""What the page shows of one run, as a script that the page loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.preview.page import script_json
from datasets.simulation.scene import SceneState
from datasets.simulation.timeline import Timeline
from datasets.simulation.truth.annotations import CameraTruth
from store import events
from store.catalogue import Catalogue
from store.furniture import footprint
from store.layout import Plan


@dataclass(frozen=True, eq=False)
class ShownCamera:
    """One camera: its truth, the true times (n,) of its pictures in seconds of the run, and where these are.

    ``folder`` is the camera's folder in the dataset's. Of a ``video``, ``pts`` (n,) are the pictures' times in it, in
    seconds; without one, the pictures are files called as in the truth.
    """

    truth: CameraTruth
    times: NDArray[np.float64]
    folder: str
    video: str | None
    pts: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FloorMoment:
    """Who is where at ``time_s``: rows of the person's number from 1, x, y in metres, heading in radians."""

    time_s: float
    people: list[list[float]]

    @classmethod
    def of(cls, state: SceneState) -> FloorMoment:
        """The people of ``state``."""
        where = np.column_stack([state.xy, state.heading]).round(3).tolist()
        return cls(
            round(state.time_s, 3), [[actor + 1, *at] for actor, at in zip(state.actors.tolist(), where, strict=True)]
        )


def write_run(
    path: Path, timeline: Timeline, cameras: Sequence[ShownCamera], floor: Sequence[FloorMoment], duration_s: float
) -> None:
    """Write the script for a run of ``duration_s`` seconds whose people were at ``floor``, in order of time."""
    products = {product.gtin: product.name for product in timeline.catalogue.products}
    document = {
        "scenario": timeline.scenario,
        "seed": timeline.seed,
        "duration": round(duration_s, 3),
        "plan": _plan(timeline.plan),
        "people": [{"name": actor.name} for actor in timeline.actors],
        "cameras": [_camera(camera, [actor.track_id for actor in timeline.actors]) for camera in cameras],
        "floor": {
            "times": [moment.time_s for moment in floor],
            "people": [moment.people for moment in floor],
        },
        "events": [
            _event(event, timeline, products) for event in timeline.events if not isinstance(event, events.PersonMoved)
        ],
    }
    path.write_text(f"window.aisleRun = {script_json(document)};\n", encoding="utf-8")


def _camera(camera: ShownCamera, track_ids: Sequence[str]) -> dict[str, Any]:
    ids = {track_id: place + 1 for place, track_id in enumerate(track_ids)}
    people: list[list[Any]] = [[] for _ in camera.truth.images]
    for seen in camera.truth.annotations:
        people[seen["image_id"] - 1].append(
            [
                ids[seen["track_id"]],
                seen["bbox"],
                seen["visible_share"],
                seen["keypoints"],
                seen["segmentation"]["counts"],
            ]
        )
    shown: dict[str, Any] = {
        "camera": camera.truth.camera,
        "size": list(camera.truth.size),
        "folder": camera.folder,
        "times": camera.times.round(4).tolist(),
        "people": people,
    }
    if camera.video is not None:
        return shown | {"video": camera.video, "pts": camera.pts.round(5).tolist()}
    return shown | {"files": [image["file_name"] for image in camera.truth.images]}


def _plan(plan: Plan) -> dict[str, Any]:
    placed = [view for view in plan.cameras if view.pose is not None]
    corners = [tuple(point) for fixture in plan.fixtures for point in footprint(fixture)]
    corners += [view.pose.position[:2] for view in placed if view.pose is not None]
    floor = list(plan.floor.polygon) if plan.floor else []
    around = np.array([*corners, *floor] or [(0.0, 0.0), (1.0, 1.0)], np.float64)
    low, high = around.min(axis=0) - 0.4, around.max(axis=0) + 0.4
    return {
        "box": [*low.round(2).tolist(), *high.round(2).tolist()],
        "floor": floor,
        "walls": [[wall.a, wall.b] for wall in plan.walls],
        "gates": [[gate.a, gate.b] for gate in plan.gates],
        "fixtures": [[list(point) for point in footprint(fixture)] for fixture in plan.fixtures],
        "cameras": [list(view.pose.position[:2]) for view in placed if view.pose is not None],
    }


def _session(timeline: Timeline, session_id: str) -> str:
    """Who is in a session, by name."""
    return ", ".join(actor.name for actor in timeline.actors if actor.session_id == session_id) or session_id


def _event(event: events.Event, timeline: Timeline, products: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "t": round(event.time - timeline.start, 3),
        "type": event.type,
        "text": _text(event, timeline, products),
    }
    if isinstance(event, events.SessionOpened | events.SessionClosed | events.BasketEvent):
        shown["session"] = _session(timeline, event.session_id)
    if isinstance(event, events.BasketEvent):
        total = sum(line.quantity * line.unit_price for line in event.lines)
        shown["basket"] = [f"{line.quantity} x {products.get(line.gtin, line.gtin)}" for line in event.lines]
        shown["total"] = money(total, timeline.catalogue) if event.lines else ""
    return shown


def money(amount: int, catalogue: Catalogue) -> str:
    """An amount in the currency's smallest unit, of which a hundred make one."""
    return f"{amount / 100:.2f} {catalogue.currency}"


def _text(event: events.Event, timeline: Timeline, products: dict[str, str]) -> str:
    names = {actor.track_id: actor.name for actor in timeline.actors}
    given = event.model_dump()
    who = [names.get(given[name], given[name]) for name in ("track_id", "to_track_id") if given.get(name)]
    what = [products.get(given["gtin"], given["gtin"])] if given.get("gtin") else []
    if given.get("session_id"):
        who.append(_session(timeline, given["session_id"]))
    where = [given[name] for name in ("slot", "gate", "zone", "line", "reason") if given.get(name)]
    return " · ".join([event.type, *who, *what, *where])
