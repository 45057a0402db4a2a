"""A scenario as floor and boxes alone: played, not drawn; some seconds of CPU where pictures take minutes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.floor_scene import FloorScene
from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.scene import Scene
from datasets.simulation.survey.coverage import in_picture
from datasets.simulation.survey.obstacles import Boxes
from datasets.simulation.timeline import Timeline
from datasets.simulation.truth.silhouettes import Silhouette, full_box

LEAST_SHARE: Final = 0.25  # who shows less past furniture and the picture's edges has no box
_POINTS: Final = 24  # of a body, for how much of it is seen
_CHUNK: Final = 200

Float = NDArray[np.float64]


def play_floor(recipe: Recipe) -> FloorScene:
    """The scene of ``recipe``, at its filming's rate, by its cameras.

    Boxes are those of whole bodies; furniture and walls hide people, other people do not. All cameras take their
    pictures at the same moments; outages are dark. Raises ``ScenarioError`` and ``PlanError``.
    """
    timeline, cameras = recipe.play(), recipe.camera_models()
    scene = Scene(timeline)
    times = np.arange(int(timeline.duration_s * recipe.filming.rate_hz) + 1) / recipe.filming.rate_hz
    silhouettes = [Silhouette.of(actor.character) for actor in timeline.actors]
    obstacles = Boxes.of(timeline.plan)
    dark = _dark(timeline, cameras, times)
    frame: list[int] = []
    person: list[int] = []
    xy: list[Float] = []
    boxes: list[tuple[int, int, Float]] = []
    for start in range(0, len(times), _CHUNK):
        for t, state in enumerate(scene.states(times[start : start + _CHUNK]), start):
            for place, actor in enumerate(state.actors.tolist()):
                body = silhouettes[actor].posed(state.matrices[place])
                for number, camera in enumerate(cameras):
                    box = None if dark[t, number] else _box(camera, obstacles, body)
                    if box is not None:
                        boxes.append((len(frame), number, box))
                frame.append(t)
                person.append(actor)
                xy.append(state.xy[place])
    return FloorScene(
        recipe.name,
        cameras,
        times,
        np.array(frame, np.int64),
        np.array(person, np.int64),
        np.array(xy, np.float64).reshape(-1, 2),
        np.array([row for row, *_ in boxes], np.int64),
        np.array([camera for _, camera, _ in boxes], np.int64),
        np.array([box for *_, box in boxes], np.float64).reshape(-1, 4),
        _gates(timeline),
        dark,
        timeline.scenario,
        plan=timeline.plan,
        party=_parties(timeline),
    )


def _box(camera: CameraModel, obstacles: Boxes, body: Float) -> Float | None:
    some = body[:: max(len(body) // _POINTS, 1)]
    seen = in_picture(camera, some)
    if seen.mean() < LEAST_SHARE:
        return None
    seen &= ~obstacles.hide(camera.position, some)
    return full_box(camera.project(body)) if seen.mean() >= LEAST_SHARE else None


def _dark(timeline: Timeline, cameras: tuple[CameraModel, ...], times: Float) -> NDArray[np.bool_]:
    dark = np.zeros((len(times), len(cameras)), np.bool_)
    for outage in timeline.outages:
        own = np.array([camera.camera == outage.camera for camera in cameras], np.bool_)
        dark |= ((times >= outage.start_s) & (times < outage.end_s))[:, None] & own
    return dark


def _parties(timeline: Timeline) -> NDArray[np.int64]:
    """By person the number of the session in which they shop; who has none is a party of their own."""
    names = [actor.session_id or f"alone {place}" for place, actor in enumerate(timeline.actors)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _gates(timeline: Timeline) -> Float | None:
    ends = [(gate.a, gate.b) for gate in timeline.plan.gates]
    return np.array(ends, np.float64).reshape(-1, 2, 2) if ends else None
