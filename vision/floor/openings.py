"""Where people come and go: at the gates where there are any, else anywhere."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.layout import Plan
from vision.floor.settings import FloorSettings

Float = NDArray[np.float64]

_AT_GATE_M: Final = 1.5
_ELSEWHERE: Final = 0.02  # how much rarer people appear and vanish away from gates than where there are none


def gates_of(plan: Plan) -> Float:
    """The ends (g, 2, 2) of a plan's gates, metres."""
    return np.array([(gate.a, gate.b) for gate in plan.gates], np.float64).reshape(-1, 2, 2)


class Openings:
    """``gates`` (g, 2, 2) are the ends of the openings in metres; None where people come and go anywhere."""

    def __init__(self, gates: Float | None, settings: FloorSettings) -> None:
        self._settings = settings
        self._gates = None if gates is None else np.asarray(gates, np.float64).reshape(-1, 2, 2)

    def arrivals(self, xy: Float) -> Float:
        """How many people a square metre and second appear at places (n, 2)."""
        return self._settings.arrivals * self._share(xy)

    def leaving(self, xy: Float, span_s: Float | float) -> Float:
        """The chance (n,) that somebody at places (n, 2) is gone ``span_s`` seconds later."""
        return np.asarray(-np.expm1(-np.asarray(span_s) * self._share(xy) / self._settings.leave_s))

    @property
    def known(self) -> bool:
        """Whether there are gates."""
        return self._gates is not None and len(self._gates) > 0

    def at(self, xy: Float) -> NDArray[np.bool_]:
        """Which places (n, 2) are at a gate; all where none are known."""
        if self._gates is None or not len(self._gates):
            return np.ones(len(xy), np.bool_)
        return np.asarray(to_segments(xy, self._gates).min(axis=1) <= _AT_GATE_M)

    def _share(self, xy: Float) -> Float:
        return np.where(self.at(xy), 1.0, _ELSEWHERE)


def to_segments(xy: Float, segments: Float) -> Float:
    """Metres (n, s) from places (n, 2) to segments (s, 2, 2)."""
    start, along = segments[:, 0], segments[:, 1] - segments[:, 0]
    way = ((xy[:, None] - start) * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-9)
    nearest = start + np.clip(way, 0.0, 1.0)[..., None] * along
    return np.asarray(np.linalg.norm(xy[:, None] - nearest, axis=2))
