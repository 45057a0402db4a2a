"""Which cameras must look at every picture: those that show somebody near a shelf or a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan, footprint
from vision.floor.coverage import seen_share, standing
from vision.floor.observations import Rig
from vision.floor.openings import gates_of, to_segments
from vision.floor.tracks import FloorTracks

Float = NDArray[np.float64]

_LEAST_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """Where nobody is near a shelf or a gate, one picture of ``every`` is looked at, but one in ``longest_s`` seconds
    at least. Near is within ``shelf_m`` of furniture with shelves or ``gate_m`` of a gate, now or, at the present
    velocity, ``ahead_s`` seconds from now.
    """

    every: int = 4
    longest_s: float = 0.4
    shelf_m: float = 1.0
    gate_m: float = 2.0
    ahead_s: float = 0.8


class Attention:
    """Tells by the people on the floor which of ``cameras`` must look at every picture."""

    def __init__(self, cameras: Sequence[CameraModel], plan: Plan, settings: KeyFrames) -> None:
        self.settings = settings
        self._rig = Rig.of(tuple(cameras))
        corners = [footprint(fixture) for fixture in plan.fixtures if fixture.shelves]
        edges = [edge for each in corners for edge in zip(each, (*each[1:], each[0]), strict=True)]
        self._shelves = np.array(edges, np.float64).reshape(-1, 2, 2)
        self._gates = gates_of(plan)

    @property
    def has_shelves(self) -> bool:
        """Whether the plan has any: without, there is nothing to tell people by."""
        return len(self._shelves) > 0

    def wanted(self, tracks: FloorTracks) -> set[str]:
        """The cameras that must look at every picture, by where people are."""
        near = self._near(tracks.xy) | self._near(tracks.xy + self.settings.ahead_s * tracks.velocity)
        if not near.any():
            return set()
        sees = (seen_share(self._rig, standing(tracks.xy[near]), hiding=False) > _LEAST_SHARE) | tracks.cameras[near]
        return {self._rig.cameras[place].camera for place in np.flatnonzero(sees.any(axis=0)).tolist()}

    def _near(self, xy: Float) -> NDArray[np.bool_]:
        shelf = to_segments(xy, self._shelves).min(axis=1, initial=np.inf) <= self.settings.shelf_m
        gate = to_segments(xy, self._gates).min(axis=1, initial=np.inf) <= self.settings.gate_m
        return np.asarray(shelf | gate)
