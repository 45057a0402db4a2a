"""Watches calibrations: when a camera was bumped, when it is as it was, and how far its places can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.calibration.disagreement import LEARN_S, LIMIT_DEG, WINDOW_S, FloorDisagreement
from cameras.calibration.parameters import turned
from cameras.calibration.scenery import Scenery
from cameras.geometry import CameraModel
from store.events import CameraDegraded, CameraRecovered

Float = NDArray[np.float64]
Picture = NDArray[np.uint8]

EVERY_S: Final = 5.0
_TWICE: Final = 2  # looks in a row that must agree


class BumpMonitor:
    """Tells bumped cameras of one shop, by people (``see_people``) and by pictures (``see_picture``).

    A camera is reported once, with a reason, after two looks in a row, and once when it is as it was. Cameras of
    ``scenery`` have a reference of what stands still. Call ``reset`` after a calibration.
    """

    def __init__(
        self,
        store: str,
        models: Mapping[str, CameraModel],
        scenery: Mapping[str, Scenery] | None = None,
        *,
        limit_deg: float = LIMIT_DEG,
        learn_s: float = LEARN_S,
        window_s: float = WINDOW_S,
    ) -> None:
        self._store, self._models, self._limit = store, dict(models), limit_deg
        self._scenery = dict(scenery or {})
        self._floor = FloorDisagreement(models, window_s=window_s, learn_s=learn_s)
        self.reset()

    def reset(self) -> None:
        """Forget all that was seen."""
        self._floor.reset()
        self._looked_s = -math.inf
        # By route and camera: the turn (3,) in degrees that is reported, and how often in a row something is seen.
        self._turn: dict[tuple[str, str], Float] = {}
        self._seen: dict[tuple[str, str], int] = {}
        self._told: set[str] = set()

    @property
    def bumped(self) -> tuple[str, ...]:
        """The cameras that are reported and not recovered."""
        return tuple(sorted(self._told))

    def see_people(
        self, camera: str, time_s: float, people: Sequence[str], xyxy: Float
    ) -> list[CameraDegraded | CameraRecovered]:
        """Take the boxes (n, 4) of people, by names that all cameras share; return what is new to say."""
        self._floor.update(camera, time_s, people, xyxy)
        if time_s - self._looked_s < EVERY_S or not self._floor.learned:
            return []
        self._looked_s = time_s
        turns = {turn.camera: turn for turn in self._floor.turns(limit_deg=self._limit)}
        found: list[CameraDegraded | CameraRecovered] = []
        for name in sorted(self._models):
            turn = turns.get(name)
            reason = ""
            if turn is not None:
                others = ", ".join(turn.others)
                reason = f"turned by about {turn.angle_deg:.1f} degrees: it sees people elsewhere than {others}"
            found += self._note("people", name, time_s, None if turn is None else turn.vector_deg, reason)
        return found

    def see_picture(self, camera: str, time_s: float, picture: Picture) -> list[CameraDegraded | CameraRecovered]:
        """Compare a picture (blurred will do) with the camera's reference; return what is new to say.

        Nothing is said of a camera without one. A picture in which the scenery is not found again counts as turned by
        an angle that is not known: covered, out of focus, or pointing elsewhere.
        """
        scenery = self._scenery.get(camera)
        if scenery is None:
            return []
        turn = scenery.compare(picture)
        if turn.lost:
            reason = "its picture no longer shows what it was calibrated with: covered, out of focus or turned away"
            return self._note("picture", camera, time_s, np.full(3, 10.0), reason)
        if turn.angle_deg >= self._limit / 2:
            reason = f"turned by {turn.angle_deg:.1f} degrees: what stands still is elsewhere in its picture"
            return self._note("picture", camera, time_s, turn.vector_deg, reason)
        return self._note("picture", camera, time_s, None, "")

    def extra_covariance(self, camera: str, xy_m: Float) -> Float:
        """What a bump adds to the covariance (n, 2, 2) of the places ``xy_m`` (n, 2) that the camera gives; else zeros.

        The turn's mean square, about every axis alike, carried to the floor.
        """
        angle = max((float(np.linalg.norm(v)) for (_, name), v in self._turn.items() if name == camera), default=0.0)
        if not angle or camera not in self._told:
            return np.zeros((len(xy_m), 2, 2))
        model = self._models[camera]
        points = np.column_stack([xy_m, np.zeros(len(xy_m))])
        slope = np.stack(
            [(model.on_floor(turned(model, axis).project(points)) - xy_m) / 1e-3 for axis in np.eye(3) * 1e-3], axis=2
        )
        slope = np.nan_to_num(slope, nan=1e2)
        return np.asarray(slope @ slope.transpose(0, 2, 1) * math.radians(angle) ** 2 / 3.0)

    def weight(self, camera: str, xy_m: Float, usual_m: float = 0.15) -> Float:
        """The weight (n,) in 0..1 of the camera's places: by how much a bump makes their variance larger."""
        extra = np.trace(self.extra_covariance(camera, xy_m), axis1=1, axis2=2)
        return np.asarray(2 * usual_m**2 / (2 * usual_m**2 + extra))

    def _note(
        self, route: str, camera: str, time_s: float, vector: Float | None, reason: str
    ) -> list[CameraDegraded | CameraRecovered]:
        key = (route, camera)
        before = self._seen.get(key, 0)
        # Up while something is seen, down while not: either way twice in a row.
        self._seen[key] = max(before, 0) + 1 if vector is not None else min(before, 0) - 1
        if vector is not None:
            if self._seen[key] < _TWICE:
                return []
            self._turn[key] = vector
            if camera in self._told:
                return []
            self._told.add(camera)
            return [CameraDegraded(store=self._store, time=time_s, cameras=(camera,), reason=reason)]
        if self._seen[key] <= -_TWICE and key in self._turn:
            del self._turn[key]
            if camera in self._told and not any(name == camera for _, name in self._turn):
                self._told.discard(camera)
                return [CameraRecovered(store=self._store, time=time_s, cameras=(camera,))]
        return []
