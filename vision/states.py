"""What happens to cameras, as events."""

from __future__ import annotations

from cameras.live import CameraState
from store.events import CameraDegraded, CameraRecovered, Event


class CameraStates:
    """Turns the states of the cameras of one shop into ``camera.degraded`` and ``camera.recovered``.

    A camera that is seen for the first time has not recovered.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._degraded: set[str] = set()

    def events(self, state: CameraState) -> list[Event]:
        """What is to be said of a camera's new state."""
        camera, since = state.camera, state.since
        if state.status == "degraded":
            self._degraded.add(camera)
            return [CameraDegraded(store=self._store, time=since, cameras=(camera,), reason=state.reason)]
        if state.status == "live" and camera in self._degraded:
            self._degraded.discard(camera)
            return [CameraRecovered(store=self._store, time=since, cameras=(camera,))]
        return []
