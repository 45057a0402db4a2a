"""What happens to cameras, told on the bus."""

from __future__ import annotations

from typing import Final

import structlog

from cameras.live import CameraState
from store.bus import Bus
from store.errors import BusError, UnavailableError
from store.events import CameraDegraded, CameraRecovered, Event

_SAY_S: Final = 2.0
log = structlog.get_logger(__name__)


class CameraStates:
    """Tells the states of the cameras of shop ``store`` as ``camera.degraded`` and ``camera.recovered``.

    A camera that is seen for the first time has not recovered.
    """

    def __init__(self, store: str, bus: Bus) -> None:
        self._store, self._bus = store, bus
        self._degraded: set[str] = set()

    def tell(self, state: CameraState) -> None:
        """Publish what is to be said of a camera's new state. Raises nothing: where the bus is away that is logged."""
        try:
            if events := self._events(state):
                self._bus.publish(events, live=True, timeout_s=_SAY_S)
        except (BusError, UnavailableError) as error:
            # Word of a camera is not worth the camera.
            log.warning("camera state could not be published", camera=state.camera, reason=str(error))

    def _events(self, state: CameraState) -> list[Event]:
        camera, since = state.camera, state.since
        if state.status == "degraded":
            self._degraded.add(camera)
            return [CameraDegraded(store=self._store, time=since, cameras=(camera,), reason=state.reason)]
        if state.status == "live" and camera in self._degraded:
            self._degraded.discard(camera)
            return [CameraRecovered(store=self._store, time=since, cameras=(camera,))]
        return []
