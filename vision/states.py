"""What happens to cameras, told on the bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from cameras.live import CameraState
from store.bus import Bus
from store.errors import BusError, UnavailableError
from store.events import CameraDegraded, CameraRecovered, Event

_SAY_S: Final = 2.0
_STREAM, _LOOKS = "stream", "looks"
log = structlog.get_logger(__name__)


class CameraStates:
    """Tells the states of the cameras of shop ``store`` as ``camera.degraded`` and ``camera.recovered``.

    A camera that is seen for the first time has not recovered, nor has one while anything else is wrong with it: its
    stream, or where it looks.
    """

    def __init__(self, store: str, bus: Bus) -> None:
        self._store, self._bus = store, bus
        self._wrong: dict[str, set[str]] = {}

    def tell(self, state: CameraState) -> None:
        """Publish what is to be said of a camera's new state. Raises nothing: where the bus is away that is logged."""
        self._say(self._events(state), state.camera)

    def pass_on(self, events: Sequence[CameraDegraded | CameraRecovered]) -> None:
        """Publish what is to be said of where cameras look; as ``tell``."""
        for event in events:
            (camera,) = event.cameras
            if isinstance(event, CameraDegraded):
                self._wrong.setdefault(camera, set()).add(_LOOKS)
                self._say([event], camera)
            elif self._is_well_without(camera, _LOOKS):
                self._say([event], camera)

    def _say(self, events: Sequence[Event], camera: str) -> None:
        try:
            if events:
                self._bus.publish(events, live=True, timeout_s=_SAY_S)
        except (BusError, UnavailableError) as error:
            # Word of a camera is not worth the camera.
            log.warning("camera state could not be published", camera=camera, reason=str(error))

    def _events(self, state: CameraState) -> list[Event]:
        camera, since = state.camera, state.since
        if state.status == "degraded":
            self._wrong.setdefault(camera, set()).add(_STREAM)
            return [CameraDegraded(store=self._store, time=since, cameras=(camera,), reason=state.reason)]
        if state.status == "live" and self._is_well_without(camera, _STREAM):
            return [CameraRecovered(store=self._store, time=since, cameras=(camera,))]
        return []

    def _is_well_without(self, camera: str, wrong: str) -> bool:
        """Take that ``wrong`` is so no more; whether it was, and was all."""
        held = self._wrong.get(camera, set())
        if wrong not in held:
            return False
        held.discard(wrong)
        return not held
