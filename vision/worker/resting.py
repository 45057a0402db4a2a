"""Which cameras need not even decode pictures in which nothing moves: nobody is near what they see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan
from vision.floor.coverage import seen_share, standing
from vision.floor.observations import Rig
from vision.floor.openings import gates_of
from vision.floor.sight import Sight
from vision.floor.tracks import FloorTracks

Float = NDArray[np.float64]

NEAR_M: Final = 3.0
"""As far as people go in the two seconds after which a camera that rests looks again (``cameras.packets``)."""
SILENT_S: Final = 5.0
"""So long after a guard's last picture it is not relied on: a still camera is looked at every two seconds."""
_CELL_M: Final = 0.5
_LEAST_SHARE: Final = 0.1
_WATCHED: Final = (
    0.2  # of whoever stands in a gate; a tenth of everybody is seen behind a wall (``vision.floor.sight``)
)


class Resting:
    """Tells by the people on the floor which of ``cameras`` may rest.

    ``guards`` never rest: for each gate the camera that sees most of whoever stands in it. Where a plan has no
    gates, where no camera sees one of them, and while a guard shows nothing, all stay awake.
    """

    def __init__(self, cameras: Sequence[CameraModel], plan: Plan, sight: Sight | None) -> None:
        rig = Rig.of(tuple(cameras))
        self._cameras = rig.cameras
        gates = gates_of(plan)
        middles = gates.mean(axis=1)
        share = _share(rig, middles, sight)
        large = share / np.linalg.norm(standing(middles)[:, None] - rig.position[None], axis=2)
        self.guards = frozenset(rig.cameras[place].camera for place in large.argmax(axis=1).tolist())
        watched = (share > _WATCHED).any(axis=1).all()
        self._able = len(gates) > 0 and bool(watched)
        places = _cells(plan)
        self._places, self._seen = places, _share(rig, places, sight) > _LEAST_SHARE

    def cameras(self, tracks: FloorTracks, silent_s: dict[str, float]) -> set[str]:
        """Those that may rest, by where people are and by how long ago each camera showed something."""
        if not self._able or any(silent_s.get(name, np.inf) > SILENT_S for name in self.guards):
            return set()
        apart = np.linalg.norm(tracks.xy[:, None] - self._places[None], axis=2)
        near = (apart <= NEAR_M).any(axis=0)  # places
        awake = (self._seen & near[:, None]).any(axis=0)
        names = {camera.camera for camera, busy in zip(self._cameras, awake.tolist(), strict=True) if not busy}
        return names - self.guards


def _share(rig: Rig, xy: Float, sight: Sight | None) -> Float:
    """How much each camera (n, c) sees of somebody at ``xy`` (n, 2) metres."""
    return seen_share(rig, standing(xy), hiding=False, sight=sight)


def _cells(plan: Plan) -> Float:
    """Places (n, 2) half a metre apart, all over the floor; none where the plan has no floor, and so no gates."""
    if plan.floor is None:
        return np.empty((0, 2))
    corners = np.array(plan.floor.polygon, np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y = np.meshgrid(*(np.arange(low[axis] + _CELL_M / 2, high[axis], _CELL_M) for axis in (0, 1)))
    places = np.column_stack([x.ravel(), y.ravel()])
    return np.asarray(places[shapely.intersects_xy(shapely.Polygon(corners), places)])
