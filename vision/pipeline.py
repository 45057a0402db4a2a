"""One camera's way from frames to tracks: detect, describe, follow, look back."""

from __future__ import annotations

from typing import Final

from cameras.frame import Frame
from models.people import PersonDetector, open_person_detector
from models.registry import ACTIVE
from vision.appearance import colour_embedding
from vision.detections import Detections, Tracks
from vision.lookback import Lookback, Moment
from vision.tracker_settings import TrackerSettings
from vision.tracking import PersonTracker

LAG_S: Final = 1.5
DEFAULT_WEIGHTS: Final = "efficientdet-lite0"
_STEP, _LONGER_SIDE = 128, 640


class PersonFollower:
    """Follows the people that a detector finds in one camera's pictures.

    ``now`` are the confirmed tracks of the newest picture; ``update`` returns the pictures that are settled, ``LAG_S``
    seconds later or half a second more, with what is known by then. ``patience_s`` is the time after which somebody who
    has not come back never will; detections down to ``weak`` are of use.
    """

    def __init__(self, frame_rate: float, settings: TrackerSettings | None = None) -> None:
        self._tracker = PersonTracker(frame_rate, settings)
        self._lookback = Lookback(LAG_S)
        self.now = Tracks.empty()
        used = self._tracker.settings
        self.weak = used.weak
        self.patience_s = max(used.relink.longest_s, used.keep_lost_s) + LAG_S

    def update(self, seen: Detections, captured_at: float, index: int) -> list[Moment]:
        """Take in the next picture; returns the settled ones. Raises ``ValueError`` if time stands still."""
        self.now = self._tracker.update(seen, captured_at)
        return self._lookback.update(self.now, self._tracker.confirmed, captured_at, index)

    def finish(self) -> list[Moment]:
        """The pictures that are not settled yet, when the footage ends."""
        return self._lookback.finish()


class PersonWatcher:
    """Finds and follows the people in one camera's frames: a detector before a ``PersonFollower``.

    ``seen`` are the detections and ``now`` the confirmed tracks of the newest frame.
    """

    def __init__(self, detector: PersonDetector, frame_rate: float, settings: TrackerSettings | None = None) -> None:
        self._detector = detector
        self._follower = PersonFollower(frame_rate, settings)
        self.seen = Detections.empty()
        self.patience_s = self._follower.patience_s

    @property
    def now(self) -> Tracks:
        """The confirmed tracks of the newest frame."""
        return self._follower.now

    def update(self, frame: Frame) -> list[Moment]:
        """Watch the next frame; returns the settled ones, oldest first. Raises ``ValueError`` if time stands still."""
        boxes = self._detector.detect([frame.image], min_confidence=self._follower.weak)[0]
        looks = colour_embedding(frame.image, boxes.xyxy)
        self.seen = Detections(boxes.xyxy, boxes.confidence, embedding=looks)
        return self._follower.update(self.seen, frame.captured_at, frame.index)

    def finish(self) -> list[Moment]:
        """The frames that are not settled yet, when the footage ends."""
        return self._follower.finish()


def network_size(picture: tuple[int, int]) -> tuple[int, int]:
    """The detector's input (width, height) for a picture of that size: 640 along the longer side, multiples of 128.

    The shorter side is rounded up, so that the picture keeps its proportions within a step.
    """
    longer, shorter = max(picture), min(picture)
    side = min(_LONGER_SIDE, -(-_LONGER_SIDE * shorter // longer // _STEP) * _STEP)
    return (_LONGER_SIDE, side) if picture[0] >= picture[1] else (side, _LONGER_SIDE)


def open_watcher(
    picture: tuple[int, int],
    frame_rate: float,
    *,
    weights: str = DEFAULT_WEIGHTS,
    size: tuple[int, int] | None = None,
    device: str = "cpu",
) -> PersonWatcher:
    """Open the detector (see ``models.people.open_person_detector``) and make a watcher for pictures of this size."""
    if size is None and weights in (DEFAULT_WEIGHTS, ACTIVE):
        size = network_size(picture)
    return PersonWatcher(open_person_detector(weights, size=size, device=device), frame_rate)
