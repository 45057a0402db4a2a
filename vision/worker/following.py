"""One camera of a worker, from what its pictures show to facts."""

from __future__ import annotations

from store.views import CameraView
from vision.facts import FactWriter, Publish
from vision.pipeline import PersonFollower
from vision.worker.looking import Look


class CameraFollower:
    """Follows the people of one camera and publishes who came, where they went and who left.

    ``store`` is the shop, ``frame_rate`` what the camera states; ``publish`` takes the events, on the shop's clock.
    """

    def __init__(self, store: str, view: CameraView, frame_rate: float, publish: Publish) -> None:
        self._follower = PersonFollower(frame_rate)
        self._ahead_s = view.clock_offset_s
        self._facts = FactWriter(store, view, publish, patience_s=self._follower.patience_s)

    @property
    def now(self) -> int:
        """How many people are in view."""
        return len(self._follower.now)

    @property
    def entered(self) -> int:
        """How many people were counted so far."""
        return self._facts.entered

    def take(self, look: Look) -> None:
        """The next picture."""
        self._facts.add(self._follower.update(look.detections, look.captured_at - self._ahead_s, look.index))

    def finish(self) -> None:
        """Everybody leaves."""
        self._facts.add(self._follower.finish())
        self._facts.close()
