"""From where a hand is filmed: the shop's cameras and free ones, cut to the hand; and whether they see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel, look_at
from datasets.simulation.scene import SceneState
from datasets.simulation.timeline import Timeline
from store.layout import PlacedSlot, Plan, footprint

Float = NDArray[np.float64]

SIDE_M: Final = 1.28  # what a clip shows, across, at the hand
SIDE_PX: Final = 128
FREE: Final = "free"
_TORSO_M: Final = 0.15  # radius of the trunk, for what it hides
_HEAD_M: Final = 0.13
_STEPS: Final = np.linspace(0.02, 0.98, 33)


@dataclass(frozen=True, eq=False)
class View:
    """A camera cut to ``model.size`` pixels around a hand. ``source`` is the plan's camera, or ``free``.

    ``elevation_deg`` is how far below the camera's horizon the hand is: 90 is straight overhead.
    """

    model: CameraModel
    source: str
    elevation_deg: float


def cut(camera: CameraModel, point: Float, name: str, source: str) -> View | None:
    """``SIDE_M`` of ``camera``'s picture around ``point`` (3,), never finer than it is; None out of sight."""
    local = camera.to_camera(point)
    at = camera.project(point)
    if local[2] < 0.4 or not (np.all(at > 4) and np.all(at < np.array(camera.size) - 4)):
        return None
    density = float(camera.matrix[0, 0] / np.linalg.norm(local))
    side = int(np.clip(round(density * SIDE_M), 32, SIDE_PX))
    # A camera near by is drawn coarser, which is what its picture becomes anyway.
    factor = min(side / (density * SIDE_M), 1.0)
    matrix = camera.matrix.copy()
    matrix[:2] *= factor
    matrix[:2, 2] -= at * factor - side / 2
    steep = float(np.degrees(np.arcsin(np.clip((camera.position - point)[2] / np.linalg.norm(local), -1, 1))))
    model = replace(camera, camera=name, size=(side, side), matrix=matrix)
    return View(model, source, steep)


def free_camera(rng: np.random.Generator, plan: Plan, slot: PlacedSlot | None, point: Float) -> CameraModel | None:
    """A camera somewhere around ``point`` (3,) before the shelf, inside the shop; None where the draw is no place."""
    normal = np.array(slot.normal) if slot is not None else np.array([np.cos(a := rng.uniform(0, 6.28)), np.sin(a)])
    along = np.array([-normal[1], normal[0]])
    kind = rng.random()
    if kind < 0.35:  # overhead
        ahead, aside, height = rng.uniform(0.1, 0.9), rng.uniform(-0.7, 0.7), rng.uniform(2.4, 3.2)
    elif kind < 0.85:  # oblique
        ahead, aside, height = rng.uniform(0.3, 2.2), rng.choice([-1, 1]) * rng.uniform(0.3, 2.2), rng.uniform(2.1, 3.1)
    else:  # near the height of the hand, from the side
        ahead, aside = rng.uniform(0.3, 0.8), rng.choice([-1, 1]) * rng.uniform(0.9, 1.8)
        height = point[2] + rng.uniform(0.0, 0.6)
    xy = point[:2] + ahead * normal + aside * along
    position = np.array([*xy, height])
    if plan.floor is not None and not shapely.contains_xy(shapely.Polygon(plan.floor.polygon), *xy):
        return None
    if height > (plan.floor.height_m if plan.floor is not None else 9.0) - 0.05:
        return None
    focal = float(np.linalg.norm(position - point)) * rng.uniform(60.0, 125.0)
    matrix = np.array([[focal, 0, 500.0], [0, focal, 500.0], [0, 0, 1.0]])
    rotation = look_at(position, point + rng.normal(0, 0.05, 3), float(rng.uniform(-6, 6)))
    return CameraModel(FREE, (1000, 1000), matrix, np.zeros(5), rotation, position)


class Sight:
    """Tells what stands between cameras and hands: furniture as boxes, trunks and heads as capsules."""

    def __init__(self, timeline: Timeline) -> None:
        self._boxes = [(f.name, shapely.Polygon(footprint(f)), f.height_m) for f in timeline.plan.fixtures]
        self._slots = {slot.id: slot for slot in timeline.plan.slots()}
        skeleton = timeline.actors[0].character.skeleton
        self._trunk = [skeleton.index(name) for name in ("pelvis", "spine_02", "neck_01")]
        self._head = skeleton.index("head")

    def clear(self, eye: Float, point: Float, slot: str | None) -> bool:
        """Whether furniture leaves ``point`` (3,) in sight of ``eye`` (3,); ``slot`` is where the point is."""
        skip = None
        if slot is not None:
            place = self._slots[slot]
            normal = np.array(place.normal)
            deep = float((np.array(place.corner[:2]) - point[:2]) @ normal)
            ahead = float((eye[:2] - np.array(place.corner[:2])) @ normal)
            if ahead < 0.05:
                return False
            if deep > 0.0:
                enters = point + (eye - point) * deep / (deep + ahead)
                if enters[2] > place.corner[2] + place.headroom_m - 0.02 or enters[2] < place.corner[2]:
                    return False
            skip = place.fixture
        way = point + (eye - point) * _STEPS[:, None]
        for name, polygon, height in self._boxes:
            if name != skip and np.any(shapely.contains_xy(polygon, way[:, 0], way[:, 1]) & (way[:, 2] < height)):
                return False
        return True

    def seen(self, eye: Float, state: SceneState, actor: int, joint: int) -> bool:
        """Whether no trunk or head hides ``joint`` of ``actor`` from ``eye``."""
        place = int(np.flatnonzero(state.actors == actor)[0])
        point = state.joints[place, joint]
        reach = float(np.linalg.norm(eye - point))
        if reach < 0.05:
            return False
        start = point + (eye - point) * min(0.04 / reach, 1.0)
        for body in state.joints:
            pelvis, spine, neck, head = (body[joint] for joint in (*self._trunk, self._head))
            if min(_apart(start, eye, pelvis, spine), _apart(start, eye, spine, neck)) < _TORSO_M:
                return False
            if _apart(start, eye, head, head + 0.14 * (head - neck) / 0.12) < _HEAD_M:
                return False
        return True


def _apart(a: Float, b: Float, c: Float, d: Float) -> float:
    """The distance between the segments a-b and c-d, each (3,); Ericson, Real-Time Collision Detection, 5.1.9."""
    u, v, w = b - a, d - c, a - c
    uu, uv, vv, uw, vw = u @ u, u @ v, v @ v, u @ w, v @ w
    spread = uu * vv - uv * uv
    s = float(np.clip((uv * vw - vv * uw) / spread, 0, 1)) if spread > 1e-12 else 0.0
    t = float(np.clip((uv * s + vw) / vv, 0, 1)) if vv > 1e-12 else 0.0
    s = float(np.clip((uv * t - uw) / uu, 0, 1)) if uu > 1e-12 else 0.0
    return float(np.linalg.norm(w + s * u - t * v))
