"""Clips of what a shop is not sure of, for those who review: the last seconds of every camera, and a few of them kept.

The last seconds are held in memory as small JPEG pictures. Nothing of them is written but through
``vision.evidence.EvidenceWriter``, which blurs faces and heads first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.events import Event, ProductEvent
from store.evidence import Box, EvidenceError
from store.layout import Plan
from vision.detections import Detections
from vision.evidence import EvidenceWriter, Shot
from vision.shop.slot_views import SlotViews

HELD_S: Final = 20.0
"""How long pictures are held: a deed is told some seconds after it."""
MOST_HELD: Final = 120
LONGEST_PX: Final = 640
BEFORE_S: Final = 2.0
AFTER_S: Final = 1.5
SURE: Final = 0.95  # what is told with this probability is not put to anybody: ``checkout.policy.Policy.sure_at``
_QUALITY: Final = 85
log = structlog.get_logger(__name__)

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    at_s: float
    jpeg: bytes
    scale: float
    people: NDArray[np.float32]


class ClipKeeper:
    """Keeps a clip of each product event that is less likely than ``sure``, of the camera that sees its slot best.

    At most ``MOST_HELD`` pictures a camera, of ``HELD_S`` seconds, are held in memory: about 60 kB each.
    """

    def __init__(
        self, plan: Plan, cameras: Sequence[CameraModel], writer: EvidenceWriter, *, sure: float = SURE
    ) -> None:
        self._writer, self._sure = writer, sure
        self._held: dict[str, deque[_Held]] = {camera.camera: deque(maxlen=MOST_HELD) for camera in cameras}
        slots = [slot.id for slot in plan.slots()]
        self._seen: dict[str, list[tuple[float, str, Box]]] = {}
        for camera in cameras:
            views = SlotViews.of(plan, camera)
            for row, place in enumerate(views.slots.tolist()):
                how_well = float(views.scale[row] * views.seen[row].mean())
                box = _around(views.pixels[row][views.seen[row]])
                self._seen.setdefault(slots[place], []).append((how_well, camera.camera, box))

    def add(self, captured: Mapping[str, tuple[float, Image]], people: Mapping[str, Detections]) -> None:
        """Hold the pictures of a moment, uint8 (H, W, 3) BGR with their times, and whom the detector found in them."""
        for camera, (at_s, image) in captured.items():
            held = self._held.get(camera)
            if held is None:
                continue
            scale = min(1.0, LONGEST_PX / max(image.shape[:2]))
            small = image if scale == 1.0 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
            held.append(_Held(at_s, jpeg, scale, (people[camera].xyxy * scale).astype(np.float32)))
            while held[0].at_s < at_s - HELD_S:
                held.popleft()

    def kept(self, events: Sequence[Event]) -> list[Event]:
        """The same events; those that a person may be asked about name the clip that was kept of them."""
        return [self._with_clip(event) if self._is_doubtful(event) else event for event in events]

    def _is_doubtful(self, event: Event) -> bool:
        if not isinstance(event, ProductEvent):
            return False
        sides = (max((chance.probability for chance in side), default=1.0) for side in (event.who, event.what))
        return event.confidence * float(np.prod(list(sides))) < self._sure

    def _with_clip(self, event: Event) -> Event:
        shots = self._shots(event)
        if not shots:
            return event
        try:
            name = self._writer.keep(event.id, shots)
        except (EvidenceError, OSError) as error:
            # The event counts without its pictures.
            log.warning("a clip could not be kept", about=event.id, reason=str(error))
            return event
        return event.model_copy(update={"evidence": (*event.evidence, name)})

    def _shots(self, event: Event) -> list[Shot]:
        """The pictures around the event, of the camera that sees its slot best of those that have any."""
        seen = self._seen.get(getattr(event, "slot", None) or "", [])
        places: list[tuple[str, Box | None]] = [(camera, box) for _, camera, box in sorted(seen, reverse=True)]
        for camera, focus in places or [(camera, None) for camera in event.cameras]:
            span = (event.time - BEFORE_S, event.time + AFTER_S)
            held = [each for each in self._held.get(camera, ()) if span[0] <= each.at_s <= span[1]]
            if held:
                return [_shot(camera, each, focus) for each in held]
        return []


def _shot(camera: str, held: _Held, focus: Box | None) -> Shot:
    image = np.asarray(cv2.imdecode(np.frombuffer(held.jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    box = None
    if focus is not None:
        x1, y1, x2, y2 = (side * held.scale for side in focus)
        box = (x1, y1, x2, y2)
    return Shot(camera, held.at_s, image, held.people, box)


def _around(pixels: NDArray[np.float32]) -> Box:
    (x1, y1), (x2, y2) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return x1, y1, x2, y2
